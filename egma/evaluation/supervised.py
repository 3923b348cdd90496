"""Linear layers on frozen features, fitted on a share of the training films; validation chooses the weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.data.labels import NORMAL
from egma.errors import DataError
from egma.evaluation.metrics import macro_auroc
from egma.evaluation.scores import THRESHOLD
from egma.evaluation.sets.films import PRESENT, UNKNOWN, Film, LabelledSet

DECAYS = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Weights of the ridge that are tried; validation films choose."""
SHARES = (1, 10, 100)
"""Percent of labelled training films."""
_STEPS = 60


@dataclass(frozen=True, eq=False)
class Layer:
    """A linear layer on features that are brought to mean 0 and spread 1 first.

    Attributes:
        mean, spread: float32 (C,), of the features it was fitted on.
        weights: float32 (C, K).
        bias: float32 (K,).
    """

    mean: torch.Tensor
    spread: torch.Tensor
    weights: torch.Tensor
    bias: torch.Tensor

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """(..., C) -> (..., K)."""
        return (features - self.mean) / self.spread @ self.weights + self.bias

    def answer(self, features: NDArray[np.float32], *, exclusive: bool) -> NDArray[np.float64]:
        """Probabilities (F, K) of films by their features (F, C)."""
        return to_probabilities(self.logits(torch.from_numpy(features)), exclusive=exclusive)


def fit_linear(
    train: NDArray[np.float32],
    truth: NDArray[np.integer],
    validation: tuple[NDArray[np.float32], NDArray[np.integer]],
    wanted: NDArray[np.float32],
    *,
    exclusive: bool,
) -> NDArray[np.float64]:
    """Probabilities (W, K) of the films whose features are `wanted`, by the layer of `fit_layer`."""
    return fit_layer(train, truth, validation, exclusive=exclusive).answer(wanted, exclusive=exclusive)


def fit_layer(
    train: NDArray[np.float32],
    truth: NDArray[np.integer],
    validation: tuple[NDArray[np.float32], NDArray[np.integer]],
    *,
    exclusive: bool,
) -> Layer:
    """The linear layer that tells the classes apart.

    Args:
        train: features (F, C).
        truth: (F, K), PRESENT, ABSENT or UNKNOWN; unknown labels take no part.
        validation: features and truth that choose the weight decay by macro AUROC.
        exclusive: one softmax over the classes instead of a sigmoid each.
    """
    mean, spread = (torch.from_numpy(each).float() for each in (train.mean(axis=0), train.std(axis=0) + 1e-6))
    scaled = (torch.from_numpy(train) - mean) / spread
    layers = [Layer(mean, spread, *_fit(scaled, truth, decay, exclusive)) for decay in DECAYS]
    scores = [macro_of(validation[1], layer.answer(validation[0], exclusive=exclusive)) for layer in layers]
    return layers[int(np.argmax(scores))]


def macro_of(truth: NDArray[np.integer], values: NDArray[np.float64]) -> float:
    """Macro AUROC of (F, K) over classes that have both kinds of films; 0 where none has."""
    score = macro_auroc(truth == PRESENT, values, truth != UNKNOWN, 1).value
    return score if np.isfinite(score) else 0.0


def choose_thresholds(truth: NDArray[np.integer], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,): for each class the probability from which calling it gives the best F1 on these films, 0.5 where none can.

    Args:
        truth: (F, K) of validation films.
        values: (F, K), their probabilities.
    """
    return np.array([_best_cut(truth[:, column], values[:, column]) for column in range(truth.shape[1])])


def as_findings(found: LabelledSet) -> LabelledSet:
    """A list of "No Finding" or one finding as that finding, present or absent: its F1 is then the finding's own."""
    if not (found.exclusive and len(found.classes) == 2 and found.classes[0] == NORMAL):
        return found
    films = tuple(replace(film, truth=film.truth[1:]) for film in found.films)
    return replace(found, classes=found.classes[1:], exclusive=False, films=films)


