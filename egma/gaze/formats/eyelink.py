"""EyeLink `.asc` recordings: the tracker's own fixations (EFIX lines) where it parsed any, else the raw samples.

Samples are read by pymovements. Positions are pixels of the tracker's screen: the film must have been drawn on the
whole of it (DISPLAY_COORDS), or its place said afterwards.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.head import Head
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.track import GazeTrack

FIXATION = re.compile(
    r"^EFIX\s+(?P<eye>[LR])\s+(?P<start>\d+\.?\d*)\s+(?P<end>\d+\.?\d*)\s+\d+\.?\d*\s+"
    r"(?P<x>-?\d+\.?\d*|\.)\s+(?P<y>-?\d+\.?\d*|\.)\s+(?P<pupil>\d+\.?\d*|\.)"
)
DISPLAY = re.compile(r"DISPLAY_COORDS\s+(-?\d+)[\s,]+(-?\d+)[\s,]+(\d+)[\s,]+(\d+)")
RECORDING_START = re.compile(r"^START\s+(\d+)")
MARKS = ("** CONVERTED FROM", "** DATE:", "** TYPE:")


def matches(head: Head) -> bool:
    """Whether this is an EyeLink recording converted to text."""
    return head.text.lstrip().startswith(MARKS) or bool(
        re.search(r"^(EFIX|SAMPLES\s+GAZE|START\s+\d+)\b", head.text, re.M)
    )


def load(head: Head) -> GazeTrack:
    """Read the recording; the eye with more fixations where both were tracked."""
    lines = head.path.read_text("utf-8", "replace").splitlines()
    zero_ms = next((float(found[1]) for line in lines if (found := RECORDING_START.match(line))), None)
    screen = next((found for line in lines if (found := DISPLAY.search(line))), None)
    frame = None if screen is None else (int(screen[4]) - int(screen[2]) + 1, int(screen[3]) - int(screen[1]) + 1)
    found = [match for line in lines if (match := FIXATION.match(line))]
    notes = ("positions are pixels of the tracker's screen: they fit a film only if it filled the screen",)
    if not found:
        return _load_samples(head.path, zero_ms, frame, notes)
    eyes = [match["eye"] for match in found]
    eye = max(("L", "R"), key=eyes.count)
    table = np.array(
        [
            [_number(match[name]) for name in ("start", "end", "x", "y", "pupil")]
            for match in found
            if match["eye"] == eye
        ]
    )
    zero = float(table[0, 0]) if zero_ms is None else zero_ms
    start_s, end_s = (table[:, 0] - zero) / 1e3, (table[:, 1] - zero) / 1e3
    return _track(table[:, 2:4], start_s, end_s, pupil=table[:, 4], frame=frame, notes=notes, samples=False)


def _load_samples(
    path: Path, zero_ms: float | None, frame: tuple[int, int] | None, notes: tuple[str, ...]
) -> GazeTrack:
    from pymovements.gaze import from_asc

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on metadata that we do not use
            frame_of_samples = from_asc(path).samples
    except Exception:  # whatever its parser stumbles on, the reader needs one sentence
        raise GazeError(
            "the EyeLink file has neither fixations (EFIX) nor samples that can be read; convert it with edf2asc"
        ) from None
    check.check_rows(frame_of_samples.height, "sample")
    columns = frame_of_samples.columns
    if "pixel" not in columns:
        raise GazeError("the EyeLink file has no gaze positions; convert it again with samples or events")
    xy = np.array([_point(pixel) for pixel in frame_of_samples["pixel"].to_list()], np.float64)
    time_ms = frame_of_samples["time"].to_numpy().astype(np.float64)
    pupil = frame_of_samples["pupil"].to_numpy().astype(np.float64) if "pupil" in columns else np.full(len(xy), np.nan)
    start_s = (time_ms - (time_ms[0] if zero_ms is None else zero_ms)) / 1e3
    return _track(xy, start_s, sample_ends(start_s), pupil=pupil, frame=frame, notes=notes, samples=True)


def _point(pixel: list[float | None]) -> list[float]:
    """(x, y) of the first eye; NaN where it is missing."""
    return [float("nan") if value is None else value for value in pixel[:2]]


def _track(
    xy: np.ndarray,
    start_s: np.ndarray,
    end_s: np.ndarray,
    *,
    pupil: np.ndarray,
    frame: tuple[int, int] | None,
    notes: tuple[str, ...],
    samples: bool,
) -> GazeTrack:
    check.check_times(start_s, end_s)
    check.check_positions(xy)
    return GazeTrack(
        xy_px=xy,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="samples" if samples else "fixations",
        pupil=pupil,
        pupil_unit="tracker units",
        frame_hw=frame,
        stretched=frame is not None,
        source="eyelink",
        notes=notes,
    )


def _number(text: str) -> float:
    return float("nan") if text == "." else float(text)
