"""A long recording in fewer rows, for what is drawn: time is added up, places are averaged by time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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
