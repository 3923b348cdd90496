"""Measures of a classifier beside AUROC, each as scikit-learn defines it, and tests of two classifiers on one list."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.errors import DataError
from egma.evaluation.intervals import Figure, Places, draw_places
from egma.evaluation.metrics import midranks


def accuracy(truth: ArrayLike, chosen: ArrayLike) -> float:
    """Share of films whose class was named."""
    return float(np.mean(np.asarray(truth) == np.asarray(chosen)))


def balanced_accuracy(truth: ArrayLike, chosen: ArrayLike) -> float:
    """Mean over the classes that occur of the share of their films that was found."""
    right, wrong = np.asarray(truth), np.asarray(chosen)
    return float(np.mean([np.mean(wrong[right == label] == label) for label in np.unique(right)]))


def macro_f1(truth: ArrayLike, chosen: ArrayLike) -> float:
    """Mean F1 over the classes that occur in either; 0 for one that was never right."""
    first, second = np.asarray(truth), np.asarray(chosen)
    values = []
    for label in np.union1d(first, second):
        hits = np.sum((first == label) & (second == label))
        values.append(2 * hits / (np.sum(first == label) + np.sum(second == label)))
    return float(np.mean(values))


def binary_f1(present: ArrayLike, said: ArrayLike) -> float:
    """F1 of the positives; 0 where nothing is and nothing was called positive."""
    truth, called = np.asarray(present, bool), np.asarray(said, bool)
    total = int(truth.sum() + called.sum())
    return 2 * int((truth & called).sum()) / total if total else 0.0


def average_precision(present: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall steps: mean precision at each positive's score, ties taken together."""
    truth, values = np.asarray(present, bool), np.asarray(scores, np.float64)
    if not truth.any():
        raise DataError("the area under precision and recall needs at least one positive film")
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    precision, recall = hits[ends] / (ends + 1), hits[ends] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_points(present: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(false positive rate, true positive rate) of every threshold, from (0, 0) to (1, 1)."""
    truth, values = np.asarray(present, bool), np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    hits, alarms = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    return np.append(0.0, alarms / max(1, alarms[-1])), np.append(0.0, hits / max(1, hits[-1]))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that sum to 1."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def top_calibration_error(truth: ArrayLike, probabilities: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error of the class that was named: gap of confidence and accuracy over equal bins."""
    chosen, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = (chosen == np.asarray(truth)).astype(float)
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(right[places == k].mean() - confidence[places == k].mean()) * (places == k).sum() for k in np.unique(places)
    ]
    return float(np.sum(gaps) / len(right)) if len(right) else float("nan")


@dataclass(frozen=True)
class Difference:
    """A figure of a second model minus the first's on the same films.

    Attributes:
        figure: the difference and its interval.
        p: two-sided; None where it has none.
        method: how p was found.
    """

    figure: Figure
    p: float | None
    method: str


def paired_bootstrap(first: Figure, second: Figure, drawn: NDArray[np.float64]) -> Difference:
    """From differences over the same draws: p is twice the smaller share of draws on one side of 0."""
    finite = drawn[np.isfinite(drawn)]
    value = second.value - first.value
    if len(finite) < len(drawn) / 2 or not len(finite):
        return Difference(Figure(value, float("nan"), float("nan"), second.n), None, "paired bootstrap")
    low, high = np.percentile(finite, (2.5, 97.5))
    side = min(np.sum(finite <= 0), np.sum(finite >= 0))
    p = min(1.0, 2 * (int(side) + 1) / (len(finite) + 1))
    return Difference(Figure(value, float(low), float(high), second.n), float(p), "paired bootstrap")


def delong(present: ArrayLike, first: ArrayLike, second: ArrayLike) -> Difference:
    """Two AUROCs on the same films (DeLong et al. 1988, by midranks as Sun and Xu 2014): difference, interval and p."""
    truth = np.asarray(present, bool)
    if truth.all() or not truth.any():
        raise DataError("DeLong's test needs films with the finding and films without it")
    positives, negatives = int(truth.sum()), int((~truth).sum())
    areas, placed, against = [], [], []
    for scores in (np.asarray(first, np.float64), np.asarray(second, np.float64)):
        ranks, own, others = midranks(scores), midranks(scores[truth]), midranks(scores[~truth])
        areas.append((ranks[truth].sum() / positives - (positives + 1) / 2) / negatives)
        placed.append((ranks[truth] - own) / negatives)
        against.append(1 - (ranks[~truth] - others) / positives)
    spread = _covariance(placed) / positives + _covariance(against) / negatives
    value = float(areas[1] - areas[0])
    error = sqrt(max(0.0, float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])))
    p = erfc(abs(value) / error / sqrt(2)) if error > 0 else (1.0 if value == 0 else 0.0)
    return Difference(Figure(value, value - 1.96 * error, value + 1.96 * error, len(truth)), p, "DeLong")


def drawn_rows(groups: NDArray[np.generic], draws: int, seed: int) -> list[Places]:
    """The draws that every figure of a table shares, so that differences are paired."""
    return draw_places(groups, draws, seed)


def _covariance(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    if len(rows[0]) < 2:
        return np.zeros((2, 2))
    return np.cov(np.stack(rows))
