"""Refuses a recording that cannot be what it says, in one sentence: times, columns and positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError

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
MOST_OVERLAP = 0.5  # of a fixation's time: rounding overlaps by milliseconds


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


def check_exchanged_times(start_s: Float64, end_s: Float64) -> None:
    """Refuse a table whose durations grow row by row while its starts jump to and fro."""
    lengths_s = end_s - start_s
    known = np.isfinite(start_s).all() and np.isfinite(lengths_s).all() and len(start_s) >= MIN_ROWS
    if known and (np.diff(lengths_s) >= 0).all() and (np.diff(start_s) < 0).any() and (np.diff(lengths_s) > 0).any():
        raise GazeError(
            "the columns of start and duration are mixed up: the durations grow from row to row as times do, and the "
            "starts jump to and fro; exchange the two columns"
        )


def check_sequence(start_s: Float64, end_s: Float64) -> None:
    """Refuse fixations of one reader at the same time: eyes, readers or columns are mixed up."""
    if len(start_s) < MIN_ROWS:
        return
    overlap_s = np.minimum(end_s[:-1], end_s[1:]) - start_s[1:]
    shorter_s = np.minimum(end_s - start_s, LATEST_S)
    shorter_s = np.minimum(shorter_s[:-1], shorter_s[1:])
    at_once = (overlap_s > MOST_OVERLAP * shorter_s) & (shorter_s > 0)
    if at_once.mean() > MIN_ON_FILM:
        row = int(np.argmax(at_once))
        raise GazeError(
            f"{at_once.mean():.0%} of the fixations begin before the one before has ended, such as row {row + 2} at "
            f"{start_s[row + 1]:.3f} s: the columns of start and duration are mixed up, or two eyes or readers are in "
            "one table; choose the right columns, or name each recording in a column of its own"
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


def _inside(xy: Float64, box: Float64) -> Bool:
    return np.all((xy >= box[:, :2]) & (xy <= box[:, 2:]), axis=1)


def _first(wrong: Bool) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None
