"""What the trunks' own layers know, handed on to the model that is asked in words.

Labels of chest films are noisy and few; the mean answer of several trunks, each of which learned with mixup, errs less
than a label does. So a film's vector starts as these answers, each finding along an axis of the shared space, and
sentences then learn which way along it they point; the answers are also learned beside the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from egma.finetune.mini.features import FilmFeatures
from egma.model.egma import EgmaModel
from egma.model.heads import PyramidHeads

Layer = tuple[Tensor, Tensor]
"""Weight (15, 2 C) and bias (15,) on mean and maximum of a trunk's widened last stage."""
_BATCH = 64
_CONSTANT = 6.0


def soft_answers(
    model: EgmaModel, features: FilmFeatures, layers: Sequence[Layer | None]
) -> NDArray[np.float32] | None:
    """float32 (V, F, 15): the mean probability over the trunks that have a layer; None where none has.

    Args:
        model: its heads' widening is the one that the layers were trained on.
        features: of the films that are learned from.
        layers: one a trunk, in the order they stand side by side; None = that trunk's is not known.
    """
    known = [place for place, layer in enumerate(layers) if layer is not None]
    if not known or not isinstance(model.heads, PyramidHeads):
        return None
    views, films = features.coarse.shape[:2]
    found = np.zeros((views, films, len(layers[known[0]][1])), np.float32)  # type: ignore[index]
    with torch.inference_mode():
        for view in range(views):
            for start in range(0, films, _BATCH):
                places = np.arange(start, min(start + _BATCH, films))
                pooled = model.heads.pool(features.pick(view, places, model.logit_scale.device).stages[-1])
                found[view, places] = _answer(pooled, layers).cpu().numpy()
    return found


def film_axes(width: int, findings: int, seed: int) -> Tensor:
    """(findings + 1, width): orthonormal axes of the shared space, one a finding and one for the constant."""
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(width, findings + 1, generator=generator))[0].T.contiguous()


def start_film_vector(model: EgmaModel, features: FilmFeatures, layers: Sequence[Layer | None], seed: int) -> bool:
    """Set the layer that makes a film's vector: standardised answers along 15 random axes, a constant along another.

    The constant keeps the vector's length, by which everything is divided, nearly the same for all films.

    Args:
        model: its heads are changed in place.
        features: of training films; the first view gives each answer's mean and spread.
        layers: as of `soft_answers`.
        seed: of the axes.

    Returns:
        Whether there was any layer to start from.
    """
    known = [place for place, layer in enumerate(layers) if layer is not None]
    if not known or not isinstance(model.heads, PyramidHeads):
        return False
    weight = _joined_layers(layers).to(model.logit_scale.device)
    norm, out = model.heads.global_norm, model.heads.global_out
    axes = torch.linalg.qr(torch.randn(len(out.bias), len(weight) + 1, generator=torch.Generator().manual_seed(seed)))[
        0
    ]
    axes = axes.to(weight.device)
    with torch.no_grad():
        norm.reset_parameters()
        answers = torch.cat([norm(pooled) @ weight.T for pooled in _pooled(model, features)])
        spread = answers.std(dim=0).clamp(min=1e-6)
        out.weight.copy_(axes[:, :-1] @ (weight / spread[:, None]))
        out.bias.copy_(axes[:, :-1] @ (-answers.mean(dim=0) / spread) + _CONSTANT * axes[:, -1])
    return True


def _joined_layers(layers: Sequence[Layer | None]) -> Tensor:
    """(15, 2 G C): the mean of the layers on pooled features of trunks side by side, zeros where one is not known."""
    known = [layer for layer in layers if layer is not None]
    half = known[0][0].shape[1] // 2
    blank = torch.zeros(len(known[0][1]), half)
    halves = [(blank, blank) if layer is None else layer[0].split(half, dim=1) for layer in layers]
    return torch.cat([part[0] for part in halves] + [part[1] for part in halves], dim=1) / len(known)


def _pooled(model: EgmaModel, features: FilmFeatures) -> Iterator[Tensor]:
    """Pooled features of the first view, some films at a time."""
    for places in np.array_split(np.arange(features.coarse.shape[1]), max(1, features.coarse.shape[1] // _BATCH)):
        yield model.heads.pool(features.pick(0, places, model.logit_scale.device).stages[-1])  # type: ignore[operator]


def _answer(pooled: Tensor, layers: Sequence[Layer | None]) -> Tensor:
    """(B, 15) of pooled features (B, 2 G C): all trunks' means, then all trunks' maxima."""
    means, maxima = (half.chunk(len(layers), dim=1) for half in pooled.chunk(2, dim=1))
    answers = [
        torch.cat((means[place], maxima[place]), dim=1) @ layer[0].to(pooled.device).T + layer[1].to(pooled.device)
        for place, layer in enumerate(layers)
        if layer is not None
    ]
    return torch.stack([answer.sigmoid() for answer in answers]).mean(dim=0)
