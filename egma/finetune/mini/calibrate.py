"""After training, on validation films: probabilities that mean what they say, and one display range for every map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.config import FindingConfig
from egma.evaluation.intervals import draw_places

_ROUNDS = 400
_SCALE_PULL = 0.05
"""How strongly findings share one scale: a hundred films hold a handful of positives of each."""
_RATE_PULL = 0.05
"""How strongly a finding's mean probability is held to its rate among training films."""
_LEAST_POSITIVES = 5
_THRESHOLD_DRAWS = 200
_SPREAD_DRAWS = 100


@dataclass(frozen=True, eq=False)
class Calibration:
    """(15,) each, or (K, 15) of K fits: probability = sigmoid(scale * difference + bias)."""

    scale: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, differences: NDArray[np.float32]) -> NDArray[np.float64]:
        """(F, 15) probabilities of differences (F, 15)."""
        return 1 / (1 + np.exp(-(differences * self.scale + self.bias)))


def fit_calibration(
    differences: NDArray[np.float32],
    present: NDArray[np.bool_],
    known: NDArray[np.bool_],
    rate: NDArray[np.float64],
    counts: NDArray[np.float64] | None = None,
) -> Calibration:
    """Platt's scale and bias of every finding, each pulled to what all findings and the training films say.

    Args:
        differences: (F, 15) on validation films.
        present, known: bool (F, 15).
        rate: (15,), share of positives among training films.
        counts: (K, F), how often each film counts in each of K fits, which are then run together: (K, 15) comes back.
    """
    scores, wanted = torch.from_numpy(differences).double(), torch.from_numpy(present).double()
    often = torch.ones(1, len(differences)).double() if counts is None else torch.from_numpy(counts).double()
    counted = often[:, :, None] * torch.from_numpy(known).double()
    total = counted.sum(dim=1).clamp(min=1)
    usual = torch.logit(torch.from_numpy(np.clip(rate, 0.003, 0.9)).double())
    center = ((scores * counted).sum(dim=1) / total)[:, None]
    shared = torch.full((len(often), 1), np.log(8.0), dtype=torch.double, requires_grad=True)
    own = torch.zeros(len(often), scores.shape[1], dtype=torch.double, requires_grad=True)
    middle = usual.repeat(len(often), 1).requires_grad_(True)
    optimizer = torch.optim.Adam([shared, own, middle], lr=0.05)
    for _ in range(_ROUNDS):
        logits = (scores - center) * (shared + own).exp()[:, None] + middle[:, None]
        each = F.binary_cross_entropy_with_logits(logits, wanted.expand_as(logits), reduction="none") * counted
        mean = (logits.sigmoid() * counted).sum(dim=1) / total
        loss = (each.sum(dim=1) / total).sum() + _SCALE_PULL * own.square().sum()
        loss = loss + _RATE_PULL * (mean.logit() - usual).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scale = (shared + own).exp().detach()
    bias = middle.detach() - scale * center[:, 0]
    return (
        Calibration(scale[0].numpy(), bias[0].numpy()) if counts is None else Calibration(scale.numpy(), bias.numpy())
    )


def fit_spread(
    differences: NDArray[np.float32],
    present: NDArray[np.bool_],
    known: NDArray[np.bool_],
    rate: NDArray[np.float64],
    patients: NDArray[np.generic],
) -> NDArray[np.float64]:
    """(15, 3): variance of the scale, covariance, variance of the bias, when validation patients are drawn anew."""
    draws = draw_places(patients, _SPREAD_DRAWS, seed=0)
    counts = np.stack([np.bincount(places, minlength=len(patients)) for places in draws]).astype(np.float64)
    fitted = fit_calibration(differences, present, known, rate, counts)
    found = [np.cov(scale, bias) for scale, bias in zip(fitted.scale.T, fitted.bias.T)]
    return np.array([(spread[0, 0], spread[0, 1], spread[1, 1]) for spread in found])


def fit_threshold(
    probabilities: NDArray[np.float64], present: NDArray[np.bool_], rate: float, seed: int = 0
) -> tuple[float, tuple[float, float] | None]:
    """The probability with the best sensitivity + specificity, and where it wanders when films are drawn anew.

    With fewer than 5 positives it is the training rate, and nothing is said of its certainty.

    Returns:
        threshold, and (10th, 90th percentile) of it over draws: between them a page says "not sure".
    """
    if present.sum() < _LEAST_POSITIVES or present.all():
        return float(np.clip(rate, 0.01, 0.5)), None
    drawn = [
        _best_threshold(probabilities[places], present[places])
        for places in draw_places(np.arange(len(present)), _THRESHOLD_DRAWS, seed)
        if 0 < present[places].sum() < len(places)
    ]
    low, high = np.percentile(drawn, (10, 90))
    best = float(np.median(drawn))
    return best, (float(min(low, best)), float(max(high, best)))


def calibrate_findings(
    findings: dict[str, FindingConfig],
    differences: NDArray[np.float32],
    present: NDArray[np.bool_],
    known: NDArray[np.bool_],
    rate: NDArray[np.float64],
    patients: NDArray[np.generic],
) -> dict[str, FindingConfig]:
    """The findings with scale, bias, their spread, threshold and unsure range fitted; arguments as of `fit_spread`."""
    fitted = fit_calibration(differences, present, known, rate)
    spread = fit_spread(differences, present, known, rate, patients)
    probabilities = fitted.probabilities(differences)
    found = {}
    for column, (name, finding) in enumerate(findings.items()):
        rows = known[:, column]
        threshold, unsure = fit_threshold(probabilities[rows, column], present[rows, column], float(rate[column]))
        found[name] = replace(
            finding,
            scale=round(float(fitted.scale[column]), 4),
            bias=round(float(fitted.bias[column]), 4),
            threshold=round(threshold, 4),
            spread=round_spread(spread[column]),
            unsure=None if unsure is None else (round(unsure[0], 4), round(unsure[1], 4)),
        )
    return found


def round_spread(spread: NDArray[np.float64]) -> tuple[float, float, float]:
    """Variance, covariance, variance to four digits, still such that no correlation is above 1."""
    scale, both, bias = (float(f"{value:.4g}") for value in spread)
    most = float(np.sqrt(scale * bias))
    return scale, float(np.clip(both, -most, most)), bias


def _best_threshold(probabilities: NDArray[np.float64], present: NDArray[np.bool_]) -> float:
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(present[order]) / present.sum() - np.cumsum(~present[order]) / (~present).sum()
    return float(probabilities[order][int(hits.argmax())])
