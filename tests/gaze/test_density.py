"""Density: exact against the naive sum, cut to what was shown, indifferent to how it is computed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egma.errors import GazeError
from egma.gaze import density as density_module
from egma.gaze.density import default_pixels_per_degree, fixation_density
from egma.gaze.track import GazeTrack

SHAPE = (90, 120)


def naive_density(xy_px, duration_s, shape, sigma, shown) -> np.ndarray:
    """The definition, one fixation at a time, in float64."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    total = np.zeros(shape)
    for (x, y), weight, (sx, sy), (x0, y0, x1, y1) in zip(np.floor(xy_px), duration_s, sigma, shown):
        blob = np.exp(-0.5 * (((columns - x) / sx) ** 2 + ((rows - y) / sy) ** 2)) / (2 * np.pi * sx * sy)
        blob[(columns < x0) | (columns >= x1) | (rows < y0) | (rows >= y1)] = 0
        total += weight * blob
    return total / total.sum()


def random_gaze(count: int, seed: int, shape=SHAPE):
    random = np.random.default_rng(seed)
    xy = random.random((count, 2)) * shape[::-1]
    shown = np.tile([0, 0, shape[1], shape[0]], (count, 1)).astype(float)
    shown[::3] = np.column_stack([xy[::3] - 20, xy[::3] + 25]).clip(0)
    return xy, random.random(count) + 0.05, 3 + 9 * random.random((count, 2)), np.rint(shown)


@pytest.mark.parametrize("count", [1, 40, 5000])
def test_the_fast_density_is_the_naive_sum(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density_module, "TILE_PX", 32)
    xy, duration, sigma, shown = random_gaze(count, seed=count)
    fast = fixation_density(xy, duration, SHAPE, pixels_per_degree=sigma, shown_px=shown)
    slow = naive_density(xy, duration, SHAPE, sigma, shown)
    assert fast.dtype == np.float32 and fast.shape == SHAPE
    assert np.abs(fast - slow).max() < 2e-5 * slow.max()


def test_many_samples_at_one_zoom_are_the_naive_sum_too() -> None:
    xy, duration, _, _ = random_gaze(9000, seed=3)
    sigma, shown = np.full((9000, 2), 7.5), np.tile([0.0, 0, SHAPE[1], SHAPE[0]], (9000, 1))
    fast = fixation_density(xy, duration, SHAPE, pixels_per_degree=sigma)
    slow = naive_density(xy, duration, SHAPE, sigma, shown)
    assert np.abs(fast - slow).max() < 2e-5 * slow.max()


def test_many_samples_at_one_wide_zoom_stay_within_a_thousandth_on_their_lattice() -> None:
    shape = (120, 160)
    xy, duration, _, _ = random_gaze(9000, seed=4, shape=shape)
    sigma, shown = np.full((9000, 2), 40.0), np.tile([0.0, 0, 160, 120], (9000, 1))
    fast = fixation_density(xy, duration, shape, pixels_per_degree=sigma)
    slow = naive_density(xy, duration, shape, sigma, shown)
    assert np.abs(fast - slow).max() < 1e-3 * slow.max()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-30, 150), st.floats(-30, 120), st.floats(0, 4)), max_size=12),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_a_density_sums_to_one_or_is_all_zero_and_is_never_negative(rows, height: int, width: int) -> None:
    table = np.array(rows, float).reshape(-1, 3)
    heat = fixation_density(table[:, :2], table[:, 2], (height, width))
    x, y = table[:, 0], table[:, 1]
    looked = ((x >= 0) & (y >= 0) & (x < width) & (y < height)).any()
    assert heat.sum(dtype=np.float64) == pytest.approx(1 if looked else 0, abs=1e-5)
    assert (heat >= 0).all() and np.isfinite(heat).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 30), st.integers(0, 20))
def test_moving_the_gaze_moves_the_density(right: int, down: int) -> None:
    xy, duration = np.array([[40.0, 30.0], [50.0, 36.0]]), np.array([0.3, 0.2])
    sigma = np.full((2, 2), 4.0)
    before = fixation_density(xy, duration, SHAPE, pixels_per_degree=sigma)
    after = fixation_density(xy + np.array([right, down]), duration, SHAPE, pixels_per_degree=sigma)
    moved = np.roll(before, (down, right), (0, 1))
    assert np.allclose(after, moved, atol=1e-6 * before.max() + 1e-8)


