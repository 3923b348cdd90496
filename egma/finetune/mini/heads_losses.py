"""The terms of the heads' training; `egma.finetune.mini.heads` says what each is for."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from egma.finetune.mini.heads_data import Batch, PhantomBatch
from egma.model.egma import EgmaModel
from egma.model.heads import unit
from egma.model.losses import (
    binarise_gaze,
    contrastive_loss,
    gaze_alignment_loss,
    gaze_mapping_loss,
    instance_similarity,
    label_alignment_loss,
)
from egma.model.outputs import ImageOutput

BEST_PATCHES = 0.04
"""Share of a film's patches whose mean is its score: small findings cover about that much."""

_SMOOTHING = 0.04
_ABSENT = -0.2
"""What a finding that the film does not have counts in label vectors: most of the fifteen are absent from any film."""
_PHANTOM_SHARE = 0.3


class ScoreScales(nn.Module):
    """Scale and bias that turn cosine differences into logits while training; the checkpoint is calibrated afterwards.

    Four scores: of films and phantoms, each by their vector and by their best patches (plus the patches' nearness to
    positive sentences alone).
    """

    def __init__(self, prior: Tensor) -> None:
        super().__init__()
        start = torch.logit(prior.clamp(0.01, 0.9))
        self.log_scale = nn.Parameter(torch.full((6,), 2.0))
        self.bias = nn.Parameter(start.repeat(6, 1))

    def forward(self, which: int, scores: Tensor) -> Tensor:
        """Logits of scores (B, 15)."""
        return scores * self.log_scale[which].exp() + self.bias[which]


def step_losses(
    model: EgmaModel, scales: ScoreScales, batch: Batch, soft_share: float, axes: Tensor | None = None
) -> dict[str, Tensor]:
    """Every term by name, not weighted.

    Args:
        model, scales, batch: what is trained, and the step's films and sentences.
        soft_share: of the trunks' answers in what films are taught; the labels have the rest.
        axes: (15, D), each finding's axis of the films' vectors, where these are fixed.
    """
    films, phantoms = model.heads(batch.films), model.heads(batch.phantoms.features)
    positive, negative = (unit(side) for side in model.project_text(batch.pairs).mean(dim=2))
    difference = positive - negative
    wanted = soft_share * batch.soft + (1 - soft_share) * batch.present
    pair, patch = _score_terms(films, difference, positive, scales, wanted, batch.known, first=0)
    everything = torch.ones_like(batch.phantoms.present)
    own = _score_terms(phantoms, difference, positive, scales, batch.phantoms.present, everything, first=3)
    return {
        "pair": pair + _PHANTOM_SHARE * own[0],
        "patch": patch + _PHANTOM_SHARE * own[1],
        "label": label_alignment_loss(
            films.globals,
            model.project_text(batch.sentences),
            torch.where(batch.present > 0, 1.0, _ABSENT) * batch.known,
            batch.labels,
            model.scale,
        ),
        "axis": films.globals.sum() * 0.0 if axes is None else (1 - (unit(difference) * axes).sum(dim=1)).mean(),
        "side": _side_term(model, films, batch),
        "level": (_level(films, positive) + _level(phantoms, positive)) / 2,
        **_gaze_terms(model, phantoms, batch.phantoms),
    }


def best_patches(scores: Tensor) -> Tensor:
    """Mean over the best patches of (B, N, K): (B, K)."""
    count = max(1, round(BEST_PATCHES * scores.shape[1]))
    return scores.topk(count, dim=1).values.mean(dim=1)


def _score_terms(
    images: ImageOutput,
    difference: Tensor,
    positive: Tensor,
    scales: ScoreScales,
    present: Tensor,
    known: Tensor,
    first: int,
) -> tuple[Tensor, Tensor]:
    patches = images.grids[0].flatten(1, 2)
    pair = _cross_entropy(scales(first, images.globals @ difference.T), present, known)
    apart = _cross_entropy(scales(first + 1, best_patches(patches @ difference.T)), present, known)
    near = _cross_entropy(scales(first + 2, best_patches(patches @ positive.T)), present, known)
    return pair, (apart + near) / 2


def _level(images: ImageOutput, positive: Tensor) -> Tensor:
    """Mean square of what each film's patches answer on average to each finding's sentences; a normal film's apart."""
    patches = images.grids[0].flatten(1, 2)
    return (patches.mean(dim=1) @ positive[1:].T).square().mean()


def _cross_entropy(logits: Tensor, present: Tensor, known: Tensor) -> Tensor:
    wanted = present * (1 - _SMOOTHING) + _SMOOTHING / 2
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def _side_term(model: EgmaModel, films: ImageOutput, batch: Batch) -> Tensor:
    """Inside its place a placed phrase is what the plain one is, outside nothing: mean of squared gaps."""
    if not bool(batch.placed_mask.any()):
        return films.globals.sum() * 0.0
    patches = films.grids[0].flatten(1, 2)
    placed = torch.einsum("bnd,bd->bn", patches, model.project_text(batch.placed))
    plain = torch.einsum("bnd,bd->bn", patches, model.project_text(batch.plain)).detach()
    gaps = torch.where(batch.inside, placed - plain, placed.clamp(min=0.0))
    return gaps.square()[batch.placed_mask].mean() * 10


def _gaze_terms(model: EgmaModel, phantoms: ImageOutput, batch: PhantomBatch) -> dict[str, Tensor]:
    """Contrastive, EGF and EGM on phantoms. Where gaze is shown, untrue sentences repel all of a phantom's patches."""
    patches = phantoms.grids[0].flatten(1, 2)
    own, wrong = model.project_text(batch.own), model.project_text(batch.wrong)
    sentences, mask = torch.cat((own, wrong), dim=1), torch.cat((batch.own_mask, batch.wrong_mask), dim=1)
    covered = F.pad(binarise_gaze(batch.gaze), (0, 0, 0, wrong.shape[1]))
    gazed = torch.cat((batch.gazed, batch.wrong_mask & batch.shown[:, None]), dim=1)
    return {
        "con": contrastive_loss(*instance_similarity(patches, own, batch.own_mask, model.scale)),
        "egf": gaze_alignment_loss(patches, sentences, mask, covered, gazed, model.scale),
        "egm": gaze_mapping_loss(patches, own, batch.own_mask, batch.gaze, batch.gazed, model.scale),
    }
