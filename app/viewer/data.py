"""What the viewer shows, as typed data that travels to the browser: a film's picture, its window, and its maps."""

from __future__ import annotations

import math
from typing import Any

from gradio.data_classes import FileData, GradioModel
from pydantic import Field, field_validator, model_validator

from egma.display import DRAWN_FROM

MAX_GRID_SIDE = 256
"""Longest side of a map's grid: the finest in use has 64; a page must not be asked to draw a picture as a grid."""


class LayerData(GradioModel):
    """One phrase's map at the model's own resolution.

    Attributes:
        id: the same for the same phrase, so that a reader's switch stays where it was put.
        phrase: the words; shown as text, never as markup.
        rows, cols: the grid.
        data: row-major cosine similarity, `rows * cols` values; None (or NaN) where the model saw nothing.
        box: x0, y0, x1, y1 of the whole grid in fractions of the film; beyond 0..1 where the film was padded.
            Values of patches beside the film belong in `data` too: what is drawn up to the film's edge is interpolated
            towards them, as `Geometry.map_to_source` does.
        peak: (u, v) of the strongest patch's centre in fractions of the film, or None for no mark.
    """

    id: str
    phrase: str
    rows: int = Field(ge=1, le=MAX_GRID_SIDE)
    cols: int = Field(ge=1, le=MAX_GRID_SIDE)
    data: list[float | None]
    box: list[float] = Field(default=[0.0, 0.0, 1.0, 1.0], min_length=4, max_length=4)
    peak: list[float] | None = Field(default=None, min_length=2, max_length=2)

    @field_validator("data", mode="before")
    @classmethod
    def _without_nan(cls, values: Any) -> Any:
        """JSON has no NaN: what was not seen travels as null."""
        return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]

    @model_validator(mode="after")
    def _holds_its_grid(self) -> LayerData:
        if len(self.data) != self.rows * self.cols:
            raise ValueError(
                f"a map of {self.rows} x {self.cols} patches needs {self.rows * self.cols} values, got {len(self.data)}"
            )
        if not (self.box[2] > self.box[0] and self.box[3] > self.box[1]):
            raise ValueError(f"a map's box must be x0 < x1 and y0 < y1, got {self.box}")
        return self


class ViewerData(GradioModel):
    """A film on screen with its maps.

    Attributes:
        image: the film's picture, or None for the empty viewer.
        packed16: the picture holds 16 bits: high byte in red, low byte in green. Otherwise 8 bits, from red.
        center, width: the default window in units of the picture's values; None shows the whole range.
        window_note: where that window comes from: "window 1 of 2 from the file".
        spacing_mm: (row, column) distance between the picture's pixel centres, or None where unknown.
        source_hw: (rows, columns) of the film itself where the picture is a reduced copy: positions are read out in
            the film's own pixels.
        film_id: opaque; the reader's view, window and marks are kept while it stays the same, and reset when it
            changes. Without one the picture's path stands for it.
        title: shown over the film.
        layers: the maps, in the order they are listed.
        visible: ids of the layers to switch on with the next `show`; None switches all on.
        show: any number not sent before (a count, a clock in ms) switches maps on: the reader has just asked.
            0 and repeated numbers change nothing, so that opening a film never does.
        step: show one map at a time, its phrase large above the film: for a report's sentences.
        current: in step mode, the id of the layer to show; empty keeps the reader's place.
        low, high: the checkpoint's display range: colours run over it on every film.
        drawn_from: the checkpoint's share of that range from which maps are drawn, until the reader says otherwise.
        checkpoint: name and short hash, for the exported picture.
        notice: burnt into the exported picture.
    """

    image: FileData | None = None
    packed16: bool = False
    center: float | None = None
    width: float | None = None
    window_note: str = ""
    spacing_mm: list[float] | None = Field(default=None, min_length=2, max_length=2)
    source_hw: list[int] | None = Field(default=None, min_length=2, max_length=2)
    film_id: str = ""
    title: str = ""
    layers: list[LayerData] = Field(default_factory=list)
    visible: list[str] | None = None
    show: int = 0
    step: bool = False
    current: str = ""
    low: float = 0.0
    high: float = 1.0
    drawn_from: float = Field(default=DRAWN_FROM, ge=0.0, lt=1.0)
    checkpoint: str = ""
    notice: str = "Research use only. Not for diagnosis."
