"""How sure a figure is: bootstrap intervals over cases, and over pairs of models on the same cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
DRAWS = 1000


@dataclass(frozen=True)
class Figure:
    """A figure and its interval.

    Attributes:
        value: on all cases.
        low, high: 2.5th and 97.5th percentile over draws with replacement; NaN where too few draws had a value.
        n: cases it stands on.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}"


def bootstrap(
    measure: Callable[[Places], float], groups: NDArray[np.generic], draws: int = DRAWS, seed: int = 0
) -> Figure:
    """A figure with its percentile interval, cases drawn by group so that one patient's films stay together.

    Args:
        measure: the figure on the cases at these places; NaN where it has none.
        groups: (F,), each case's patient.
        draws: how often.
        seed: of the draws.
    """
    everything = np.arange(len(groups))
    found = np.array([measure(places) for places in draw_places(groups, draws, seed)])
    found = found[np.isfinite(found)]
    low, high = np.percentile(found, (2.5, 97.5)) if len(found) >= draws / 2 else (np.nan, np.nan)
    return Figure(float(measure(everything)), float(low), float(high), len(groups))


def groups_of(count: int, groups: NDArray[np.generic] | None) -> NDArray[np.generic]:
    """The cases' groups as given, else every case its own."""
    return np.arange(count) if groups is None else groups


def share_figure(hits: int, cases: int) -> Figure:
    """A share with Wilson's 95 % interval, which stays honest at 0 and at 1; NaN of nothing."""
    if cases == 0:
        return Figure(np.nan, np.nan, np.nan, 0)
    share, z = hits / cases, 1.96
    middle = (share + z * z / (2 * cases)) / (1 + z * z / cases)
    reach = z * np.sqrt(share * (1 - share) / cases + z * z / (4 * cases * cases)) / (1 + z * z / cases)
    return Figure(share, float(max(middle - reach, 0.0)), float(min(middle + reach, 1.0)), cases)


def draw_places(groups: NDArray[np.generic], draws: int, seed: int) -> list[Places]:
    """`draws` lists of places, each as many groups as there are, drawn with replacement."""
    _, inverse = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(inverse == group) for group in range(int(inverse.max()) + 1)] if len(inverse) else []
    generator = np.random.default_rng(seed)
    return [
        np.concatenate([members[group] for group in generator.integers(len(members), size=len(members))])
        for _ in range(draws if members else 0)
    ]
