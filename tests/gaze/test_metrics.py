"""Measures against straightforward implementations written here, scikit-learn, and worked arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import egma
from egma.errors import GazeError
from egma.gaze import metrics

CASES = [pytest.param(seed, seed % 2 == 1, id=f"seed{seed}{' ties' if seed % 2 else ''}") for seed in range(6)]


def example(seed: int, ties: bool = False):
    random = np.random.default_rng(seed)
    image = random.normal(size=(31, 43))
    if ties:
        image = image.round()
    xy = random.uniform([0, 0], [43, 31], (25, 2))
    density = random.random((31, 43)) ** 3
    return image, xy, density / density.sum()


def at(image, xy):
    return np.array([image[int(y), int(x)] for x, y in xy])


@pytest.mark.parametrize(("seed", "ties"), CASES)
def test_auc_judd_is_the_area_under_the_whole_roc_curve(seed: int, ties: bool) -> None:
    image, xy, _ = example(seed, ties)
    fixated = {(int(y), int(x)) for x, y in xy}
    positives = [image[place] for place in fixated]
    scores = np.r_[positives, image.ravel()]
    labels = np.r_[np.ones(len(positives)), np.zeros(image.size)]
    assert metrics.auc_judd(image, xy) == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)


@pytest.mark.parametrize("seed", range(0, 6, 2))
def test_auc_judd_mit_follows_the_benchmark_s_steps(seed: int) -> None:
    """AUC_Judd.m without jitter, step by step; it wants a map without ties, which jitter is for."""
    image, xy, _ = example(seed)
    scores = sorted({image[int(y), int(x)] for x, y in xy}, reverse=True)
    count, pixels = len(scores), image.size
    true_rate, false_rate = [0.0], [0.0]
    for number, threshold in enumerate(scores, 1):
        above = int((image >= threshold).sum())
        true_rate.append(number / count)
        false_rate.append((above - number) / (pixels - count))
    area = np.trapezoid([*true_rate, 1.0], [*false_rate, 1.0])
    assert metrics.auc_judd_mit(image, xy) == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize(("seed", "ties"), CASES)
def test_auc_shuffled_is_the_area_against_other_films_fixations(seed: int, ties: bool) -> None:
    image, xy, _ = example(seed, ties)
    other = np.random.default_rng(99).uniform([0, 0], [43, 31], (60, 2))
    scores = np.r_[at(image, xy), at(image, other)]
    labels = np.r_[np.ones(len(xy)), np.zeros(len(other))]
    assert metrics.auc_shuffled(image, xy, other) == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)


@pytest.mark.parametrize(("seed", "ties"), CASES)
def test_nss_is_the_mean_of_the_standardised_map(seed: int, ties: bool) -> None:
    image, xy, _ = example(seed, ties)
    expected = np.mean(at((image - np.mean(image)) / np.std(image), xy))
    assert metrics.nss(image, xy) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("seed", "ties"), CASES)
def test_cc_sim_and_kl_follow_their_definitions(seed: int, ties: bool) -> None:
    image, _, density = example(seed, ties)
    shifted = image - image.min()
    map_density = shifted / shifted.sum()
    floored = np.maximum(map_density, 1e-20)
    assert metrics.cc(image, density) == pytest.approx(np.corrcoef(image.ravel(), density.ravel())[0, 1], abs=1e-9)
    assert metrics.sim(image, density) == pytest.approx(np.minimum(map_density, density).sum(), abs=1e-9)
    expected = float((density * (np.log(density) - np.log(floored))).sum())
    assert metrics.kl(image, density) == pytest.approx(expected, abs=1e-9)


def test_kl_floors_a_map_that_is_zero_where_people_looked() -> None:
    saliency, density = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    expected = 0.5 * (math.log(0.5) - 0) + 0.5 * (math.log(0.5) - math.log(1e-20))
    assert metrics.kl(saliency, density) == pytest.approx(expected, abs=1e-9)


def test_a_map_without_negative_values_is_not_shifted() -> None:
    saliency, density = np.array([[3.0, 1.0]]), np.array([[0.5, 0.5]])
    assert metrics.sim(saliency, density) == pytest.approx(0.75)


def test_information_gain_is_bits_over_the_baseline() -> None:
    saliency, baseline = np.array([[0.5, 0.25, 0.25, 0.0]]), np.full((1, 4), 0.25)
    assert metrics.information_gain(saliency, [[0.2, 0.0], [1.5, 0.9]], baseline) == pytest.approx(0.5)


def test_the_public_names_are_reached_from_egma() -> None:
    image, xy, density = example(1)
    scores = [
        egma.gaze.metrics.nss(image, xy),
        egma.gaze.metrics.auc_judd(image, xy),
        egma.gaze.metrics.cc(image, density),
    ]
    assert np.isfinite([*scores, egma.gaze.metrics.sim(image, density), egma.gaze.metrics.kl(image, density)]).all()


def test_nan_pixels_are_left_out_of_every_measure() -> None:
    image, xy, density = example(4)
    image[:, :12] = np.nan
    kept = xy[np.floor(xy[:, 0]) >= 12]
    crop, moved = image[:, 12:], kept - [12, 0]
    part = density[:, 12:] / density[:, 12:].sum()
    assert metrics.nss(image, xy) == pytest.approx(metrics.nss(crop, moved), abs=1e-12)
    assert metrics.auc_judd(image, xy) == pytest.approx(metrics.auc_judd(crop, moved), abs=1e-12)
    assert metrics.cc(image, density) == pytest.approx(metrics.cc(crop, part), abs=1e-12)
    assert metrics.sim(image, density) == pytest.approx(metrics.sim(crop, part), abs=1e-12)
    assert metrics.kl(image, density) == pytest.approx(metrics.kl(crop, part), abs=1e-12)
    assert metrics.count_fixations(image, xy).not_seen == len(xy) - len(kept)


def test_fixations_off_the_film_are_left_out_and_counted() -> None:
    image, xy, _ = example(2)
    beside = np.vstack([xy, [[-0.1, 3.0], [43.0, 3.0], [5.0, 31.0], [np.nan, np.nan], [np.inf, 1.0]]])
    for measure in (metrics.nss, metrics.auc_judd, metrics.auc_judd_mit):
        assert measure(image, beside) == measure(image, xy)
    count = metrics.count_fixations(image, beside)
    assert (count.used, count.off_image) == (len(xy), 5)


def test_positions_are_floored_to_pixels() -> None:
    image = np.zeros((4, 5))
    image[2, 3] = 1
    assert metrics.auc_judd(image, [[3.99, 2.99]]) > 0.9
    assert metrics.auc_judd(image, [[4.0, 2.99]]) < 0.5


def test_x_and_y_are_not_exchanged() -> None:
    image = np.zeros((10, 20))
    image[3, 15] = 1
    assert metrics.nss(image, [[15, 3]]) > 5
    assert math.isnan(metrics.nss(image, [[3, 15]]))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.3, 0.1])
def test_a_constant_map_scores_chance(value: float) -> None:
    image, (_, xy, density) = np.full((31, 43), value), example(0)
    assert metrics.auc_judd(image, xy) == 0.5
    assert metrics.auc_judd_mit(image, xy) == pytest.approx(0.5)
    assert metrics.auc_shuffled(image, xy, xy + 1) == 0.5
    assert metrics.nss(image, xy) == 0
    assert metrics.cc(image, density) == 0
    assert 0 < metrics.sim(image, density) < 1
    assert np.isfinite(metrics.kl(image, density))


def test_a_perfect_map_scores_best() -> None:
    _, _, density = example(3)
    assert metrics.cc(density, density) == pytest.approx(1)
    assert metrics.sim(density, density) == pytest.approx(1)
    assert metrics.kl(density, density) == pytest.approx(0, abs=1e-12)


def test_nothing_to_measure_is_nan() -> None:
    image, empty = np.random.default_rng(0).random((5, 6)), np.zeros((5, 6))
    none = np.empty((0, 2))
    assert math.isnan(metrics.nss(image, none)) and math.isnan(metrics.auc_judd(image, none))
    assert math.isnan(metrics.sim(image, empty)) and math.isnan(metrics.kl(image, empty))
    assert math.isnan(metrics.nss(np.full((5, 6), np.nan), [[1, 1]]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_scaling_and_shifting_a_map_changes_no_rank_or_correlation(seed: int, scale: float, shift: float) -> None:
    image, xy, density = example(seed)
    other = image * scale + shift
    assert metrics.auc_judd(other, xy) == pytest.approx(metrics.auc_judd(image, xy), abs=1e-4)
    assert metrics.nss(other, xy) == pytest.approx(metrics.nss(image, xy), abs=1e-6)
    assert metrics.cc(other, density) == pytest.approx(metrics.cc(image, density), abs=1e-6)


def test_maps_of_different_films_are_refused() -> None:
    with pytest.raises(GazeError, match="different films: 4 x 5 and 5 x 4"):
        metrics.cc(np.zeros((4, 5)), np.zeros((5, 4)))
    with pytest.raises(GazeError, match="rows x columns"):
        metrics.nss(np.zeros(7), [[0, 0]])
