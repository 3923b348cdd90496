"""A delimited table from any tracker, by a mapping of its columns: x, y, and start and end, or a time, or a duration.

Positions are image pixels; or fractions of the film; or screen pixels, where the table says (in REFLACX's eight
rectangle columns) which part of the film was drawn where on the screen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.columns import ColumnMapping, check_mapping, guess_mapping
from egma.gaze.formats.head import Head
from egma.gaze.formats.reflacx import DEGREE, SCREEN, SHOWN
from egma.gaze.formats.table import Table, read_table
from egma.gaze.formats.timing import read_times
from egma.gaze.recordings import Entry, Recordings, one_or_many
from egma.gaze.track import GazeTrack

MAX_FRACTION = 1.5
# What a tracker's event column calls rows that are no fixations.
_NO_FIXATION = ("saccade", "sacc", "blink", "unclassified", "eyesnotfound", "pursuit", "pso", "message")
LONGEST_DAY_S = 86_400.0  # a first row later than this counts from a clock's zero, not the recording's


def matches(head: Head) -> bool:
    """Whether the header names a position and a time."""
    return guess_mapping(head) is not None


def load(head: Head, mapping: ColumnMapping | None = None) -> GazeTrack | Recordings:
    """Read the table by `mapping`, or by the one its header suggests."""
    chosen = mapping or guess_mapping(head)
    if chosen is None:
        raise GazeError("no column is known to hold x, y and a time; say which columns do")
    check_mapping(chosen, head)
    texts = [name for name in (chosen.recording, chosen.label) if name]
    rectangles = [name for name in (*SHOWN, *SCREEN, *DEGREE) if name in head.columns]
    table = read_table(
        head.path, "the recording", numbers=(*chosen.columns, *rectangles), texts=texts, separator=head.separator
    )
    check.check_rows(len(table), "line")
    if chosen.recording is None:
        return _build(table, chosen, slice(None), {})
    names = np.array(table.texts(chosen.recording))
    _, first = np.unique(names, return_index=True)
    entries = [_entry(table, chosen, names, str(names[at])) for at in sorted(first)]
    return one_or_many(Recordings(entries))


def _entry(table: Table, mapping: ColumnMapping, names: np.ndarray, name: str) -> Entry:
    ids = {"recording": name}
    return Entry(name, lambda: _build(table, mapping, np.flatnonzero(names == name), ids), ids)


def _build(table: Table, mapping: ColumnMapping, rows: slice | np.ndarray, ids: dict[str, str]) -> GazeTrack:
    rows, notes = _without_other_events(table, mapping, rows)
    times = read_times(table, mapping, rows)
    start_s, end_s, samples = times.start_s, times.end_s, times.samples
    notes += times.notes
    if mapping.duration and not samples:
        check.check_exchanged_times(start_s, end_s)
    check.check_times(start_s, end_s)
    check.check_lengths(start_s, end_s)
    if not samples:
        check.check_sequence(start_s, end_s)
    if start_s[0] > LONGEST_DAY_S:
        start_s, end_s = start_s - start_s[0], end_s - start_s[0]
        notes.append("times are counted from the first row: the file has those of a clock")
    xy = table.stack((mapping.x, mapping.y))[rows]
    check.check_positions(xy)
    track = GazeTrack(
        xy_px=xy,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="samples" if samples else "fixations",
        pupil=table.numbers(mapping.pupil)[rows] if mapping.pupil else None,
        pupil_unit="tracker units" if mapping.pupil else "",
        pixels_per_degree=table.stack(DEGREE)[rows] if set(DEGREE) <= set(table.columns) else None,
        shown_px=table.stack(SHOWN)[rows] if set(SHOWN) <= set(table.columns) else None,
        screen_px=table.stack(SCREEN)[rows] if set(SCREEN) <= set(table.columns) else None,
        ids=ids,
        notes=(*table.notes, *notes),
    )
    return _in_image_frame(track, mapping)


def _without_other_events(
    table: Table, mapping: ColumnMapping, rows: slice | np.ndarray
) -> tuple[slice | np.ndarray, list[str]]:
    """The rows that are fixations (or samples), where a label says which are saccades and blinks."""
    if mapping.label is None:
        return rows, []
    labels = ["".join(filter(str.isalpha, label)).lower() for label in table.texts(mapping.label)]
    other = np.array([label in _NO_FIXATION for label in labels], np.bool_)
    chosen = np.arange(len(table))[rows]
    kept = chosen[~other[chosen]]
    if len(kept) == len(chosen) or not mapping.is_of_events:
        return rows, []
    check.check_rows(len(kept), "fixation")
    return kept, [f"{len(chosen) - len(kept)} rows are saccades, blinks or other events and are left out"]


def _in_image_frame(track: GazeTrack, mapping: ColumnMapping) -> GazeTrack:
    finite = track.xy_px[np.isfinite(track.xy_px).all(axis=1)]
    if mapping.frame == "fraction" or (mapping.frame is None and _are_fractions(finite)):
        if len(finite) and (finite < 0).any(axis=1).mean() > check.MIN_ON_FILM:
            raise GazeError(
                "the positions are in the wrong frame: most are below 0, as fractions counted from the middle (-1 to "
                "1); wanted fractions counted from the film's top left corner: add 1 and halve them"
            )
        note = "positions are fractions of the film; they scale with it"
        return replace(track, frame_hw=(1, 1), stretched=True, pixels_per_degree=None, notes=(*track.notes, note))
    if mapping.frame == "screen":
        return replace(track, xy_px=screen_to_image(track))
    if track.shown_px is not None:
        check.check_shown(track.xy_px, track.shown_px)
    return track


def _are_fractions(xy: np.ndarray) -> bool:
    """Whether positions run from 0 to 1; of a few rows only where one lies between."""
    if len(xy) >= check.MIN_ROWS:
        return bool(np.abs(xy).max() <= MAX_FRACTION)
    return bool(len(xy) and np.abs(xy).max() <= 1 and (xy % 1 > 0).any())


def screen_to_image(track: GazeTrack) -> np.ndarray:
    """float64 (F, 2), screen pixels as image pixels, by each row's own shown and drawn rectangle (zoom and pan)."""
    if track.shown_px is None or track.screen_px is None:
        raise GazeError(
            "screen pixels can be placed on the film only where the file says what was shown where: wanted the columns "
            f"{SHOWN[0]} ... and {SCREEN[0]} ...; or convert the positions to image pixels"
        )
    shown, screen = track.shown_px, track.screen_px
    drawn = screen[:, 2:] - screen[:, :2]
    if (drawn <= 0).any():
        row = int(np.argmax((drawn <= 0).any(axis=1)))
        raise GazeError(
            f"row {row + 1}: the film was drawn on no area of the screen; are the rectangle's columns mixed up?"
        )
    return shown[:, :2] + (track.xy_px - screen[:, :2]) / drawn * (shown[:, 2:] - shown[:, :2])
