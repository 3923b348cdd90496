"""Metrics against worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from egma.errors import DataError
from egma.evaluation.intervals import bootstrap, draw_places
from egma.evaluation.metrics import (
    auroc,
    contrast_to_noise,
    expected_calibration_error,
    macro_auroc,
    midranks,
    points_inside,
)


def test_auroc_is_the_share_of_pairs_in_order_ties_counting_half() -> None:
    assert auroc([False, False, True, True], [0.1, 0.4, 0.35, 0.8]) == pytest.approx(0.75)
    assert auroc([True, False], [1.0, 1.0]) == pytest.approx(0.5)


def test_auroc_equals_counting_every_pair() -> None:
    rng = np.random.default_rng(3)
    present, scores = rng.random(60) < 0.3, np.round(rng.normal(size=60), 1)
    gaps = scores[present][:, None] - scores[~present][None]
    assert auroc(present, scores) == pytest.approx(float(((gaps > 0) + 0.5 * (gaps == 0)).mean()))


def test_auroc_of_one_kind_or_of_nan_is_refused() -> None:
    with pytest.raises(DataError, match="at least one positive and one negative"):
        auroc([True, True], [0.0, 1.0])
    with pytest.raises(DataError, match="finite"):
        auroc([True, False], [np.nan, 1.0])


def test_midranks_share_what_tied_values_hold() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_a_macro_mean_leaves_out_findings_with_too_few_positives_and_unknown_films() -> None:
    present = np.array([[1, 1], [1, 0], [0, 0], [0, 0]], bool)
    known = np.array([[1, 1], [1, 1], [1, 1], [0, 1]], bool)
    found = macro_auroc(present, np.array([[3, 0], [2, 1], [1, 2], [9, 3]]), known, 2)
    assert found.each == {0: 1.0}
    assert found.value == 1.0


def test_calibration_error_is_the_gap_between_words_and_deeds() -> None:
    assert expected_calibration_error([1, 1, 0, 0], [0.75] * 4) == pytest.approx(0.25)
    assert expected_calibration_error([1, 0], [1.0, 0.0]) == pytest.approx(0.0)


def test_contrast_to_noise_of_a_worked_map_leaves_nan_out() -> None:
    values = np.array([[1.0, 3.0], [0.0, 0.0], [np.nan, np.nan]])
    inside = np.array([[True, True], [False, False], [True, False]])
    assert contrast_to_noise(values, inside) == pytest.approx(2.0)
    assert np.isnan(contrast_to_noise(np.ones((2, 2)), np.eye(2, dtype=bool)))
    assert np.isnan(contrast_to_noise(np.ones((2, 2)), np.zeros((2, 2), bool)))


def test_a_point_on_a_boxs_far_edge_is_outside() -> None:
    assert points_inside((1.0, 2.0), [(1.0, 2.0, 3.0, 4.0)])
    assert not points_inside((4.0, 3.0), [(1.0, 2.0, 3.0, 4.0)])


def test_a_draw_keeps_a_patients_films_together() -> None:
    groups = np.array(["a", "a", "b", "c"])
    for places in draw_places(groups, 50, 0):
        assert (places == 0).sum() == (places == 1).sum()


def test_a_bootstrap_holds_its_value_and_is_the_same_twice() -> None:
    values = np.random.default_rng(0).normal(size=80)
    first = bootstrap(lambda places: float(values[places].mean()), np.arange(80))
    assert first == bootstrap(lambda places: float(values[places].mean()), np.arange(80))
    assert first.low < first.value < first.high
    assert first.high - first.low == pytest.approx(4 * values.std() / np.sqrt(80), rel=0.15)


def test_a_bootstrap_of_nothing_has_no_interval() -> None:
    figure = bootstrap(lambda places: float("nan"), np.array([], int))
    assert np.isnan(figure.low) and figure.n == 0
