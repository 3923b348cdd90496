"""The Evaluate tab's panel: tables of figures whose cells open the films behind them."""

from __future__ import annotations

from gradio.data_classes import GradioModel
from pydantic import Field

from app.panels.data import PictureData
from app.panels.panels import Panel


class Cell(GradioModel):
    """One figure, with its interval and a word on it below; `item` is sent when it is clicked, "" without films."""

    text: str
    interval: str = ""
    mark: str = ""
    note: str = ""
    item: str = ""


class Line(GradioModel):
    """A row of a table; `model` is sent with a cell of it, `models` with a cell of a column of models."""

    name: str
    note: str = ""
    model: str = ""
    cells: list[Cell]


class Table(GradioModel):
    """A table.

    Attributes:
        models: of each column, where rows are items.
        folded: shown when its caption is clicked.
    """

    caption: str
    head: list[str]
    models: list[str] = Field(default_factory=list)
    rows: list[Line]
    folded: bool = False


class EvaluationData(GradioModel):
    """A result as the page shows it.

    Attributes:
        facts: (name, value) of what the figures stand on.
        terms: (name, meaning) of the words in the tables.
    """

    title: str = ""
    facts: list[list[str]] = Field(default_factory=list)
    tables: list[Table] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    terms: list[list[str]] = Field(default_factory=list)
    empty: str = ""


class EvaluationPanel(Panel):
    """Tables of figures; sends `choose_cell` {model, item}."""

    data_model = EvaluationData
    script = "evaluation.js"


class PlotsData(GradioModel):
    """A result's figures; none hides the panel."""

    pictures: list[PictureData] = Field(default_factory=list)


class PlotsPanel(Panel):
    """Figures with what they show, in the page's look."""

    data_model = PlotsData
    script = "plots.js"
    helpers = ("dom.js", "picture.js")
