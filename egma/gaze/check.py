"""Refuses a recording that cannot be what it says, in one sentence: times, columns, frame and its film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

# A calibrated reader looks at the film: fewer looks on it than this mean another film or another frame.
MIN_ON_FILM = 0.5
# What counts as "the other reading fits": x and y exchanged, or a different size.
CLEAR_FIT = 0.9
MAX_FRACTION = 1.5
MIN_ROWS = 4  # fewer say nothing about frames
LATEST_S = 1e11  # three thousand years: beyond it a number is no time
LONGEST_FIXATION_S = 30.0  # a typical one lasts 0.3 s, so that milliseconds taken for seconds are noticed
FARTHEST_PX = 1e7
SIZE_TOLERANCE_PX = 2


def check_rows(count: int, what: str) -> None:
    """Refuse a file with a header and nothing below it."""
    if not count:
        raise GazeError(f"the recording is empty: its header is there but no {what} follows; export it again")


def check_times(start_s: Float64, end_s: Float64) -> None:
    """Refuse times that are not finite, run backwards, or end before they start. Rows count from 1 below the header."""
    for name, values in (("start", start_s), ("end", end_s)):
        row = _first(~np.isfinite(values))
        if row is not None:
            raise GazeError(
                f"{name} times must be finite numbers: row {row + 1} has none; remove the row or mend its time"
            )
    row = _first(np.maximum(np.abs(start_s), np.abs(end_s)) > LATEST_S)
    if row is not None:
        raise GazeError(f"row {row + 1} is at {start_s[row]:.3g} s, which is no time in a recording; mend or remove it")
    row = _first(np.diff(start_s) < 0)
    if row is not None:
        raise GazeError(
            f"gaze times must increase: row {row + 2} is at {start_s[row + 1]:.3f} s after {start_s[row]:.3f} s; "
            "sort the file by time"
        )
    row = _first(end_s < start_s)
    if row is not None:
        raise GazeError(
            f"gaze cannot end before it starts: row {row + 1} starts at {start_s[row]:.3f} s and ends at "
            f"{end_s[row]:.3f} s; are the columns of start and end mixed up?"
        )


def check_lengths(start_s: Float64, end_s: Float64) -> None:
    """Refuse fixations or samples that last far too long to be in seconds."""
    typical = float(np.median(end_s - start_s)) if len(start_s) >= MIN_ROWS else 0.0
    if typical > LONGEST_FIXATION_S:
        raise GazeError(
            f"the times are not in seconds: a typical row would last {typical:.0f} s; divide them by 1,000 if they are "
            "milliseconds"
        )


def check_positions(xy_px: Float64) -> None:
    """Refuse infinite positions, and a recording without any."""
    row = _first(np.any(np.isinf(xy_px), axis=1))
    if row is not None:
        raise GazeError(f"positions must be finite numbers, or blank in a blink: row {row + 1} has neither")
    row = _first(np.any(np.abs(np.nan_to_num(xy_px)) > FARTHEST_PX, axis=1))
    if row is not None:
        raise GazeError(
            f"row {row + 1} lies {np.abs(xy_px[row]).max():.3g} pixels away, where no screen reaches; mend it"
        )
    if not np.isfinite(xy_px).all(axis=1).any():
        raise GazeError("the recording has no position at all: every x or y is blank; are the right columns chosen?")


def check_shown(xy_px: Float64, shown_px: Float64) -> None:
    """Refuse shown rectangles that are inside out, positions that are fractions, and x and y exchanged."""
    row = _first((shown_px[:, 2] < shown_px[:, 0]) | (shown_px[:, 3] < shown_px[:, 1]))
    if row is not None:
        x0, y0, x1, y1 = shown_px[row]
        raise GazeError(
            f"the columns of the shown rectangle are mixed up: row {row + 1} runs from x {x0:.0f} to {x1:.0f} and y "
            f"{y0:.0f} to {y1:.0f}; wanted xmin, ymin, xmax, ymax with each minimum first"
        )
    known = np.isfinite(shown_px).all(axis=1) & np.isfinite(xy_px).all(axis=1)
    if known.sum() < MIN_ROWS:
        return
    xy, shown = xy_px[known], shown_px[known]
    if np.abs(xy).max() <= MAX_FRACTION < shown.max() / 10:
        raise GazeError(
            "the positions are in the wrong frame: they run from 0 to 1 (fractions), wanted pixels of the image; "
            "multiply x by the image's width and y by its height"
        )
    if _inside(xy, shown).mean() < MIN_ON_FILM and _inside(xy[:, ::-1], shown).mean() >= CLEAR_FIT:
        raise GazeError(
            "the columns of x and y are mixed up: most positions lie outside the part of the image that was shown, and "
            "with x and y exchanged they lie inside; exchange the two columns"
        )


def check_range(values: Float64, name: str, low: float, high: float, meaning: str) -> None:
    """Refuse a column whose typical value cannot be what its name says."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return
    middle = float(np.median(finite))
    if not low <= middle <= high:
        raise GazeError(
            f"the columns are mixed up: {name} is {meaning} and is wanted between {low:g} and {high:g}, its median "
            f"is {middle:g}; check the file's header against its columns"
        )


