"""From EyeGaze's screen to the film: each recording's own straight lines, and the film's size between the paddings.

    x = (FPOGX * 1920 - left) * W / (1920 - left - right)      with left and right from the master sheet; y likewise

X_ORIGINAL and Y_ORIGINAL are that for looks on the film, cut to whole pixels, and negative for looks beside it. The
line fitted to the former puts the latter back; its slope and the sheet's paddings tell W and H.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egma.errors import GazeError
from egma.gaze.check import FARTHEST_PX, MIN_ROWS
from egma.gaze.formats.table import Table, read_table

SCREEN_POINT = ("FPOGX", "FPOGY")
FILM_POINT = ("X_ORIGINAL", "Y_ORIGINAL")
SCREEN = (1920, 1080)
LINE_POINTS = 8
LINE_RESIDUAL_PX = 2.0
PIXEL_ROUNDING = 0.29  # standard deviation of a position that is cut to whole pixels
MAX_SIZE_ERROR_PX = 0.5
MAX_FRACTION = 100.0  # screens away
Pads = tuple[float, float, float, float]


@dataclass(frozen=True)
class Line:
    """A straight line from screen fraction to film pixel along one axis, and the slope's standard error."""

    slope: float
    offset: float
    slope_error: float


def place_on_film(table: Table, blink: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[Line | None, Line | None]]:
    """float64 (F, 2) in film pixels; bool (F,), which rows the file itself places on the film; x's and y's lines."""
    film, screen = table.stack(FILM_POINT), table.stack(SCREEN_POINT)
    on_film = np.all(film >= 0, axis=1)
    _refuse_fractions(film[on_film & ~blink])
    _refuse_exchanged(film[on_film & ~blink], screen[on_film & ~blink])
    xy_px = film.copy()
    x, y = (_fit_line(screen[on_film & ~blink, axis], film[on_film & ~blink, axis]) for axis in (0, 1))
    if x is not None and y is not None:
        xy_px[~on_film] = screen[~on_film] * [x.slope, y.slope] + [x.offset, y.offset]
    xy_px[blink] = np.nan
    return xy_px, on_film, (x, y)


def find_frame(lines: tuple[Line | None, Line | None], pads: Pads | None) -> tuple[int, int] | None:
    """(H, W) of the film: what the recording's lines make of the screen between the sheet's paddings.

    None where the sheet says no paddings, or too few looks on the film tell its size to half a pixel.
    """
    if pads is None:
        return None
    sides: list[int] = []
    for line, length, (before, after) in zip(lines, SCREEN, (pads[2:], pads[:2])):
        share = (length - before - after) / length
        if line is None or not 0 < share <= 1 or line.slope_error * share > MAX_SIZE_ERROR_PX:
            return None
        sides.append(round(line.slope * share))
    return sides[1], sides[0]


def load_pads(path: Path) -> dict[str, Pads] | None:
    """(top, bottom, left, right) screen pixels beside each film, by DICOM id, NaN where not said; None: no sheet."""
    if not path.is_file():
        return None
    columns = tuple(f"image_{side}_pad" for side in ("top", "bottom", "left", "right"))
    table = read_table(path, "master_sheet.csv", texts=("dicom_id",), optional=columns)
    unknown = np.full(len(table), np.nan)
    pads = np.column_stack([table.numbers(name) if name in table else unknown for name in columns])
    rows = zip(table.texts("dicom_id"), pads.tolist())
    return {dicom_id: (top, bottom, left, right) for dicom_id, (top, bottom, left, right) in rows}


def _sound(values: np.ndarray, most: float) -> np.ndarray:
    """bool, the numbers that can be a position; the others are refused when positions are checked."""
    return np.isfinite(values) & (np.abs(values) <= most)


def _fit_line(screen: np.ndarray, film: np.ndarray) -> Line | None:
    """The line from screen fraction to film pixel; None where the points do not lie on one."""
    known = _sound(screen, MAX_FRACTION) & _sound(film, FARTHEST_PX)
    screen, film = screen[known], film[known]
    if len(screen) < LINE_POINTS or np.ptp(screen) < 0.01:
        return None
    slope, offset = np.polyfit(screen, film, 1)
    if slope <= 0 or np.abs(slope * screen + offset - film).max() > LINE_RESIDUAL_PX:
        return None
    error = PIXEL_ROUNDING / (float(screen.std()) * len(screen) ** 0.5)
    return Line(float(slope), float(offset), error)


def _refuse_fractions(film: np.ndarray) -> None:
    known = film[_sound(film, FARTHEST_PX).all(axis=1)]
    if len(known) >= MIN_ROWS and known.max() <= 1 and known.any():
        raise GazeError(
            "X_ORIGINAL and Y_ORIGINAL are in the wrong frame: they run from 0 to 1, as FPOGX and FPOGY do (fractions "
            "of the screen); wanted pixels of the film: export the data set's own columns again"
        )


def _refuse_exchanged(film: np.ndarray, screen: np.ndarray) -> None:
    known = _sound(film, FARTHEST_PX).all(axis=1) & _sound(screen, MAX_FRACTION).all(axis=1)
    film, screen = film[known], screen[known]
    if len(film) < LINE_POINTS or min(np.ptp(film, axis=0).min(), np.ptp(screen, axis=0).min()) <= 0:
        return
    table = np.corrcoef(film.T, screen.T)[:2, 2:]
    if min(table[0, 1], table[1, 0]) > 0.99 and max(table[0, 0], table[1, 1]) < 0.9:
        raise GazeError(
            "the columns of x and y are mixed up: X_ORIGINAL follows FPOGY and Y_ORIGINAL follows FPOGX; exchange two"
        )
