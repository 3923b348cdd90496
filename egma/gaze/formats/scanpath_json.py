"""Scan-path JSON of the COCO-Search18 family, GazeSearch included, and CXR-P/A converted from its pickles.

A list of objects with X and Y (fixation centres in pixels of a stated frame) and T (durations: milliseconds in
COCO-Search18, seconds in GazeSearch). The film was resized to the frame without letterbox, so positions scale with the
film. Only durations are recorded: fixations are taken to follow each other without a gap.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.head import Head
from egma.gaze.recordings import Entry, Recordings, one_or_many
from egma.gaze.track import GazeTrack

# Frames the family uses, smallest first: GazeSearch, and COCO-Search18's display.
FRAMES_HW = ((224, 224), (320, 512), (1050, 1680))
BESIDE, INSIDE = 1.25, 0.8  # a look may miss the picture by a quarter of it; four in five do not
LONGEST_FIXATION_S = 20.0  # above it, T is in milliseconds
CXRP_SAMPLE_S = 1 / 60
MAX_BYTES = 1 << 29
MAX_FRACTION = 1.5
IDS = ("name", "subject", "task", "condition", "split")


def matches(head: Head) -> bool:
    """Whether this is JSON."""
    return head.text.lstrip()[:1] in ("[", "{") and not head.text.lstrip().startswith("{\\rtf")


def load(head: Head) -> GazeTrack | Recordings:
    """Read the list; a list of one is that recording."""
    if head.path.stat().st_size > MAX_BYTES:
        raise GazeError(f"the JSON file is larger than {MAX_BYTES >> 20} MiB; split it into several lists")
    try:
        found = json.loads(head.path.read_bytes())
    except (ValueError, RecursionError):
        raise GazeError("the file starts like JSON but is none: it is cut off or damaged; export it again") from None
    if isinstance(found, dict) and "time_stamped_text" in found:
        raise GazeError("this is an EyeGaze transcript, not gaze; choose the fixations.csv of its data set")
    if isinstance(found, dict) and {"X", "Y"} <= set(found):
        found = [found]
    if isinstance(found, dict):
        return one_or_many(Recordings([_cxrp_entry(str(name), rows) for name, rows in found.items()]))
    if not isinstance(found, list) or not all(isinstance(each, dict) and {"X", "Y"} <= set(each) for each in found):
        raise GazeError("this JSON is no list of scan-paths: each wants X, Y and T, lists of equal length")
    if not found:
        raise GazeError("the recording is empty: the list holds no scan-path; export it again")
    scale, frame = _seconds_per_unit(found), _frame(found)
    return one_or_many(Recordings([_entry(row, each, scale, frame) for row, each in enumerate(found)]))


def _entry(row: int, scanpath: dict[str, Any], seconds: float, frame: tuple[int, int]) -> Entry:
    ids = {key: str(scanpath[key])[:200] for key in IDS if key in scanpath}
    name = " ".join([*(ids[key] for key in ("name", "task", "subject") if key in ids)]) or f"scan-path {row + 1}"
    return Entry(name, lambda: _build(scanpath, {**ids, "recording": name}, seconds, frame), ids)


def _build(scanpath: dict[str, Any], ids: dict[str, str], seconds: float, frame: tuple[int, int]) -> GazeTrack:
    x, y = _numbers(scanpath["X"], "X"), _numbers(scanpath["Y"], "Y")
    known = scanpath.get("T") is not None
    duration = _numbers(scanpath["T"], "T") * seconds if known else np.zeros(len(x))
    if not len(x) == len(y) == len(duration):
        raise GazeError(f"X, Y and T of a scan-path must be equally long, got {len(x)}, {len(y)} and {len(duration)}")
    notes = [f"positions are pixels of a picture of {frame[0]} x {frame[1]}; they scale with the film"]
    notes += ["only durations are recorded: fixations follow each other without a gap"] if known else []
    return _track(np.column_stack([x, y]), duration, frame, ids, notes)


def _cxrp_entry(name: str, rows: Any) -> Entry:
    return Entry(name, lambda: _build_cxrp(name, rows), {"recording": name})


def _build_cxrp(name: str, rows: Any) -> GazeTrack:
    """CXR-P/A: rows of (x, y, count): fractions of the film, and 60 Hz samples merged into the fixation."""
    table = _numbers(rows, name[:40])
    if table.ndim != 2 or table.shape[1] != 3:
        raise GazeError(f"recording {name[:40]!r} is no list of [x, y, t], nor has it X, Y and T; convert it again")
    if np.nanmax(np.abs(table[:, :2]), initial=0.0) > MAX_FRACTION:
        raise GazeError(f"recording {name[:40]!r} is wanted in fractions of the film, 0 to 1; convert it again")
    notes = ["positions are fractions of the film; they scale with it", "durations are counts of 60 Hz samples"]
    return _track(table[:, :2], table[:, 2] * CXRP_SAMPLE_S, (1, 1), {"recording": name}, notes)


def _track(
    xy_px: np.ndarray, duration_s: np.ndarray, frame: tuple[int, int], ids: dict[str, str], notes: list[str]
) -> GazeTrack:
    check.check_rows(len(xy_px), "fixation")
    if (duration_s < 0).any():
        raise GazeError(
            f"fixation {int(np.argmax(duration_s < 0)) + 1} lasts less than no time; convert the file again"
        )
    start_s = np.r_[0.0, np.cumsum(duration_s)[:-1]]
    check.check_times(start_s, start_s + duration_s)
    check.check_positions(xy_px)
    return GazeTrack(
        xy_px=xy_px,
        start_s=start_s,
        duration_s=duration_s,
        frame_hw=frame,
        stretched=True,
        source="scanpath",
        ids=ids,
        notes=tuple(notes),
    )


def _numbers(values: Any, name: str) -> np.ndarray:
    """Numbers, or rows of numbers, as float64; null is NaN."""
    try:
        rows = [[_number(cell) for cell in row] if isinstance(row, list) else _number(row) for row in values]
        return np.array(rows, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise GazeError(f"{name} of a scan-path wants a list of numbers; convert the file again") from None


def _number(cell: Any) -> float:
    return float("nan") if cell is None else float(cell)


def _all(found: list[dict[str, Any]], key: str) -> np.ndarray:
    """Every finite number of one key, of all scan-paths."""
    values = np.concatenate([_numbers(scanpath.get(key) or [], key).ravel() for scanpath in found])
    return values[np.isfinite(values)]


def _seconds_per_unit(found: list[dict[str, Any]]) -> float:
    """1 where T is in seconds, 0.001 where it is in milliseconds: decided once for the file."""
    return 1.0 if _all(found, "T").max(initial=0.0) <= LONGEST_FIXATION_S else 0.001


def _frame(found: list[dict[str, Any]]) -> tuple[int, int]:
    """(H, W) of the smallest known frame that holds the fixations, but for a few beside it; fractions: 1 x 1."""
    x, y = _all(found, "X"), _all(found, "Y")
    if not min(len(x), len(y)):
        return FRAMES_HW[0]  # whatever is wrong with the positions is said when they are read
    right, bottom = x.max(initial=0.0), y.max(initial=0.0)
    if max(right, bottom) <= 1:
        return (1, 1)
    for height, width in FRAMES_HW:
        near = right <= BESIDE * width and bottom <= BESIDE * height
        if near and (x <= width).mean() >= INSIDE and (y <= height).mean() >= INSIDE:
            return height, width
    raise GazeError(
        f"the scan-paths are in no known frame: they run to x {right:.0f}, y {bottom:.0f}; wanted GazeSearch's "
        "224 x 224 or COCO-Search18's 1680 x 1050"
    )
