"""Metrics of classification and grounding, each with its definition and the number of cases it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.errors import DataError


@dataclass(frozen=True)
class Macro:
    """A mean over findings.

    Attributes:
        value: the mean; NaN where no finding had enough cases.
        each: finding's column -> its own value.
    """

    value: float
    each: dict[int, float]


def auroc(present: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counting half (Mann-Whitney).

    Args:
        present: bool (F,).
        scores: (F,), finite.

    Raises:
        DataError: no positive, no negative, or a score that is not finite.
    """
    labels, values = np.asarray(present, bool), np.asarray(scores, np.float64)
    if labels.all() or not labels.any():
        raise DataError("AUROC needs at least one positive and one negative film; this finding has only one kind")
    if not np.isfinite(values).all():
        raise DataError("AUROC needs finite scores; at least one is not a number")
    ranks = midranks(values)
    positives = int(labels.sum())
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives)))


def midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, tied values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def macro_auroc(present: ArrayLike, scores: ArrayLike, known: ArrayLike, least_positives: int) -> Macro:
    """The mean AUROC over findings with at least `least_positives` positives (and one negative) among known films.

    Args:
        present, known: bool (F, K).
        scores: (F, K).
        least_positives: findings with fewer are left out.
    """
    labels, values, spoken = np.asarray(present, bool), np.asarray(scores, np.float64), np.asarray(known, bool)
    each = {}
    for column in range(labels.shape[1]):
        rows = spoken[:, column]
        positives = int(labels[rows, column].sum())
        if least_positives <= positives < int(rows.sum()):
            each[column] = auroc(labels[rows, column], values[rows, column])
    return Macro(float(np.mean(list(each.values()))) if each else float("nan"), each)


def expected_calibration_error(present: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> float:
    """Mean gap of probability and frequency over bins of equal width, weighted by their films (Guo et al. 2017)."""
    labels, values = np.asarray(present, np.float64), np.asarray(probabilities, np.float64)
    places = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [
        abs(labels[places == k].mean() - values[places == k].mean()) * (places == k).sum() for k in np.unique(places)
    ]
    return float(np.sum(gaps) / len(values)) if len(values) else float("nan")


def points_inside(xy_px: tuple[float, float], boxes: Sequence[tuple[float, float, float, float]]) -> bool:
    """Whether a point lies in any of the boxes (x, y, width, height): one case of the pointing game."""
    x, y = xy_px
    return any(left <= x < left + width and top <= y < top + height for left, top, width, height in boxes)


def contrast_to_noise(values: ArrayLike, inside: ArrayLike) -> float:
    """|mean inside - mean outside| / sqrt(variance inside + variance outside), without NaN (Boecking et al. 2022).

    NaN where either side has no pixel or both are constant.
    """
    numbers, mask = np.asarray(values, np.float64), np.asarray(inside, bool)
    within, without = numbers[mask & np.isfinite(numbers)], numbers[~mask & np.isfinite(numbers)]
    if not len(within) or not len(without):
        return float("nan")
    spread = float(np.sqrt(within.var() + without.var()))
    return abs(float(within.mean() - without.mean())) / spread if spread > 0 else float("nan")
