"""Whether a recording's positions can be on a film, which size of film they speak of, and what they seem to be if not.

A recording for another film, in the tracker's screen pixels or counted from the middle must never give an empty or a
wrong map: it is refused in one sentence with the share of looks beside the film, the frame they seem to be in, and what
to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.gaze.check import CLEAR_FIT, MAX_FRACTION, MIN_ON_FILM, MIN_ROWS
from egma.gaze.track import SIZE_TOLERANCE_PX, GazeTrack

Float64 = NDArray[np.float64]

LARGEST_FILM_PX = 8192  # a side; no larger film is opened (egma.imaging.budget)
_SQUARE = (512, 512)
# Screens that trackers are used with, (width, height), the smallest first: positions on one seem to be its pixels.
_SCREENS = ((1024, 768), (1280, 1024), (1600, 1200), (1920, 1080), (1920, 1200), (2560, 1440), (3840, 2160))


@dataclass(frozen=True, eq=False)
class Frame:
    """The size of the film that a recording is drawn on.

    Attributes:
        shape: (H, W) in image pixels.
        note: what had to be supposed, as a sentence; empty where the film or the recording says it.
    """

    shape: tuple[int, int]
    note: str = ""


def guess_frame(track: GazeTrack) -> Frame:
    """The size of a film that is not at hand: as the recording says, else the largest part shown, else its reach.

    Raises:
        GazeError: no film is as large as that, or hardly a look can be on a film.
    """
    if track.frame_hw == (1, 1):
        return Frame(_SQUARE, "positions are fractions and the film is not known: a square is taken for it")
    if track.frame_hw is not None:
        return Frame(_check_size(track.frame_hw, "the recording's film"))
    if track.shown_px is not None and np.isfinite(track.shown_px[:, 2:]).all(axis=1).any():
        edges = track.shown_px[:, 2:]
        width, height = edges[np.isfinite(edges).all(axis=1)].max(axis=0)
        shape = _check_size((int(height), int(width)), "the part of the film that was shown")
        source = "the largest part of the film that was shown"
    else:
        shape = _reach(track.xy_px)
        source = "how far the looks reach"
    shape = (max(1, shape[0]), max(1, shape[1]))
    note = f"the film's size is not known: {shape[0]} x {shape[1]} pixels (rows x columns) is taken, from {source}"
    return Frame(shape, note)


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
    xy = _known(placed.xy_px)
    size = _size(shape)
    small = len(xy) >= MIN_ROWS and not placed.stretched and np.abs(xy).max() <= MAX_FRACTION < min(shape) / 10
    if small and (xy >= 0).all(axis=1).mean() >= MIN_ON_FILM:
        raise GazeError(
            f"the recording is in the wrong frame: its positions run from 0 to 1 (fractions), wanted pixels of the "
            f"film of {size}; say that they are fractions, or multiply them by the film's width and height"
        )
    on_film = _on(xy, shape)
    if not len(xy) or on_film >= MIN_ON_FILM or (len(xy) < MIN_ROWS and on_film > 0):
        return
    if len(xy) >= MIN_ROWS and _on(xy[:, ::-1], shape) >= CLEAR_FIT:
        raise GazeError(
            f"the columns of x and y are mixed up: {on_film:.0%} of the looks fall on the film of {size}, with x and y "
            "exchanged nearly all do; exchange the two columns"
        )
    raise GazeError(_misfit(xy, f"this film of {size}", on_film, shape))


def check_looks(track: GazeTrack, shape: tuple[int, int]) -> None:
    """Refuse a recording of which no look falls on a film of `shape` (H, W): its map would be empty."""
    xy = _known(track.xy_px)
    if len(xy) and not _on(xy, shape):
        raise GazeError(_misfit(xy, f"its film of {_size(shape)}", 0.0, shape))


def _reach(xy_px: Float64) -> tuple[int, int]:
    """(H, W) that holds the looks; a few lost ones far away or beside the film do not count."""
    xy = _known(xy_px)
    limits = (LARGEST_FILM_PX, LARGEST_FILM_PX)
    on_any = _on(xy, limits)
    if len(xy) and (on_any < MIN_ON_FILM):
        raise GazeError(_misfit(xy, f"any film (at most {LARGEST_FILM_PX} pixels a side)", on_any, None))
    inside = xy[((xy >= 0) & (xy < LARGEST_FILM_PX)).all(axis=1)]
    width, height = np.floor(inside.max(axis=0, initial=0)) + 1
    return int(height), int(width)


def _check_size(shape: tuple[int, int], what: str) -> tuple[int, int]:
    if max(shape) > LARGEST_FILM_PX or min(shape) < 0:
        raise GazeError(
            f"the recording is in another frame: {what} would have {shape[0]} x {shape[1]} pixels (rows x columns), "
            f"no film has more than {LARGEST_FILM_PX} a side; check those columns, or give the film itself"
        )
    return shape


def _misfit(xy: Float64, film: str, on_film: float, shape: tuple[int, int] | None) -> str:
    """One sentence: the share of looks off the film, where they lie, what that seems to be, and what to do."""
    (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
    share = 1.0 if on_film == 0 else min(1 - on_film, 0.99)
    return (
        f"the recording is of another film or in another frame: {share:.0%} of its looks lie off {film}, at "
        f"x {_run(x0, x1)}, y {_run(y0, y1)}, {_seems(xy, shape)}"
    )


def _run(low: float, high: float) -> str:
    digits = 2 if max(abs(low), abs(high)) < 10 else 0
    return f"{low:.{digits}f}" if low == high else f"{low:.{digits}f} to {high:.{digits}f}"


def _seems(xy: Float64, shape: tuple[int, int] | None) -> str:
    """What frame positions off a film seem to be in, and what to do about it."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    if (low < 0).any() and np.abs(xy).max() <= MAX_FRACTION:
        return "as fractions counted from the middle (-1 to 1); give pixels of the film counted from its top left"
    if shape is not None and _on(xy + np.array([shape[1], shape[0]]) / 2, shape) >= CLEAR_FIT:
        return (
            "as pixels counted from the film's middle; add half of its width to x and half of its height to y, "
            "so that they count from its top left"
        )
    screen = next((each for each in _SCREENS if (low >= 0).all() and (high < each).all()), None)
    if screen is not None:
        return (
            f"as pixels of a screen of {screen[0]} x {screen[1]} or of a larger film; choose its own film, or convert "
            "them to its pixels by where on the screen it was drawn"
        )
    if np.abs(xy).max() < LARGEST_FILM_PX and (low < 0).any():
        return "as counted from another point than the film's top left corner; count its pixels from there"
    if np.abs(xy).max() < LARGEST_FILM_PX:
        return "as pixels of a larger film; choose the film it was recorded on, or scale the positions to this one"
    return (
        "where neither a film nor a screen reaches, as a tracker's mark for lost gaze or another unit; leave such rows "
        "out, or convert the positions to pixels of the film"
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


def _known(xy_px: Float64) -> Float64:
    return xy_px[np.isfinite(xy_px).all(axis=1)]


def _on(xy: Float64, shape: tuple[int, int]) -> float:
    """The share of points that lie on a film of `shape`; 0 of none."""
    return float(((xy >= 0) & (xy < [shape[1], shape[0]])).all(axis=1).mean()) if len(xy) else 0.0


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]} pixels (rows x columns)"
