"""Measures equal scikit-learn's and worked examples; comparisons of two models behave as tests should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from egma.errors import DataError
from egma.evaluation import classification as ours
from egma.evaluation.intervals import Figure
from egma.evaluation.localization import dice, locate, mean_iou, pixel_auc
from egma.evaluation.retrieval import average_precision, precision_at, rank, recall_at
from egma.evaluation.supervised import fit_linear, take_share
from egma.testing.data_sets import write_labels

GENERATOR = np.random.default_rng(5)
TRUTH = GENERATOR.integers(0, 5, 200)
CHOSEN = np.where(GENERATOR.random(200) < 0.6, TRUTH, GENERATOR.integers(0, 4, 200))
PRESENT = GENERATOR.random(300) < 0.3
SCORES = np.round(GENERATOR.random(300) * 0.7 + PRESENT * 0.3, 2)  # rounded, so that ties occur


def test_measures_of_named_classes_equal_scikit_learn() -> None:
    assert ours.accuracy(TRUTH, CHOSEN) == pytest.approx(reference.accuracy_score(TRUTH, CHOSEN))
    assert ours.balanced_accuracy(TRUTH, CHOSEN) == pytest.approx(reference.balanced_accuracy_score(TRUTH, CHOSEN))
    assert ours.macro_f1(TRUTH, CHOSEN) == pytest.approx(reference.f1_score(TRUTH, CHOSEN, average="macro"))


def test_measures_of_scores_equal_scikit_learn_with_ties() -> None:
    assert ours.average_precision(PRESENT, SCORES) == pytest.approx(reference.average_precision_score(PRESENT, SCORES))
    assert ours.binary_f1(PRESENT, SCORES >= 0.5) == pytest.approx(reference.f1_score(PRESENT, SCORES >= 0.5))
    wrong, right = ours.roc_points(PRESENT, SCORES)
    theirs = reference.roc_curve(PRESENT, SCORES, drop_intermediate=False)
    assert np.allclose(wrong, theirs[0]) and np.allclose(right, theirs[1])
    assert np.trapezoid(right, wrong) == pytest.approx(reference.roc_auc_score(PRESENT, SCORES))


def test_a_class_that_never_occurs_in_either_takes_no_part() -> None:
    assert ours.macro_f1([0, 0, 2], [0, 0, 2]) == 1.0
    assert ours.balanced_accuracy([0, 0, 2], [0, 2, 2]) == 0.75


def test_calibration_error_of_the_named_class_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.45, 0.55], [0.45, 0.55]])
    # Two at 0.95, one right: gap 0.45; two at 0.55, both right: gap 0.45.
    assert ours.top_calibration_error([0, 1, 1, 1], probabilities) == pytest.approx(0.45)


def delong_by_pairs(present: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference and standard error straight from the definition: every pair of a positive and a negative."""
    placed, against, areas = [], [], []
    for scores in (first, second):
        pairs = np.sign(scores[present][:, None] - scores[~present][None]) * 0.5 + 0.5
        areas.append(pairs.mean())
        placed.append(pairs.mean(axis=1))
        against.append(pairs.mean(axis=0))
    spread = np.cov(placed) / present.sum() + np.cov(against) / (~present).sum()
    return areas[1] - areas[0], float(np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1]))


def test_delong_equals_its_definition() -> None:
    second = np.round(GENERATOR.random(300) * 0.9 + PRESENT * 0.1, 2)
    found = ours.delong(PRESENT, SCORES, second)
    value, error = delong_by_pairs(PRESENT, SCORES, second)
    assert found.figure.value == pytest.approx(value)
    assert (found.figure.high - found.figure.low) / (2 * 1.96) == pytest.approx(error)
    assert found.p is not None and found.p < 0.05
    same = ours.delong(PRESENT, SCORES, SCORES)
    assert same.figure.value == 0 and same.p == 1.0
    with pytest.raises(DataError, match="DeLong"):
        ours.delong(np.ones(4, bool), np.arange(4.0), np.arange(4.0))