def test_x_runs_along_columns() -> None:
    heat = fixation_density(np.array([[100.0, 10.0]]), np.array([1.0]), SHAPE)
    assert np.unravel_index(heat.argmax(), SHAPE) == (10, 100)


def test_a_longer_look_weighs_more() -> None:
    heat = fixation_density(np.array([[30.0, 45.0], [90.0, 45.0]]), np.array([3.0, 1.0]), SHAPE)
    assert heat[45, 30] == pytest.approx(3 * heat[45, 90], rel=1e-3)


def test_nothing_lands_outside_what_was_shown() -> None:
    heat = fixation_density(
        np.array([[50.0, 40.0]]), np.array([1.0]), SHAPE, shown_px=np.array([[45.0, 30.0, 80.0, 60.0]])
    )
    shown = np.zeros(SHAPE, bool)
    shown[30:60, 45:80] = True
    assert not heat[~shown].any() and heat[shown].sum() == pytest.approx(1, abs=1e-6)


def test_a_recording_whose_zoom_changes_lands_on_the_right_pixels() -> None:
    """Worked: a 400 x 400 film read whole (20 px a degree), then its lower right quarter at twice the zoom."""
    track = GazeTrack(
        xy_px=np.array([[100.0, 100.0], [300.0, 320.0]]),
        start_s=np.array([0.0, 1.0]),
        duration_s=np.array([0.5, 0.5]),
        pixels_per_degree=np.array([[20.0, 20.0], [10.0, 10.0]]),
        shown_px=np.array([[0.0, 0, 400, 400], [200.0, 200, 400, 400]]),
    )
    heat = track.density(shape=(400, 400))
    # Equal time, half the sigma along both axes: four times the height.
    assert heat[320, 300] == pytest.approx(4 * heat[100, 100], rel=1e-3)
    assert heat[:200, :200].sum() == pytest.approx(0.5, abs=1e-3)
    one_sigma = np.exp(-0.5)
    assert heat[100, 120] == pytest.approx(one_sigma * heat[100, 100], rel=1e-3)
    assert heat[330, 300] == pytest.approx(one_sigma * heat[320, 300], rel=1e-3)


def test_a_degree_that_is_not_known_is_the_stated_default() -> None:
    xy, duration = np.array([[60.0, 45.0]]), np.array([1.0])
    stated = np.full((1, 2), default_pixels_per_degree(SHAPE))
    expected = fixation_density(xy, duration, SHAPE, pixels_per_degree=stated)
    assert np.array_equal(fixation_density(xy, duration, SHAPE), expected)
    assert np.array_equal(fixation_density(xy, duration, SHAPE, pixels_per_degree=np.full((1, 2), np.nan)), expected)


def test_fixations_without_any_duration_weigh_the_same() -> None:
    heat = fixation_density(np.array([[30.0, 45.0], [90.0, 45.0]]), np.zeros(2), SHAPE)
    assert heat[45, 30] == pytest.approx(heat[45, 90], rel=1e-4)


def test_blinks_and_looks_beside_the_film_add_nothing() -> None:
    heat = fixation_density(np.array([[np.nan, np.nan], [-1.0, 4.0], [4.0, 90.0]]), np.ones(3), SHAPE)
    assert not heat.any() and heat.dtype == np.float32


def test_three_million_samples_simply_work() -> None:
    random = np.random.default_rng(0)
    count, shape = 3_000_000, (256, 200)
    xy = random.normal([100, 128], 40, (count, 2))
    sigma = np.full((count, 2), 9.0)
    sigma[count // 2 :] = 5.0
    heat = fixation_density(xy, np.full(count, 0.001), shape, pixels_per_degree=sigma)
    assert heat.sum(dtype=np.float64) == pytest.approx(1, abs=1e-4)


def test_a_film_without_pixels_is_refused() -> None:
    with pytest.raises(GazeError, match="at least one pixel"):
        fixation_density(np.zeros((1, 2)), np.ones(1), (0, 10))
