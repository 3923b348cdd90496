"""Tobii Pro Lab and Tobii Studio exports: tab-separated samples, with gaze in the media's pixels where it is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.columns import Unit
from egma.gaze.formats.head import Head
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.table import Table, read_table
from egma.gaze.formats.timing import SECONDS
from egma.gaze.recordings import Entry, Recordings, Skipped, one_or_many
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


# What tells recordings apart: participant, recording, and the picture that was shown. Pro Lab's names, then Studio's.
KEYS = (
    ("Participant name", "ParticipantName"),
    ("Recording name", "RecordingName"),
    ("Presented Media name", "MediaName"),
)


def matches(head: Head) -> bool:
    """Whether the header is Tobii's."""
    return any(name in head.columns for name in TIMES) and any(head.has(*pair) for pair in (*MEDIA, *SCREEN))


def load(head: Head) -> GazeTrack | Recordings:
    """Read the samples: one recording for each participant's recording of each picture.

    Rows without gaze (events, other sensors) are left out; a blink is NaN; rows while no picture was shown are named.
    """
    time = next(name for name in TIMES if name in head.columns)
    point = next(pair for pair in (*MEDIA, *SCREEN) if head.has(*pair))
    pupils = next((pair for pair in PUPILS if head.has(*pair)), ())
    keys = tuple(next((name for name in names if name in head.columns), "") for names in KEYS)
    optional = ("Sensor", *filter(None, keys))
    table = read_table(
        head.path, "the recording", numbers=(time, *point, *pupils), optional=optional, separator=head.separator
    )
    rows = np.arange(len(table))
    if "Sensor" in table:
        rows = np.flatnonzero([cell in ("", "Eye Tracker") for cell in table.texts("Sensor")])
    check.check_rows(len(rows), "sample")
    columns = _Columns(time, point, pupils)
    groups, without = _split(table, rows, keys)
    if len(groups) < 2 and not without:
        return _build(table, columns, rows, {})
    entries = [
        Entry(name, lambda name=name: _build(table, columns, groups[name], {"recording": name}), {"recording": name})
        for name in groups
    ]
    skipped = [Skipped(f"{without} samples", "no picture was shown: they belong to no film")] if without else []
    return one_or_many(Recordings(entries, skipped))


@dataclass(frozen=True)
class _Columns:
    time: str
    point: tuple[str, str]
    pupils: tuple[str, ...]


def _split(table: Table, rows: np.ndarray, keys: tuple[str, ...]) -> tuple[dict[str, np.ndarray], int]:
    """The rows of each recording of each picture, by name, and how many rows belong to no picture."""
    media = keys[-1]
    cells = [table.texts(key) for key in keys if key]
    if not cells:
        return {"": rows}, 0
    groups: dict[str, list[int]] = {}
    without = 0
    for row in rows.tolist():
        if media and not cells[-1][row]:
            without += 1
        else:
            groups.setdefault(" ".join(filter(None, (column[row] for column in cells))), []).append(row)
    return {name: np.array(each) for name, each in groups.items()}, without


def _build(table: Table, columns: _Columns, rows: np.ndarray, ids: dict[str, str]) -> GazeTrack:
    start_s = table.numbers(columns.time)[rows] * SECONDS[TIMES[columns.time]]
    if ids and len(start_s):
        start_s = start_s - start_s[0]  # a picture's recording begins when it is shown
    end_s = sample_ends(start_s)
    check.check_times(start_s, end_s)
    xy_px = table.stack(columns.point)[rows]
    check.check_positions(xy_px)
    on_media = columns.point in MEDIA
    if not on_media and np.nanmax(np.abs(xy_px)) <= 1:
        raise GazeError("the export holds fractions of the screen; export gaze points in pixels")
    note = "positions are pixels of the tracker's screen: they fit a film only if it was drawn there pixel by pixel"
    return GazeTrack(
        xy_px=xy_px,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="samples",
        pupil=_mean(table.stack(columns.pupils)[rows]) if columns.pupils else None,
        pupil_unit="mm" if columns.pupils else "",
        source="tobii",
        ids=ids,
        notes=table.notes if on_media else (*table.notes, note),
    )


def _mean(sizes: np.ndarray) -> np.ndarray:
    """The mean over both eyes, NaN left out."""
    count = np.isfinite(sizes).sum(axis=1)
    return np.where(count > 0, np.nansum(sizes, axis=1) / np.maximum(count, 1), np.nan)
