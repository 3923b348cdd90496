"""A recording into what the gaze viewer draws: columns in fractions of the film, runs of zoom and window, sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.gaze.density import default_pixels_per_degree
from egma.gaze.merge import merge_rows
from egma.gaze.regions import BoxRegion, Region
from egma.gaze.track import GazeTrack

MOST_ROWS = 20_000
"""More fixations than an hour and a half holds; beyond it neighbours are drawn together."""
OUTLINE_ROWS = 64
Points = list[list[float]]


@dataclass(frozen=True, eq=False)
class Columns:
    """One track's fixations as columns: positions and one degree in fractions of the film, times in seconds."""

    start_s: list[float]
    duration_s: list[float]
    u: list[float]
    v: list[float]
    su: list[float]
    sv: list[float]
    shown: list[list[float]]
    window: list[list[float]]
    merged: int


def track_columns(track: GazeTrack, shape: tuple[int, int]) -> Columns:
    """A track in the pixels of a film of `shape` (H, W) as columns, neighbours merged where there are too many."""
    track, merged = merge_rows(track, MOST_ROWS)
    sides = np.array([shape[1], shape[0]], np.float64)
    place = track.xy_px / sides
    degree = _degrees(track, shape) / sides
    shown = None if track.shown_px is None else track.shown_px / np.tile(sides, 2)
    return Columns(
        start_s=_rounded(track.start_s, 3),
        duration_s=_rounded(track.duration_s, 3),
        u=_rounded(place[:, 0], 5),
        v=_rounded(place[:, 1], 5),
        su=_rounded(degree[:, 0], 5),
        sv=_rounded(degree[:, 1], 5),
        shown=_runs(shown),
        window=_runs(track.window),
        merged=merged,
    )


def region_outline(region: Region, shape: tuple[int, int]) -> dict[str, Any]:
    """A region's name and outline in fractions of the film: a box, the ellipse in it, or a polygon around a mask."""
    height, width = shape
    if isinstance(region, BoxRegion):
        x0, y0, x1, y1 = region.box_px
        name = region.name if region.certainty is None else f"{region.name} (certainty {region.certainty})"
        box = [round(x0 / width, 5), round(y0 / height, 5), round(x1 / width, 5), round(y1 / height, 5)]
        return {"name": name, "box": box, "ellipse": region.outline == "ellipse"}
    return {"name": region.name, "outline": _polygon(region.mask(shape))}


def _polygon(mask: NDArray[np.bool_]) -> list[Points]:
    """One polygon around a mask: its left edge downwards and its right edge upwards, at OUTLINE_ROWS heights."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return []
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, OUTLINE_ROWS).round().astype(int))]
    height, width = mask.shape
    left = mask[rows].argmax(axis=1) / width
    right = 1 - mask[rows][:, ::-1].argmax(axis=1) / width
    down = (rows + 0.5) / height
    edge = np.column_stack([np.r_[left, right[::-1]], np.r_[down, down[::-1]]])
    return [edge.round(4).tolist()]


def _degrees(track: GazeTrack, shape: tuple[int, int]) -> NDArray[np.float64]:
    """float64 (F, 2), image pixels in one degree; the stated default where the recording does not say."""
    default = default_pixels_per_degree(shape)
    if track.pixels_per_degree is None:
        return np.full((len(track), 2), default)
    known = np.isfinite(track.pixels_per_degree) & (track.pixels_per_degree > 0)
    return np.where(known, track.pixels_per_degree, default)


def _runs(values: NDArray[np.float64] | None) -> list[list[float]]:
    """[row, values...] where a row's values differ from the one before; rows that are not finite say nothing."""
    if values is None:
        return []
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    known = values[rows].round(5)
    changed = np.ones(len(rows), np.bool_)
    changed[1:] = (known[1:] != known[:-1]).any(axis=1)
    return [[int(row), *line] for row, line in zip(rows[changed].tolist(), known[changed].tolist())]


def _rounded(values: NDArray[np.float64], digits: int) -> list[float]:
    return values.round(digits).tolist()
