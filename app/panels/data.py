"""What the panels show, as typed data that travels to the browser."""

from __future__ import annotations

from typing import Literal

from gradio.data_classes import FileData, GradioModel
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


class CheckpointRow(GradioModel):
    """A checkpoint in the list: its one figure, or the sentence on why it cannot be opened."""

    name: str
    hash: str = ""
    headline: str = ""
    problem: str = ""
    in_use: bool = False


class CheckpointsData(GradioModel):
    """Every checkpoint there is; `shown` is the one whose card stands below."""

    rows: list[CheckpointRow] = Field(default_factory=list)
    shown: str = ""


class FigureRow(GradioModel):
    """A figure: its name, value with interval as text, and the cases it stands on."""

    name: str
    text: str
    n: int | None = None


class PictureData(GradioModel):
    """A picture and what is said of it; `dark` is the same for dark pages, where there is one."""

    image: FileData
    caption: str
    dark: FileData | None = None


class CardData(GradioModel):
    """What is known of one checkpoint beside the words of its card."""

    name: str = ""
    hash: str = ""
    licence: str = ""
    towers: str = ""
    problem: str = ""
    figures: list[FigureRow] = Field(default_factory=list)
    pictures: list[PictureData] = Field(default_factory=list)


class FilmData(GradioModel):
    """What film is on screen: its title, and facts about it."""

    title: str = ""
    facts: list[str] = Field(default_factory=list)


class MessageData(GradioModel):
    """One sentence for the reader; an empty one hides the box. "wait" is said calmly."""

    text: str = ""
    kind: Literal["alert", "wait"] = "alert"


class NoticesData(GradioModel):
    """Warnings about a film or a data set, under a title; none hides the box."""

    title: str = "Before you trust this film"
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


class TranscriptData(GradioModel):
    """Nothing: the dictation is in the gaze viewer's data, and the panel follows the viewer in the browser."""


class RowsData(GradioModel):
    """A table of text; no rows hide it."""

    caption: str = ""
    head: list[str] = Field(default_factory=list)
    rows: list[list[str]] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class MapData(GradioModel):
    """A map of the whole film on a small grid, row-major; None where nothing was seen."""

    rows: int = 1
    cols: int = 1
    data: list[float | None] = Field(default_factory=lambda: [0.0])


class MeasureRow(GradioModel):
    """One measure of agreement: the model's value, the other readers', the centre bias's, and its meaning."""

    name: str
    model: float | None = None
    ceiling: float | None = None
    floor: float | None = None
    meaning: str


class VersusData(GradioModel):
    """Model against reader; no title hides the panel. `top` and `swing` end the scales, in times an even spread."""

    title: str = ""
    model: MapData = Field(default_factory=MapData)
    reader: MapData = Field(default_factory=MapData)
    difference: MapData = Field(default_factory=MapData)
    model_label: str = ""
    reader_label: str = ""
    top: float = 1.0
    swing: float = 1.0
    meaning: str = ""
    caption: str = ""
    rows: list[MeasureRow] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
