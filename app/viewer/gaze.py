"""The gaze viewer: the film viewer with recordings on it, replayed in the browser without asking the server.

Where a live tracker would come in (the place is kept free, nothing of it is built): the browser holds each reader as
columns that only grow at their end (`ReaderData`), and replay, maps and transcript look nothing up but by row, so that
rows added to `GazeTrack` of static/gaze-track.js while it is on screen would be drawn with the next frame. A bridge
would be a process on the reader's own machine that takes samples from the tracker (Lab Streaming Layer, or the maker's
interface), ends fixations as `egma.gaze.events` does for a whole recording, turns screen positions into fractions of
the film by the rectangle the viewer shows (`View.toFilm`), and sends {start_s, duration_s, u, v, su, sv} over a
WebSocket of that machine. The policy in app/security.py would have to allow that one address in connect-src.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gradio.data_classes import GradioModel
from pydantic import Field, field_validator

from app.viewer.component import CXRViewer
from app.viewer.data import ViewerData

_HERE = Path(__file__).parent
_MAPS = '<div class="egv-maps"'


class SentenceData(GradioModel):
    """One dictated sentence: its text, its times, and which words are its own."""

    text: str
    start_s: float
    end_s: float
    from_s: float
    first: int
    last: int
    fixations: int


class WordData(GradioModel):
    """One dictated word and its times."""

    text: str
    start_s: float
    end_s: float


class ReaderData(GradioModel):
    """One reader's fixations as columns, positions in fractions of the film, times in seconds.

    Attributes:
        id: the same for the same recording, so that a switch stays where it was put.
        name: shown as text.
        simulated: made by a program: said wherever it is drawn.
        start_s, duration_s: one value a fixation.
        u, v: position; beyond 0..1 beside the film, None in a blink.
        su, sv: one degree of visual angle along each axis.
        shown: [row, u0, v0, u1, v1] from which fixation on which part of the film was on the screen.
        window: [row, width, level] from which fixation on which window was set, in shares of the film's full range.
        words, sentences: the dictation.
        merged: how many consecutive fixations each row stands for: 1, or more where a recording is very long.
    """

    id: str
    name: str
    simulated: bool = False
    start_s: list[float] = Field(default_factory=list)
    duration_s: list[float] = Field(default_factory=list)
    u: list[float | None] = Field(default_factory=list)
    v: list[float | None] = Field(default_factory=list)
    su: list[float] = Field(default_factory=list)
    sv: list[float] = Field(default_factory=list)
    shown: list[list[float]] = Field(default_factory=list)
    window: list[list[float]] = Field(default_factory=list)
    words: list[WordData] = Field(default_factory=list)
    sentences: list[SentenceData] = Field(default_factory=list)
    merged: int = 1

    @field_validator("u", "v", mode="before")
    @classmethod
    def _without_nan(cls, values: Any) -> Any:
        """JSON has no NaN: a blink travels as null."""
        return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


class RegionData(GradioModel):
    """A region's outline: a box or the ellipse in it, or polygons for a mask; in fractions of the film."""

    name: str
    box: list[float] | None = None
    ellipse: bool = False
    outline: list[list[list[float]]] = Field(default_factory=list)


class PredictedData(GradioModel):
    """A predicted density on a grid over the whole film, in times an even spread; None where nothing was seen."""

    rows: int = Field(ge=1, le=256)
    cols: int = Field(ge=1, le=256)
    data: list[float | None]
    label: str


class GazeData(GradioModel):
    """What is open on the film."""

    readers: list[ReaderData] = Field(default_factory=list)
    regions: list[RegionData] = Field(default_factory=list)
    predicted: PredictedData | None = None


class GazeViewerData(ViewerData):
    """A film with recordings on it."""

    gaze: GazeData = Field(default_factory=GazeData)


class GazeViewer(CXRViewer):
    """The film viewer with replay, fixation maps and scan-paths. Everything it does happens in the browser."""

    data_model = GazeViewerData

    @classmethod
    def markup(cls) -> str:
        """The film viewer's own template with the replay bar between film and maps."""
        return super().markup().replace(_MAPS, (_HERE / "gaze.html").read_text(encoding="utf-8") + _MAPS, 1)

    @classmethod
    def styles(cls) -> str:
        """The film viewer's style and the replay bar's."""
        return super().styles() + (_HERE / "gaze.css").read_text(encoding="utf-8")
