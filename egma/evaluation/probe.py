"""The baseline that egma-mini is held against: a linear layer on the frozen ImageNet features of its own trunk."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.evaluation.metrics import macro_auroc
from egma.model.egma import EgmaModel

_BATCH = 32
_DECAYS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Weights of the ridge that are tried; validation films choose."""
_LEAST_POSITIVES = 5


def embed_frozen(model: EgmaModel, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (F, 8 C): mean and maximum of the widened last stage, as ImageNet left it.

    Args:
        model: with published weights, untrained.
        films: uint8 (F, S, S), S the model's input.
    """
    found = []
    with torch.inference_mode():
        for start in range(0, len(films), _BATCH):
            pixels = torch.from_numpy(films[start : start + _BATCH]).float().to(model.logit_scale.device) / 255
            normal = model.normalize(pixels).contiguous(memory_format=torch.channels_last)
            found.append(model.heads.pool(model.image(normal).stages[-1]).float().cpu().numpy())  # type: ignore[operator]
    return np.concatenate(found)


def fit_probe(
    train: tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]],
    validation: tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]],
    wanted: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Logits (W, 15) of the films whose features are `wanted`, by the ridge that validates best.

    Args:
        train, validation: features (F, C), present and known, bool (F, 15).
        wanted: features (W, C).
    """
    mean, spread = train[0].mean(axis=0), train[0].std(axis=0) + 1e-6
    scaled = [torch.from_numpy((features - mean) / spread) for features in (train[0], validation[0], wanted)]
    best, kept = -np.inf, np.zeros((len(wanted), train[1].shape[1]), np.float32)
    for decay in _DECAYS:
        weights, bias = _fit(scaled[0], torch.from_numpy(train[1]), torch.from_numpy(train[2]), decay)
        score = macro_auroc(validation[1], (scaled[1] @ weights + bias).numpy(), validation[2], _LEAST_POSITIVES).value
        if score > best:
            best, kept = score, (scaled[2] @ weights + bias).numpy()
    return kept


def _fit(
    features: torch.Tensor, present: torch.Tensor, known: torch.Tensor, decay: float
) -> tuple[torch.Tensor, torch.Tensor]:
    weights = torch.zeros(features.shape[1], present.shape[1], requires_grad=True)
    bias = torch.zeros(present.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=60, line_search_fn="strong_wolfe")
    wanted, counted = present.float(), known.float()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        each = F.binary_cross_entropy_with_logits(features @ weights + bias, wanted, reduction="none") * counted
        loss = (each.sum(dim=0) / counted.sum(dim=0).clamp(min=1)).sum() + decay * weights.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach(), bias.detach()