def take_share(films: Sequence[Film], percent: float, seed: int) -> list[int]:
    """Places of a seeded share of the films, nested: the films of a smaller share are among those of a larger.

    Patients are drawn whole. Each class keeps at least one positive film where the whole has one.
    """
    if percent >= 100:
        return list(range(len(films)))
    patients = sorted({film.patient for film in films})
    order = {patients[place]: rank for rank, place in enumerate(np.random.default_rng(seed).permutation(len(patients)))}
    ranked = sorted(range(len(films)), key=lambda place: (order[films[place].patient], films[place].name))
    count = max(1, round(len(films) * percent / 100))
    last = films[ranked[count - 1]].patient
    chosen = {place for rank, place in enumerate(ranked) if rank < count or films[place].patient == last}
    for column in range(len(films[0].truth)):
        if not any(films[place].truth[column] == PRESENT for place in chosen):
            first = next((place for place in ranked if films[place].truth[column] == PRESENT), None)
            chosen |= {place for place in ranked if first is not None and films[place].patient == films[first].patient}
    return sorted(chosen)


def take_at_most(films: Sequence[Film], most: int | None, seed: int) -> list[int]:
    """Places of about `most` films, patients whole, drawn as a share is; None for all."""
    return take_share(films, 100 if most is None else 100 * most / max(1, len(films)), seed)


def check_trainable(found_title: str, train: Sequence[Film], validation: Sequence[Film]) -> None:
    """Refuse a list that has nothing to learn from, or nothing to choose by."""
    if not train:
        raise DataError(f"{found_title}: no training film was found; a probe needs a train split")
    if not validation:
        raise DataError(f"{found_title}: no validation film was found; nothing may be chosen on test films")


def _fit(
    features: torch.Tensor, truth: NDArray[np.integer], decay: float, exclusive: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    present = torch.from_numpy(truth == PRESENT).float()
    known = torch.from_numpy(truth != UNKNOWN).float()
    weights = torch.zeros(features.shape[1], truth.shape[1], requires_grad=True)
    bias = torch.zeros(truth.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = training_loss(features @ weights + bias, present, known, exclusive=exclusive)
        loss = loss + decay * weights.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach(), bias.detach()


def to_probabilities(logits: torch.Tensor, *, exclusive: bool) -> NDArray[np.float64]:
    """(F, K) in [0, 1]: one softmax, or a sigmoid each."""
    found = logits.softmax(dim=1) if exclusive else logits.sigmoid()
    return found.numpy().astype(np.float64)


def training_loss(logits: torch.Tensor, present: torch.Tensor, known: torch.Tensor, *, exclusive: bool) -> torch.Tensor:
    """Cross-entropy: over classes that exclude each other, else the sum over classes of the mean over known labels."""
    if exclusive:
        return F.cross_entropy(logits, present.argmax(dim=1))
    each = F.binary_cross_entropy_with_logits(logits, present, reduction="none") * known
    return (each.sum(dim=0) / known.sum(dim=0).clamp(min=1)).sum()


def _best_cut(truth: NDArray[np.integer], values: NDArray[np.float64]) -> float:
    """The middle between two neighbouring probabilities (or 0: all are called) with the best F1, the nearest to 0.5."""
    known = truth != UNKNOWN
    present, said = truth[known] == PRESENT, values[known]
    if not present.any():
        return THRESHOLD
    levels = np.unique(said)
    cuts = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2])
    order = np.argsort(said, kind="stable")
    below = np.searchsorted(said[order], cuts)
    hits = present.sum() - np.concatenate([[0], np.cumsum(present[order])])[below]
    f1 = 2 * hits / (present.sum() + len(said) - below)
    best = np.flatnonzero(f1 == f1.max())
    return float(cuts[best[np.argmin(np.abs(cuts[best] - THRESHOLD))]])
