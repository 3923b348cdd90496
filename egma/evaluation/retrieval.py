"""Image-text retrieval: how many of the first k answers are right, of classes or of a film's own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.intervals import Figure, bootstrap

KS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Q queries against C candidates.

    Attributes:
        relevant: bool (Q, C) in order of rank: which answers are right.
        groups: (Q,), what the bootstrap draws by.
        order: (Q, C) places of the candidates, best first.
    """

    relevant: NDArray[np.bool_]
    groups: NDArray[np.generic]
    order: NDArray[np.intp]


def rank(scores: NDArray[np.floating], relevant: NDArray[np.bool_], groups: NDArray[np.generic]) -> Ranked:
    """Candidates best first; ties by their place, so that two runs agree."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return Ranked(np.take_along_axis(relevant, order, axis=1), groups, order)


def precision_at(ranked: Ranked, k: int) -> NDArray[np.float64]:
    """(Q,): the share of right answers among the first k."""
    return ranked.relevant[:, :k].mean(axis=1)


def recall_at(ranked: Ranked, k: int) -> NDArray[np.float64]:
    """(Q,): whether one of the first k answers is right (Hit@k, as the field's R@k for pairs)."""
    return ranked.relevant[:, :k].any(axis=1).astype(float)


def average_precision(ranked: Ranked) -> NDArray[np.float64]:
    """(Q,): mean over the right answers of the precision at their place; NaN where a query has none."""
    hits = ranked.relevant.cumsum(axis=1)
    places = np.arange(1, ranked.relevant.shape[1] + 1)
    total = ranked.relevant.sum(axis=1)
    found = (hits / places * ranked.relevant).sum(axis=1)
    return np.where(total > 0, found / np.maximum(total, 1), np.nan)


def retrieval_figures(ranked: Ranked, draws: int, seed: int) -> dict[str, Figure]:
    """P@k, R@k and mAP with intervals, queries drawn by group."""
    ks = [k for k in KS if k <= ranked.relevant.shape[1]]
    values = {f"P@{k}": precision_at(ranked, k) for k in ks} | {f"R@{k}": recall_at(ranked, k) for k in ks}
    values["mAP"] = average_precision(ranked)
    return {name: _figure(each, ranked.groups, draws, seed) for name, each in values.items()}


def chance_precision(relevant: NDArray[np.bool_]) -> float:
    """What a blind order gives on average: the share of right pairs."""
    return float(relevant.mean())


def _figure(values: NDArray[np.float64], groups: NDArray[np.generic], draws: int, seed: int) -> Figure:
    def mean(places: Sequence[int] | NDArray[np.intp]) -> float:
        taken = values[places]
        return float(np.nanmean(taken)) if np.isfinite(taken).any() else float("nan")

    return bootstrap(mean, groups, draws, seed)
