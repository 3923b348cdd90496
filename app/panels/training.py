"""The Train tab's panels: the list of runs, one run, its curves, and what a data set holds."""

from __future__ import annotations

from gradio.data_classes import GradioModel
from pydantic import Field

from app.panels.panels import Panel


class RunRow(GradioModel):
    """One run in the list."""

    id: str
    title: str
    state: str
    detail: str = ""
    share: float | None = None


class RunsData(GradioModel):
    """The list of runs and which one is looked at."""

    rows: list[RunRow] = Field(default_factory=list)
    current: str = ""
    note: str = ""


class RunData(GradioModel):
    """One run: how it stands, in words and figures."""

    title: str = ""
    state: str = ""
    sentence: str = ""
    share: float | None = None
    facts: list[list[str]] = Field(default_factory=list)
    outcome: list[list[str]] = Field(default_factory=list)
    outcome_head: list[str] = Field(default_factory=list)
    note: str = ""


class Series(GradioModel):
    """One line of a chart: values over steps; None leaves a gap."""

    name: str
    steps: list[int]
    values: list[float | None]


class Chart(GradioModel):
    """A small chart of one quantity; `kind` "step" or "validation"."""

    title: str
    meaning: str
    kind: str
    series: list[Series]


class CurvesData(GradioModel):
    """The charts of a run, and of the one it is compared with."""

    charts: list[Chart] = Field(default_factory=list)
    empty: str = ""


class RunsPanel(Panel):
    """The list of runs; sends `choose_run` {id}."""

    data_model = RunsData
    script = "runs.js"


class RunPanel(Panel):
    """One run's state, figures and outcome."""

    data_model = RunData
    script = "run.js"


class CurvesPanel(Panel):
    """Curves of one or two runs."""

    data_model = CurvesData
    script = "curves.js"
