"""Recordings put together: rows of a long one for what is drawn, and readers of one film, who must be several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from egma.errors import GazeError
from egma.gaze.track import GazeTrack


def merge_rows(track: GazeTrack, most: int) -> tuple[GazeTrack, int]:
    """A track of at most `most` rows, and how many consecutive rows each stands for: time added up, place averaged."""
    count = len(track)
    size = -(-count // most)
    if size <= 1:
        return track, 1
    first = np.arange(0, count, size)
    last = np.minimum(first + size, count) - 1
    weight = np.where(np.isfinite(track.xy_px).all(axis=1), np.maximum(track.duration_s, 1e-9), 0)
    total = np.add.reduceat(weight, first)
    placed = np.where(np.isfinite(track.xy_px), track.xy_px, 0) * weight[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        xy_px = np.add.reduceat(placed, first, axis=0) / total[:, None]
    merged = replace(
        track.select((first + last) // 2),
        xy_px=xy_px,
        start_s=track.start_s[first],
        duration_s=np.add.reduceat(track.duration_s, first),
    )
    return merged, size


def check_other_reader(track: GazeTrack, other: GazeTrack, name: str) -> None:
    """Refuse a recording beside `other`, called `name`, that is the same one or that names another film.

    Raises:
        GazeError: a recording agrees with itself perfectly, and readers of different films are no readers of one.
    """
    own, theirs = track.ids.get("dicom_id"), other.ids.get("dicom_id")
    if own and theirs and own != theirs:
        raise GazeError(
            f"the recording is of another film than {name[:80]!r}: it names {own[:8]}..., that one {theirs[:8]}...; "
            "readers are compared on one film, choose recordings of it"
        )
    same_times = np.array_equal(track.start_s, other.start_s) and np.array_equal(track.duration_s, other.duration_s)
    if same_times and np.array_equal(track.xy_px, other.xy_px, equal_nan=True):
        raise GazeError(f"the recording is the same as {name[:80]!r}, row by row; choose that of another reader")