def check_film(track: GazeTrack, shape: tuple[int, int], dicom_id: str | None = None) -> None:
    """Refuse a recording that does not belong to a film of `shape` (H, W) and, where both are known, `dicom_id`."""
    recorded = track.ids.get("dicom_id")
    if dicom_id and recorded and dicom_id != recorded:
        raise GazeError(
            f"the recording belongs to another film: it names {recorded[:8]}..., this film is {dicom_id[:8]}...; "
            "choose the film it was recorded on"
        )
    placed = track.in_frame(shape)
    _check_shown_on_film(placed, shape)
    xy = placed.xy_px[np.isfinite(placed.xy_px).all(axis=1)]
    if len(xy) < MIN_ROWS:
        return
    size = f"{shape[0]} x {shape[1]} pixels (rows x columns)"
    if not placed.stretched and np.abs(xy).max() <= MAX_FRACTION < min(shape) / 10:
        raise GazeError(
            f"the recording is in the wrong frame: its positions run from 0 to 1 (fractions), wanted pixels of the "
            f"film of {size}; say that they are fractions, or multiply them by the film's width and height"
        )
    on_film = _on(xy, shape)
    if on_film >= MIN_ON_FILM:
        return
    if _on(xy[:, ::-1], shape) >= CLEAR_FIT:
        raise GazeError(
            f"the columns of x and y are mixed up: {on_film:.0%} of the looks fall on the film of {size}, with x and y "
            "exchanged nearly all do; exchange the two columns"
        )
    raise GazeError(
        f"the recording is of another film or in another frame: only {on_film:.0%} of its looks fall on this film of "
        f"{size}; choose its own film, or say where on the screen the film was drawn"
    )


def _check_shown_on_film(track: GazeTrack, shape: tuple[int, int]) -> None:
    if track.shown_px is None or not np.isfinite(track.shown_px).any():
        return
    right, bottom = np.nanmax(track.shown_px[:, 2]), np.nanmax(track.shown_px[:, 3])
    if right > shape[1] + SIZE_TOLERANCE_PX or bottom > shape[0] + SIZE_TOLERANCE_PX:
        raise GazeError(
            f"the recording belongs to another film: it was shown up to column {right:.0f} and row {bottom:.0f}, this "
            f"film has {shape[1]} columns and {shape[0]} rows; choose the film it was recorded on"
        )


def _inside(xy: Float64, box: Float64) -> Bool:
    return np.all((xy >= box[:, :2]) & (xy <= box[:, 2:]), axis=1)


def _on(xy: Float64, shape: tuple[int, int]) -> float:
    """The share of points that lie on a film of `shape`."""
    return float(((xy >= 0) & (xy < [shape[1], shape[0]])).all(axis=1).mean())


def _first(wrong: Bool) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None
