"""How good heads are on validation films and fresh phantoms: what a training is stopped and chosen by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from egma.evaluation.metrics import macro_auroc
from egma.findings import FINDINGS
from egma.finetune.mini.features import FilmFeatures, embed_sentences
from egma.finetune.mini.phantoms import MOST_LESIONS
from egma.model.egma import EgmaModel
from egma.model.heads import unit

if TYPE_CHECKING:
    from egma.finetune.mini.heads_data import HeadsData, PhantomFeatures

PATCH_SHARES = (0.0, 0.25, 0.5)
LEAST_POSITIVES = 5
_POINTING_SHARE, _SIDE_SHARE = 0.2, 0.1
"""What pointing and telling sides count beside AUROC when the best moment of a training is chosen."""


@dataclass(frozen=True)
class Validation:
    """Figures on validation films and phantoms.

    Attributes:
        auroc: macro AUROC over findings with at least 5 positives, by prompts, at `patch_share`.
        patch_share: the share of the best patch that validates best.
        pointing: share of lesion sentences whose strongest patch lies in the lesion.
        side: share of sided lesion sentences that outscore themselves with left and right exchanged.
    """

    auroc: float
    patch_share: float
    pointing: float
    side: float

    @property
    def score(self) -> float:
        """What is maximised."""
        return self.auroc + _POINTING_SHARE * self.pointing + _SIDE_SHARE * self.side

    def __str__(self) -> str:
        return (
            f"validation AUROC {self.auroc:.4f} (patch share {self.patch_share}), "
            f"phantoms pointing {self.pointing:.3f}, side {self.side:.3f}"
        )


@dataclass(frozen=True, eq=False)
class FilmScores:
    """Cosine differences of F films, float32 (F, 15): by the film's vector and by its best patch."""

    film: NDArray[np.float32]
    patch: NDArray[np.float32]

    def mixed(self, share: float) -> NDArray[np.float32]:
        """As the engine mixes them."""
        return np.asarray((1 - share) * self.film + share * self.patch, np.float32)


@dataclass(frozen=True, eq=False)
class PromptFeatures:
    """Text-tower features of the config's prompts: one float32 (K, width) a finding, for and against it."""

    positive: tuple[NDArray[np.float32], ...]
    negative: tuple[NDArray[np.float32], ...]


def embed_prompts(model: EgmaModel) -> PromptFeatures:
    """Features of the config's own prompts; they never change while heads are trained."""
    classify = model.config.classify
    return PromptFeatures(
        tuple(embed_sentences(model, classify[finding].positive) for finding in FINDINGS),
        tuple(embed_sentences(model, classify[finding].negative) for finding in FINDINGS),
    )


def score_heads(model: EgmaModel, data: HeadsData) -> Validation:
    """Figures of the model's heads as they stand."""
    scores = score_films(model, data.validation.features, data.prompts)
    found = {
        share: macro_auroc(data.validation.present, scores.mixed(share), data.validation.known, LEAST_POSITIVES).value
        for share in PATCH_SHARES
    }
    best = max(found, key=lambda share: found[share] if np.isfinite(found[share]) else -1.0)
    pointing, side = score_phantoms(model, data.validation_phantoms)
    return Validation(float(np.nan_to_num(found[best])), best, pointing, side)


def score_films(model: EgmaModel, features: FilmFeatures, prompts: PromptFeatures) -> FilmScores:
    """Differences to the config's own prompts in the unchanged view."""
    difference = prompt_differences(model, prompts)
    film, patch = [], []
    for places in np.array_split(np.arange(len(features.fine[0])), max(1, len(features.fine[0]) // 32)):
        found = model.heads(features.pick(0, places, model.logit_scale.device))
        film.append((found.globals @ difference.T).cpu().numpy())
        patch.append((found.grids[0].flatten(1, 2) @ difference.T).amax(dim=1).cpu().numpy())
    return FilmScores(np.concatenate(film), np.concatenate(patch))


def score_phantoms(model: EgmaModel, phantoms: PhantomFeatures) -> tuple[float, float]:
    """(pointing, side) of `Validation`."""
    masks = phantoms.features.masks[0][:, :MOST_LESIONS].astype(np.float32)  # type: ignore[index]
    covered = masks.reshape(*masks.shape[:2], -1)
    inside, right_side = [], []
    for places in np.array_split(np.arange(len(covered)), max(1, len(covered) // 32)):
        grids = model.heads(phantoms.features.pick(0, places, model.logit_scale.device)).grids[0].flatten(1, 2)
        own = _cosines(model, grids, phantoms.own[places][:, :MOST_LESIONS])
        other = _cosines(model, grids, phantoms.swapped[places])
        peaks = np.take_along_axis(covered[places], own.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        inside.append((peaks >= 0.5)[phantoms.lesions[places]])
        right_side.append(
            (own.max(axis=2) > other.max(axis=2))[phantoms.swapped_mask[places] & phantoms.lesions[places]]
        )
    return _mean(inside), _mean(right_side)


def _cosines(model: EgmaModel, patches: Tensor, features: NDArray[np.float32]) -> NDArray[np.float32]:
    sentences = model.project_text(torch.from_numpy(features).to(patches.device))
    return (sentences @ patches.transpose(1, 2)).cpu().numpy()


def prompt_differences(model: EgmaModel, prompts: PromptFeatures) -> Tensor:
    """(15, D): mean direction of positive prompts minus that of negative ones, as the engine has it."""
    return prompt_positives(model, prompts) - _mean_directions(model, prompts.negative)


def prompt_positives(model: EgmaModel, prompts: PromptFeatures) -> Tensor:
    """(15, D): mean direction of each finding's positive prompts."""
    return _mean_directions(model, prompts.positive)


def _mean_directions(model: EgmaModel, features: tuple[NDArray[np.float32], ...]) -> Tensor:
    device = model.logit_scale.device
    return unit(torch.stack([model.project_text(torch.from_numpy(rows).to(device)).mean(dim=0) for rows in features]))


def _mean(parts: list[NDArray[np.bool_]]) -> float:
    values = np.concatenate(parts) if parts else np.zeros(0, bool)
    return float(values.mean()) if len(values) else 0.0
