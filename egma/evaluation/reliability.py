"""Whether probabilities mean what they say: how often a finding is there among films given about the same number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.films import ScoredFilms, calibration_error
from egma.evaluation.intervals import Figure, share_figure

_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Most answers about most findings are small, so that equal steps would put nearly all of them into one bin."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers between two probabilities, of all findings together.

    Attributes:
        low, high: the probabilities.
        mean: of the answers.
        share: how often the finding was there, with Wilson's interval.
    """

    low: float
    high: float
    mean: float
    share: Figure


def reliability_bins(films: ScoredFilms) -> list[ReliabilityBin]:
    """Bins that hold any answer, from the smallest probability on."""
    scores, present = films.scores.ravel(), films.present.ravel()
    places = np.clip(np.searchsorted(_EDGES, scores, side="right") - 1, 0, len(_EDGES) - 2)
    return [_bin(place, scores[places == place], present[places == place]) for place in np.unique(places)]


def calibration_figure(films: ScoredFilms) -> Figure:
    """Mean expected calibration error over findings, 10 bins of equal width.

    Without an interval: drawing films again repeats some, which alone raises this error.
    """
    return Figure(calibration_error(films), float("nan"), float("nan"), len(films.present))


def _bin(place: int, scores: NDArray[np.float64], present: NDArray[np.bool_]) -> ReliabilityBin:
    return ReliabilityBin(
        _EDGES[place], _EDGES[place + 1], float(scores.mean()), share_figure(int(present.sum()), len(present))
    )
