"""Maps and patch matches into what the viewer and the patch panel show: plain numbers in fractions of the film."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from egma.types import GroundingMap

_DIGITS = 4
"""Decimal places sent per patch: a colour map of 256 steps over a range of about 1 needs three."""


@dataclass(frozen=True)
class MapLayer:
    """One phrase's map, ready to be drawn.

    Attributes:
        key: the same for the same phrase, so that a viewer keeps what a reader chose for it.
        phrase: the words.
        rows, columns: the native grid.
        values: row-major cosine, of patches beside the film too: what is drawn at its edge is interpolated from them.
        box: x0, y0, x1, y1 of the grid in fractions of the film; may lie beyond 0..1 where the film was padded.
        peak: (u, v) of the strongest patch's centre in fractions of the film.
    """

    key: str
    phrase: str
    rows: int
    columns: int
    values: tuple[float, ...]
    box: tuple[float, float, float, float]
    peak: tuple[float, float]


def map_layer(answer: GroundingMap) -> MapLayer:
    """A grounding map as a layer."""
    height, width = answer.geometry.source_hw
    rows, columns = answer.grid.shape
    x0, y0, x1, y1 = answer.geometry.grid_box_px()
    x_px, y_px = answer.peak_xy_px
    return MapLayer(
        key=sha256(answer.phrase.encode()).hexdigest()[:12],
        phrase=answer.phrase,
        rows=rows,
        columns=columns,
        values=tuple(round(value, _DIGITS) for value in answer.grid.ravel().tolist()),
        box=(x0 / width, y0 / height, x1 / width, y1 / height),
        peak=(x_px / width, y_px / height),
    )
