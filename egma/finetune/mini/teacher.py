"""What the trunks' own layers say of every cached film: soft answers that the prompts' scores learn beside the labels.

Labels of chest films are noisy and few; the mean answer of several trunks, each of which learned with mixup, errs less
than a label does. The layers are dropped afterwards: the checkpoint is asked in words.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def _answer(pooled: Tensor, layers: Sequence[Layer | None]) -> Tensor:
    """(B, 15) of pooled features (B, 2 G C): all trunks' means, then all trunks' maxima."""
    means, maxima = (half.chunk(len(layers), dim=1) for half in pooled.chunk(2, dim=1))
    answers = [
        torch.cat((means[place], maxima[place]), dim=1) @ layer[0].to(pooled.device).T + layer[1].to(pooled.device)
        for place, layer in enumerate(layers)
        if layer is not None
    ]
    return torch.stack([answer.sigmoid() for answer in answers]).mean(dim=0)
