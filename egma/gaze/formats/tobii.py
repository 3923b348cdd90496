"""Tobii Pro Lab and Tobii Studio exports: tab-separated samples, with gaze in the media's pixels where it is there."""

from __future__ import annotations

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.columns import Unit
from egma.gaze.formats.generic import SECONDS
from egma.gaze.formats.head import Head
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.table import read_table
from egma.gaze.track import GazeTrack

# Column names of Pro Lab (with and without units) and Studio, the film's own pixels before the screen's.
MEDIA = (
    ("Gaze point X [MCS px]", "Gaze point Y [MCS px]"),
    ("Gaze point X (MCSpx)", "Gaze point Y (MCSpx)"),
    ("GazePointX (MCSpx)", "GazePointY (MCSpx)"),
)
SCREEN = (
    ("Gaze point X [DACS px]", "Gaze point Y [DACS px]"),
    ("Gaze point X", "Gaze point Y"),
    ("GazePointX (ADCSpx)", "GazePointY (ADCSpx)"),
)
TIMES: dict[str, Unit] = {
    "Recording timestamp [μs]": "us",
    "Recording timestamp [µs]": "us",
    "Recording timestamp [ms]": "ms",
    "Recording timestamp": "us",
    "RecordingTimestamp": "ms",
}
PUPILS = (("Pupil diameter left [mm]", "Pupil diameter right [mm]"), ("Pupil diameter left", "Pupil diameter right"),
          ("PupilLeft", "PupilRight"))  # fmt: skip


def matches(head: Head) -> bool:
    """Whether the header is Tobii's."""
    return any(name in head.columns for name in TIMES) and any(head.has(*pair) for pair in (*MEDIA, *SCREEN))


def load(head: Head) -> GazeTrack:
    """Read the samples of one participant. Rows without gaze (events, other sensors) are left out; a blink is NaN."""
    time = next(name for name in TIMES if name in head.columns)
    point = next(pair for pair in (*MEDIA, *SCREEN) if head.has(*pair))
    pupils = next((pair for pair in PUPILS if head.has(*pair)), ())
    table = read_table(
        head.path, "the recording", numbers=(time, *point, *pupils), optional=("Sensor",), separator=head.separator
    )
    rows = np.ones(len(table), np.bool_)
    if "Sensor" in table:
        rows = np.array([cell in ("", "Eye Tracker") for cell in table.texts("Sensor")], np.bool_)
    check.check_rows(int(rows.sum()), "sample")
    start_s = table.numbers(time)[rows] * SECONDS[TIMES[time]]
    end_s = sample_ends(start_s)
    check.check_times(start_s, end_s)
    xy_px = table.stack(point)[rows]
    check.check_positions(xy_px)
    on_media = point in MEDIA
    if not on_media and np.nanmax(np.abs(xy_px)) <= 1:
        raise GazeError("the export holds fractions of the screen; export gaze points in pixels")
    note = "positions are pixels of the tracker's screen: they fit a film only if it was drawn there pixel by pixel"
    return GazeTrack(
        xy_px=xy_px,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="samples",
        pupil=_mean(table.stack(pupils)[rows]) if pupils else None,
        pupil_unit="mm" if pupils else "",
        source="tobii",
        notes=table.notes if on_media else (*table.notes, note),
    )


def _mean(sizes: np.ndarray) -> np.ndarray:
    """The mean over both eyes, NaN left out."""
    count = np.isfinite(sizes).sum(axis=1)
    return np.where(count > 0, np.nansum(sizes, axis=1) / np.maximum(count, 1), np.nan)
