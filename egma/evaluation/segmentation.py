"""Lesion segmentation with a light decoder: one logistic layer on frozen patch vectors, drawn at the film's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.evaluation.localization import dice

_STEPS = 80
_DECAYS = (0.001, 0.1, 10.0)
LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Probabilities that validation films may choose to cut at."""


@dataclass(frozen=True, eq=False)
class PatchFilm:
    """A film as the decoder sees it.

    Attributes:
        patches: float32 (gh, gw, D).
        share: float32 (gh, gw), how much of each patch the lesion covers; NaN where no film lies.
    """

    patches: NDArray[np.float32]
    share: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Decoder:
    """weights (D,), bias, and the probability it is cut at, chosen on validation films."""

    weights: NDArray[np.float32]
    bias: float
    level: float

    def predict(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (gh, gw): probability of a lesion in each patch."""
        return np.asarray(1 / (1 + np.exp(-(patches @ self.weights + self.bias))), np.float32)


def fit_decoder(train: Sequence[PatchFilm], validation: Sequence[PatchFilm]) -> Decoder:
    """The layer and the level that reach the best mean Dice on the patch grid of validation films."""
    features = np.concatenate([film.patches[np.isfinite(film.share)] for film in train])
    targets = np.concatenate([film.share[np.isfinite(film.share)] for film in train])
    best, kept = -1.0, Decoder(np.zeros(features.shape[1], np.float32), 0.0, 0.5)
    for decay in _DECAYS:
        weights, bias = _fit(features, targets, decay)
        fitted = Decoder(weights, bias, 0.5)
        score, level = best_level([fitted.predict(film.patches) for film in validation], validation)
        if score > best:
            best, kept = score, Decoder(weights, bias, level)
    return kept


def best_level(answers: Sequence[NDArray[np.float32]], films: Sequence[PatchFilm]) -> tuple[float, float]:
    """(mean Dice on the patch grid, level): the probability at which answers (gh, gw) cover the films' lesions best."""
    pairs = [
        (answer, np.isfinite(film.share), np.nan_to_num(film.share) >= 0.5) for answer, film in zip(answers, films)
    ]
    scores = [
        float(np.mean([dice((answer >= level) & seen, mask) for answer, seen, mask in pairs])) for level in LEVELS
    ]
    place = int(np.argmax(scores))
    return scores[place], LEVELS[place]


def _fit(
    features: NDArray[np.float32], targets: NDArray[np.float32], decay: float
) -> tuple[NDArray[np.float32], float]:
    inputs, wanted = torch.from_numpy(features), torch.from_numpy(targets)
    weights, bias = torch.zeros(features.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = inputs @ weights + bias
        loss = F.binary_cross_entropy_with_logits(logits, wanted) + decay * weights.square().sum() / (2 * len(wanted))
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach().numpy(), float(bias.detach()[0])