def test_the_paired_bootstrap_tells_a_shift_from_noise() -> None:
    one, two = Figure(0.7, 0.6, 0.8, 50), Figure(0.8, 0.7, 0.9, 50)
    shifted = ours.paired_bootstrap(one, two, np.full(999, 0.1))
    assert shifted.p == pytest.approx(2 / 1000)
    around = ours.paired_bootstrap(one, two, np.linspace(-1, 1, 1000))
    assert around.p is not None and around.p > 0.9
    assert ours.paired_bootstrap(one, two, np.full(10, np.nan)).p is None


def test_retrieval_by_hand() -> None:
    relevant = np.array([[True, False, True, False], [False, False, False, True]])
    ranked = rank(np.array([[0.9, 0.8, 0.7, 0.1], [0.4, 0.3, 0.2, 0.1]]), relevant, np.arange(2))
    assert precision_at(ranked, 1).tolist() == [1, 0]
    assert precision_at(ranked, 4).tolist() == [0.5, 0.25]
    assert recall_at(ranked, 3).tolist() == [1, 0]
    assert average_precision(ranked) == pytest.approx([(1 + 2 / 3) / 2, 1 / 4])


def test_average_precision_of_a_query_equals_scikit_learn() -> None:
    scores, relevant = GENERATOR.random((1, 40)), GENERATOR.random((1, 40)) < 0.3
    ranked = rank(scores, relevant, np.arange(1))
    assert average_precision(ranked)[0] == pytest.approx(reference.average_precision_score(relevant[0], scores[0]))


def test_overlap_of_map_and_region_by_hand() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2, :2] = True
    values = np.where(mask, 0.3, 0.0)
    values[0, 3] = 0.3
    # Levels 0.1 to 0.3 call 5 pixels, 4 of them right: IoU 4/5; 0.4 and 0.5 call none: 0.
    assert mean_iou(values, mask) == pytest.approx(3 * 0.8 / 5)
    assert dice(values >= 0.2, mask) == pytest.approx(2 * 4 / 9)
    assert dice(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1.0
    assert pixel_auc(values, mask) == pytest.approx(reference.roc_auc_score(mask.ravel(), values.ravel()))
    found = locate(values, mask, (3.0, 0.0), 0.2)
    assert found.hit == 0 and found.cnr > 0
    assert locate(values, mask, (0.5, 0.5), 0.2).hit == 1


def test_pixels_that_were_not_seen_take_no_part() -> None:
    values = np.array([[np.nan, 0.4], [0.3, 0.2]])
    mask = np.array([[True, True], [False, False]])
    assert pixel_auc(values, mask) == 1.0
    assert np.isnan(pixel_auc(np.full((2, 2), np.nan), mask))


def test_a_share_of_the_labels_is_nested_seeded_and_keeps_patients_whole(tmp_path: Path) -> None:
    from egma.evaluation.sets.readers import open_films

    rows = [[f"{k}.png", f"p{k // 2}", "test" if k > 57 else "train", int(k % 7 == 0)] for k in range(60)]
    train = open_films(write_labels(tmp_path, ("A",), rows), "zeroshot").of("train")
    small, large = take_share(train, 10, 3), take_share(train, 50, 3)
    assert all(train[a].patient != train[b].patient for a in small for b in set(range(len(train))) - set(small))
    assert set(small) <= set(large) and small == take_share(train, 10, 3) != take_share(train, 10, 4)
    assert any(train[place].truth[0] for place in take_share(train, 1, 3))
    assert take_share(train, 100, 3) == list(range(len(train)))


def test_a_linear_layer_learns_what_is_linear_and_ignores_unknown_labels() -> None:
    features = GENERATOR.normal(size=(200, 6)).astype(np.float32)
    truth = np.stack([features[:, 0] > 0, features[:, 1] > 0], axis=1).astype(int)
    hidden = truth.copy()
    hidden[:150, 1] = -1
    found = fit_linear(features[:150], hidden[:150], (features[150:], truth[150:]), features[150:], exclusive=False)
    assert reference.roc_auc_score(truth[150:, 0], found[:, 0]) > 0.95
    assert np.allclose(found[:, 1], found[0, 1])
