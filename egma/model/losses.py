"""The losses of EGMA (arXiv 2403.12416) and of MedCLIP's label alignment, under one name, and their weighted total."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from egma.model.gaze_alignment import (
    GAZE_LABEL_THRESHOLD,
    align_gaze,
    binarise_gaze,
    check_gaze,
    gaze_alignment_loss,
    recorded_sentences,
)
from egma.model.gaze_mapping import GazedCosines, gaze_mapping, gaze_mapping_loss, map_gaze
from egma.model.label_losses import label_alignment_loss
from egma.model.similarity import (
    Scale,
    batch_cosines,
    check_batch,
    contrastive_loss,
    full_precision,
    instance_similarity,
    score_instances,
)

__all__ = [
    "GAZE_LABEL_THRESHOLD",
    "LossTerms",
    "LossWeights",
    "binarise_gaze",
    "contrastive_loss",
    "egma_loss",
    "gaze_alignment_loss",
    "gaze_mapping",
    "gaze_mapping_loss",
    "instance_similarity",
    "label_alignment_loss",
]


@dataclass(frozen=True)
class LossWeights:
    """What each term counts in the total; all 1 in the method."""

    contrastive: float = 1.0
    gaze_alignment: float = 1.0
    gaze_mapping: float = 1.0


@dataclass(frozen=True, eq=False)
class LossTerms:
    """One step's losses, scalars with a graph.

    Attributes:
        contrastive: L_con, not weighted.
        gaze_alignment: L_EGF, not weighted.
        gaze_mapping: L_EGM, not weighted.
        total: the weighted sum.
    """

    contrastive: Tensor
    gaze_alignment: Tensor
    gaze_mapping: Tensor
    total: Tensor


@full_precision
def egma_loss(
    patches: Tensor,
    sentences: Tensor,
    sentence_mask: Tensor,
    gaze: Tensor,
    has_gaze: Tensor,
    scale: Scale,
    weights: LossWeights | None = None,
    label_threshold: float = GAZE_LABEL_THRESHOLD,
) -> LossTerms:
    """L = L_con + L_EGF + L_EGM of one batch, each with its weight.

    Equal to the three losses called one by one, from one matrix product instead of three.
    The loss is over the batch it is given: on several processes gather the embeddings with gradient first.

    Args:
        patches: (B, N, D), unit norm.
        sentences: (B, M, D), unit norm.
        sentence_mask: bool (B, M).
        gaze: (B, M, N) heat in [0, 1]; L_EGF's labels are made of it by `binarise_gaze`.
        has_gaze: bool (B,) or (B, M).
        scale: exp(t), a number or a tensor.
        weights: of the three terms; None for 1 each.
        label_threshold: share of a sentence's peak heat from which a patch is covered.

    Returns:
        The terms and their weighted sum.
    """
    check_batch(patches, sentences, sentence_mask)
    check_gaze(gaze, patches, sentences)
    weights = weights or LossWeights()
    cosines = batch_cosines(patches, sentences, sentence_mask)
    seen = GazedCosines(cosines.own(), gaze, cosines.mask, recorded_sentences(has_gaze, sentence_mask))
    contrastive = contrastive_loss(*score_instances(cosines, scale))
    alignment = align_gaze(seen.cosine, binarise_gaze(gaze, label_threshold), seen.recorded, scale)
    mapping = map_gaze(patches, sentences, seen, scale)
    total = weights.contrastive * contrastive + weights.gaze_alignment * alignment + weights.gaze_mapping * mapping
    return LossTerms(contrastive, alignment, mapping, total)
