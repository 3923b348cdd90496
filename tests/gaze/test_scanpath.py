"""Scan-path similarity against the reference implementation and against arithmetic done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from egma.gaze.scanpath import compare_multimatch, compare_scanmatch
from egma.gaze.track import GazeTrack

SHAPE = (600, 800)


def path(xy, duration=None) -> GazeTrack:
    xy = np.array(xy, float)
    duration = np.full(len(xy), 0.3) if duration is None else np.array(duration, float)
    return GazeTrack(xy, np.r_[0, np.cumsum(duration)[:-1]], duration)


def random_path(count: int, seed: int) -> GazeTrack:
    random = np.random.default_rng(seed)
    return path(random.random((count, 2)) * SHAPE[::-1], random.random(count) + 0.05)


@pytest.mark.parametrize(("first", "second"), [(3, 3), (9, 14), (40, 31)])
def test_multimatch_is_the_reference_implementation_s(first: int, second: int) -> None:
    reference = pytest.importorskip("multimatch_gaze")
    tracks = [random_path(first, 1), random_path(second, 2)]
    rows = [
        np.array(
            [(x, y, t) for (x, y), t in zip(track.xy_px, track.duration_s)],
            dtype=[("start_x", float), ("start_y", float), ("duration", float)],
        )
        for track in tracks
    ]
    expected = reference.docomparison(*rows, screensize=[SHAPE[1], SHAPE[0]])
    found = compare_multimatch(*tracks, SHAPE)
    ours = [found.shape, found.direction, found.length, found.position, found.duration]
    assert ours == pytest.approx([float(value) for value in expected], abs=1e-9)


def test_equal_paths_are_equal_in_every_way() -> None:
    track = random_path(20, 5)
    found = compare_multimatch(track, track, SHAPE)
    assert [found.shape, found.direction, found.length, found.position, found.duration] == pytest.approx([1] * 5)
    assert compare_scanmatch(track, track, SHAPE) == pytest.approx(1)


def test_multimatch_of_two_fixations_is_not_a_number() -> None:
    assert math.isnan(compare_multimatch(random_path(2, 1), random_path(9, 2), SHAPE).shape)


def test_scanmatch_worked_by_hand() -> None:
    """2 x 2 bins. A B against A C: A matches (2), B and C are sqrt(2) bins apart (2 - 1.414); a perfect match is 4."""
    first, second = path([[100, 100], [700, 100]]), path([[100, 100], [100, 500]])
    found = compare_scanmatch(first, second, SHAPE, bins=(2, 2), threshold=2.0, bin_s=0)
    assert found == pytest.approx((2 + (2 - math.sqrt(2))) / 4)


def test_scanmatch_counts_time() -> None:
    """A for 0.1 s against A for 0.2 s: two letters against four, the other two are gaps at no cost."""
    found = compare_scanmatch(path([[100, 100]], [0.1]), path([[100, 100]], [0.2]), SHAPE, bin_s=0.05)
    assert found == pytest.approx(0.5)


def needleman_wunsch(score: np.ndarray, gap: float) -> float:
    table = np.zeros((score.shape[0] + 1, score.shape[1] + 1))
    table[0] = gap * np.arange(table.shape[1])
    table[:, 0] = gap * np.arange(table.shape[0])
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            steps = (table[i - 1, j - 1] + score[i - 1, j - 1], table[i - 1, j] + gap, table[i, j - 1] + gap)
            table[i, j] = max(steps)
    return float(table[-1, -1])


@pytest.mark.parametrize("gap", [0.0, -0.4])
def test_the_alignment_is_needleman_and_wunsch_s(gap: float) -> None:
    first, second = random_path(13, 7), random_path(17, 8)
    cells = [np.floor(track.xy_px[:, ::-1] * [8 / SHAPE[0], 12 / SHAPE[1]]) for track in (first, second)]
    score = 3.5 - np.linalg.norm(cells[0][:, None] - cells[1][None, :], axis=2)
    found = compare_scanmatch(first, second, SHAPE, bin_s=0, gap=gap)
    assert found == pytest.approx(needleman_wunsch(score, gap) / (3.5 * 17), abs=1e-12)


def test_scanmatch_leaves_looks_beside_the_film_out() -> None:
    first, second = path([[100, 100], [-50, 20]]), path([[100, 100]])
    assert compare_scanmatch(first, second, SHAPE) == pytest.approx(1)
    assert math.isnan(compare_scanmatch(path([[-5, 5]]), second, SHAPE))


def test_the_order_of_looks_matters() -> None:
    there = random_path(25, 3)
    back = path(there.xy_px[::-1], there.duration_s[::-1])
    assert compare_scanmatch(there, back, SHAPE) < 0.8
