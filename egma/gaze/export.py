"""A recording's sentences and samples as CSV, cells that a spreadsheet would run made harmless."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

import numpy as np

from egma.cells import safe_cell
from egma.gaze.describe import sentence_rows
from egma.gaze.track import GazeTrack


def write_sentences_csv(readers: Sequence[tuple[str, GazeTrack]]) -> str:
    """CSV text of (name, fixations): every dictated sentence, its times and how many fixations belong to it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["reader", "gaze", "sentence", "start_s", "end_s", "gaze_from_s", "fixations"])
    for name, track in readers:
        for row in sentence_rows(track):
            times = (row["start_s"], row["end_s"], row["from_s"], row["fixations"])
            writer.writerow([safe_cell(name), _label(track), safe_cell(row["text"]), *times])
    return text.getvalue()


def write_samples_csv(track: GazeTrack) -> str:
    """CSV text of a recording's rows, in the film's pixels and seconds; an empty place in a blink. Personal data."""
    text = io.StringIO()
    text.write("kind,start_s,duration_s,x_px,y_px\n")
    kind = f"{_label(track)} {'sample' if track.kind == 'samples' else 'fixation'}"
    rows = np.column_stack([track.start_s, track.duration_s, track.xy_px])
    for start_s, duration_s, x, y in rows.tolist():
        place = "," if math.isnan(x) or math.isnan(y) else f"{x:.2f},{y:.2f}"
        text.write(f"{kind},{start_s:.4f},{duration_s:.4f},{place}\n")
    return text.getvalue()


def _label(track: GazeTrack) -> str:
    return "simulated" if track.simulated else "recorded"
