"""Linear layers on frozen features, fitted on a share of the training films; validation chooses the weight decay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.errors import DataError
from egma.evaluation.metrics import macro_auroc
from egma.evaluation.sets.films import PRESENT, UNKNOWN, Film

DECAYS = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Weights of the ridge that are tried; validation films choose."""
SHARES = (1, 10, 100)
"""Percent of labelled training films."""
_STEPS = 60


def fit_linear(
    train: NDArray[np.float32],
    truth: NDArray[np.integer],
    validation: tuple[NDArray[np.float32], NDArray[np.integer]],
    wanted: NDArray[np.float32],
    *,
    exclusive: bool,
) -> NDArray[np.float64]:
    """Probabilities (W, K) of the films whose features are `wanted`.

    Args:
        train: features (F, C).
        truth: (F, K), PRESENT, ABSENT or UNKNOWN; unknown labels take no part.
        validation: features and truth that choose the weight decay by macro AUROC.
        wanted: features (W, C).
        exclusive: one softmax over the classes instead of a sigmoid each.
    """
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    scaled = [torch.from_numpy((part - mean) / spread).float() for part in (train, validation[0], wanted)]
    best, kept = -np.inf, np.full((len(wanted), truth.shape[1]), 0.5)
    for decay in DECAYS:
        weights, bias = _fit(scaled[0], truth, decay, exclusive)
        judged, answers = (_answer(part @ weights + bias, exclusive) for part in scaled[1:])
        score = macro_auroc(validation[1] == PRESENT, judged, validation[1] != UNKNOWN, 1).value
        if not np.isfinite(score):
            score = 0.0
        if score > best:
            best, kept = score, answers
    return kept


def take_share(films: Sequence[Film], percent: int, seed: int) -> list[int]:
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
        logits = features @ weights + bias
        if exclusive:
            loss = F.cross_entropy(logits, present.argmax(dim=1))
        else:
            each = F.binary_cross_entropy_with_logits(logits, present, reduction="none") * known
            loss = (each.sum(dim=0) / known.sum(dim=0).clamp(min=1)).sum()
        loss = loss + decay * weights.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach(), bias.detach()


def _answer(logits: torch.Tensor, exclusive: bool) -> NDArray[np.float64]:
    found = logits.softmax(dim=1) if exclusive else logits.sigmoid()
    return found.numpy().astype(np.float64)
