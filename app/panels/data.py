"""What the panels show, as typed data that travels to the browser."""

from __future__ import annotations

from typing import Literal

from gradio.data_classes import GradioModel
from pydantic import Field


class BarData(GradioModel):
    """One finding: `FindingRow` of `app.views.findings`, for the browser."""

    finding: str
    name: str
    probability: float
    threshold: float
    unsure: bool
    interval: list[float] | None = None
    calibrated: bool = True
    positive: list[str]
    negative: list[str]


class FindingsData(GradioModel):
    """What the probabilities panel shows: bars, or a sentence on why there are none."""

    state: Literal["loading", "ready", "failed", "empty"] = "empty"
    message: str = ""
    rows: list[BarData] = Field(default_factory=list)
    meaning: str = ""


class ScoreData(GradioModel):
    """One model's word on one finding: its probability, and the call that its threshold makes of it."""

    probability: float
    call: str = ""


class ComparisonRow(GradioModel):
    """A finding as two models score it; None where one of them does not ask for it."""

    name: str
    first: ScoreData | None
    second: ScoreData | None
    difference: float | None


class ComparisonData(GradioModel):
    """Two models' findings on one film.

    Attributes:
        first, second: the models, name and short hash.
        difference of a row: second minus first, in probability.
    """

    first: str = ""
    second: str = ""
    rows: list[ComparisonRow] = Field(default_factory=list)
    meaning: str = ""


class FilmData(GradioModel):
    """What film is on screen: its title, and facts about it."""

    title: str = ""
    facts: list[str] = Field(default_factory=list)


class MessageData(GradioModel):
    """One sentence for the reader; an empty one hides the box. "wait" is said calmly."""

    text: str = ""
    kind: Literal["alert", "wait"] = "alert"


class NoticesData(GradioModel):
    """Warnings about a film; none hides the box."""

    sentences: list[str] = Field(default_factory=list)


class SentencesData(GradioModel):
    """A report's sentences and the index of the one on the film."""

    sentences: list[str] = Field(default_factory=list)
    current: int = -1


class MatchRow(GradioModel):
    """A phrase or a finding, and how well a patch matches it."""

    name: str
    score: float


class PatchData(GradioModel):
    """What the clicked patch matches; an empty `where` hides the panel."""

    where: str = ""
    phrases: list[MatchRow] = Field(default_factory=list)
    findings: list[MatchRow] = Field(default_factory=list)
