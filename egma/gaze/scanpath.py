"""How alike two scan-paths are, in order and time, not only in place: ScanMatch and MultiMatch.

Both by their published definitions. MultiMatch agrees with the reference implementation `multimatch-gaze` without
simplification; ScanMatch with the arithmetic of its MATLAB toolbox.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack

Float64 = NDArray[np.float64]
MIN_FIXATIONS = 3  # MultiMatch compares saccade vectors: two at least


@dataclass(frozen=True)
class MultiMatch:
    """Five similarities in [0, 1], 1 for equal; NaN where either path has fewer than 3 fixations.

    Attributes:
        shape: difference of aligned saccade vectors, over twice the film's diagonal.
        direction: angle between them, over pi.
        length: difference of their lengths, over the diagonal.
        position: distance of the fixations they start from, over the diagonal.
        duration: difference of those fixations' durations, over the longer.
    """

    shape: float
    direction: float
    length: float
    position: float
    duration: float


def compare_multimatch(first: GazeTrack, second: GazeTrack, shape: tuple[int, int]) -> MultiMatch:
    """MultiMatch without simplification (Jarodzka et al., ETRA 2010; Dewhurst et al., Behav. Res. 44:1079, 2012).

    Saccades are aligned by the cheapest path through the matrix of their vector differences; each dimension is one
    minus the median difference along it. `shape` is the film's (H, W). Fixations off the film take part; blinks do not.
    """
    paths = [_path(track, shape) for track in (first, second)]
    if min(len(path) for path in paths) < MIN_FIXATIONS:
        return MultiMatch(*[math.nan] * 5)
    diagonal = math.hypot(*shape)
    steps = [np.diff(path[:, :2], axis=0) for path in paths]
    difference = np.linalg.norm(steps[0][:, None] - steps[1][None, :], axis=2)
    i, j = _cheapest_path(difference)
    turn = np.abs(np.arctan2(*steps[0][i, ::-1].T) - np.arctan2(*steps[1][j, ::-1].T))
    turn = np.minimum(turn, 2 * math.pi - turn)
    length = np.abs(np.linalg.norm(steps[0][i], axis=1) - np.linalg.norm(steps[1][j], axis=1))
    apart = np.linalg.norm(paths[0][i, :2] - paths[1][j, :2], axis=1)
    longer = np.maximum(paths[0][i, 2], paths[1][j, 2])
    waited = np.abs(paths[0][i, 2] - paths[1][j, 2]) / np.where(longer > 0, longer, 1)
    return MultiMatch(
        shape=1 - float(np.median(difference[i, j])) / (2 * diagonal),
        direction=1 - float(np.median(turn)) / math.pi,
        length=1 - float(np.median(length)) / diagonal,
        position=1 - float(np.median(apart)) / diagonal,
        duration=1 - float(np.median(waited)),
    )


def compare_scanmatch(
    first: GazeTrack,
    second: GazeTrack,
    shape: tuple[int, int],
    *,
    bins: tuple[int, int] = (8, 12),
    threshold: float = 3.5,
    bin_s: float = 0.05,
    gap: float = 0.0,
) -> float:
    """ScanMatch (Cristino et al., Behavior Research Methods 42:692, 2010): 1 for equal sequences. NaN for an empty one.

    Each fixation becomes the bin it falls in, once for every `bin_s` seconds (rounded); the sequences are aligned by
    Needleman and Wunsch's algorithm with score `threshold` minus the bins' distance; the result is divided by the
    score of a perfect match of the longer. Fixations off the film are left out.

    Args:
        shape: (H, W) of the film.
        bins: rows and columns the film is divided in.
        threshold: distance in bins at which a match is worth nothing.
        bin_s: seconds a letter stands for; 0 ignores durations.
        gap: the score of a gap.
    """
    sequences = [_letters(track, shape, bins, bin_s) for track in (first, second)]
    longest = max(len(sequence) for sequence in sequences)
    if not min(len(sequence) for sequence in sequences):
        return math.nan
    a, b = sequences
    row_apart = a[:, None, 0] - b[None, :, 0]
    column_apart = a[:, None, 1] - b[None, :, 1]
    return _align(threshold - np.hypot(row_apart, column_apart), gap) / (threshold * longest)


def _path(track: GazeTrack, shape: tuple[int, int]) -> Float64:
    """float64 (F, 3): x, y in image pixels and duration in seconds of every fixation with a position."""
    track = track.in_frame(shape).fixations()
    path = np.column_stack([track.xy_px, track.duration_s])
    return path[np.isfinite(path).all(axis=1)]


def _cheapest_path(cost: Float64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column indices of the cheapest path from the first to the last cell, moving right, down or both."""
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    grid, costs = total.tolist(), cost.tolist()
    for i in range(rows):
        above, current = grid[i], grid[i + 1]
        for j in range(columns):
            current[j + 1] = costs[i][j] + min(above[j], above[j + 1], current[j])
    i, j = rows, columns
    path = [(i - 1, j - 1)]
    while (i, j) != (1, 1):
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda cell: grid[cell[0]][cell[1]])
        path.append((i - 1, j - 1))
    at = np.array(path[::-1], np.intp)
    return at[:, 0], at[:, 1]


def _letters(track: GazeTrack, shape: tuple[int, int], bins: tuple[int, int], bin_s: float) -> Float64:
    """float64 (L, 2): row and column of the bin at each time step."""
    track = track.in_frame(shape).fixations()
    track = track.select(track.on_image(shape))
    x, y = track.xy_px[:, 0], track.xy_px[:, 1]
    cells = np.column_stack([np.floor(y * bins[0] / shape[0]), np.floor(x * bins[1] / shape[1])])
    if bin_s <= 0:
        return cells
    return np.repeat(cells, np.floor(track.duration_s / bin_s + 0.5).astype(np.intp), axis=0)


def _align(score: Float64, gap: float) -> float:
    """Needleman and Wunsch's best global alignment score, one row at a time."""
    rows, columns = score.shape
    slope = gap * np.arange(columns + 1)
    best = slope.copy()
    for i in range(rows):
        row = np.empty(columns + 1)
        row[0] = gap * (i + 1)
        row[1:] = np.maximum(best[:-1] + score[i], best[1:] + gap)
        # A gap from the left costs `gap` a step: with the slope taken out it is a running maximum.
        best = np.maximum.accumulate(row - slope) + slope
    return float(best[-1])
