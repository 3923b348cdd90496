"""The Evaluate tab's panel: tables of figures whose cells open the films behind them."""

from __future__ import annotations

from gradio.data_classes import GradioModel
from pydantic import Field

from app.panels.panels import Panel


class Cell(GradioModel):
    """One figure; `item` is sent when it is clicked, "" where there are no films behind it."""

    text: str
    interval: str = ""
    mark: str = ""
    why: str = ""
    item: str = ""


class Line(GradioModel):
    """A row of a table; `model` is sent with a cell of it, `models` with a cell of a column of models."""

    name: str
    note: str = ""
    model: str = ""
    cells: list[Cell]


class Table(GradioModel):
    """A table; `models` names each column's model where rows are items."""

    caption: str
    head: list[str]
    models: list[str] = Field(default_factory=list)
    rows: list[Line]


class EvaluationData(GradioModel):
    """A result as the page shows it."""

    title: str = ""
    facts: list[str] = Field(default_factory=list)
    tables: list[Table] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    empty: str = ""


class EvaluationPanel(Panel):
    """Tables of figures; sends `choose_cell` {model, item}."""

    data_model = EvaluationData
    script = "evaluation.js"
