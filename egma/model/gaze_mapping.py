"""Sentences rebuilt from patches and patches from sentences, under gaze, and the loss on it: EGM (arXiv 2403.12416).

Symbols and precision as in `egma.model.similarity`, gaze as in `egma.model.gaze_alignment`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from egma.model.gaze_alignment import check_gaze, recorded_sentences
from egma.model.similarity import Scale, check_batch, clear_padding, full_precision, lowest, mean_over, paired_cosines

# As published: thresholds of the mapping's weights, and what every weight gets on top.
TAU_WITH_GAZE = 3 / 7
TAU_WITHOUT_GAZE = 2 / 7
WEIGHT_FLOOR = 0.01

# As published: share of L_text in L_EGM.
MAPPING_TEXT_WEIGHT = 0.3

# A row whose cosines differ by less is rounding, not structure, and scales to 0 as a constant row does.
_FLAT_ULPS = 8


@dataclass(frozen=True, eq=False)
class GazedCosines:
    """What a batch's weights are made of.

    Attributes:
        cosine: (B, M, N), each study's sentences with its own patches, 0 in padded rows.
        gaze: (B, M, N) heat in [0, 1].
        mask: bool (B, M), which sentences are real.
        recorded: bool (B, M), which real sentences have gaze.
    """

    cosine: Tensor
    gaze: Tensor
    mask: Tensor
    recorded: Tensor


@full_precision
def gaze_mapping(
    patches: Tensor, sentences: Tensor, gaze: Tensor | None = None, threshold: float | None = None
) -> tuple[Tensor, Tensor]:
    """One study's sentences rebuilt from its patches, and its patches from its sentences.

        A = <s_m, p_n>, each row scaled to [0, 1] over patches (a constant row to 0)
        W = (A + gaze) / 2, or A without gaze; entries below the threshold become 0; + 0.01; rows normalised to sum 1
        text_from_patches[m] = sum over n of W[m, n] * p_n

    and the mirror image, A' scaled over sentences, for `patches_from_text`. The released code has A' + gaze' / 2 there,
    a slip of precedence. The sums are as written: not brought back to unit norm.

    Args:
        patches: (N, D).
        sentences: (M, D), M at least 1, none of them padding.
        gaze: (M, N) heat in [0, 1], or None.
        threshold: weights below it become 0, one equal to it stays; None for 3/7 with gaze, 2/7 without.

    Returns:
        text_from_patches (M, D) and patches_from_text (N, D); with one sentence the latter are the patches themselves.
    """
    if patches.ndim != 2 or sentences.ndim != 2 or not len(sentences):
        got = f"{tuple(patches.shape)} and {tuple(sentences.shape)}"
        raise ValueError(f"patches and sentences of one study must be (N, D) and (M, D), M at least 1: got {got}")
    batch_patches, batch_sentences = patches[None], sentences[None]
    mask = torch.ones(1, len(sentences), dtype=torch.bool, device=patches.device)
    heat = sentences.new_zeros(1, len(sentences), len(patches)) if gaze is None else gaze[None]
    check_gaze(heat, batch_patches, batch_sentences)
    recorded = mask if gaze is not None else ~mask
    seen = GazedCosines(paired_cosines(batch_patches, batch_sentences, mask), heat, mask, recorded)
    to_text, to_patches = _mapping_weights(seen, threshold)
    if len(sentences) == 1:
        return to_text[0] @ patches, patches
    return to_text[0] @ patches, to_patches[0].T @ sentences


@full_precision
def gaze_mapping_loss(
    patches: Tensor,
    sentences: Tensor,
    sentence_mask: Tensor,
    gaze: Tensor,
    has_gaze: Tensor,
    scale: Scale,
    text_weight: float = MAPPING_TEXT_WEIGHT,
) -> Tensor:
    """L_EGM: what `gaze_mapping` rebuilds must be found again among the study's own sentences and patches.

        L_text = symmetric InfoNCE(text_from_patches, s) over valid sentences;
                 with one sentence |text_from_patches - s|^2
        L_img  = symmetric InfoNCE(patches_from_text, p) over patches; with one sentence 0
        L[i] = text_weight * L_text + (1 - text_weight) * L_img

    averaged over the studies that have a sentence. Symmetric: half the cross-entropy of the rows and half of the
    columns of scale * <rebuilt, original>. A sentence without gaze takes its similarity-only form (W = A, 2/7).
    Gradients run through the weights too.

    The rebuilt vectors are never formed: <text_from_patches, s> = W C^T and <patches_from_text, p> = W'^T C with the
    study's cosines C, a product over M or N where the vectors would cost one over D. Memory: B * N * N values.

    Args:
        patches: (B, N, D).
        sentences: (B, M, D).
        sentence_mask: bool (B, M).
        gaze: (B, M, N) heat in [0, 1].
        has_gaze: bool (B,) or (B, M).
        scale: exp(t), a number or a tensor.
        text_weight: share of L_text.

    Returns:
        A scalar; 0, with a graph, when no study has a sentence.
    """
    check_batch(patches, sentences, sentence_mask)
    check_gaze(gaze, patches, sentences)
    mask = sentence_mask.bool()
    cosine = paired_cosines(patches, sentences, mask)
    seen = GazedCosines(cosine, gaze, mask, recorded_sentences(has_gaze, mask))
    return map_gaze(patches, sentences, seen, scale, text_weight)


def map_gaze(
    patches: Tensor, sentences: Tensor, seen: GazedCosines, scale: Scale, text_weight: float = MAPPING_TEXT_WEIGHT
) -> Tensor:
    """`gaze_mapping_loss` of cosines at hand."""
    count = seen.mask.sum(dim=1)
    to_text, to_patches = _mapping_weights(seen)
    text = _symmetric_info_nce(to_text @ seen.cosine.transpose(1, 2) * scale, seen.mask)
    image = _symmetric_info_nce(to_patches.transpose(1, 2) @ seen.cosine * scale).masked_fill(count < 2, 0.0)
    text = torch.where(count == 1, _squared_error(patches, sentences, seen.mask, to_text), text)
    return mean_over(text_weight * text + (1 - text_weight) * image, count > 0)


def _mapping_weights(seen: GazedCosines, threshold: float | None = None) -> tuple[Tensor, Tensor]:
    """W summing to 1 over patches, and W' over valid sentences; both (B, M, N), W' 0 in padded rows."""
    cosine, recorded, keep = seen.cosine, seen.recorded[:, :, None], seen.mask[:, :, None].expand_as(seen.cosine)
    heat = seen.gaze.to(cosine.dtype).masked_fill(~recorded, 0.0)
    tau = _default_tau(recorded, cosine) if threshold is None else threshold

    def weigh(similarity: Tensor) -> Tensor:
        mixed = torch.where(recorded, (similarity + heat) / 2, similarity)
        return mixed.masked_fill(mixed < tau, 0.0) + WEIGHT_FLOOR

    to_text = weigh(_scale_to_unit(cosine, torch.ones_like(keep), dim=2))
    to_patches = weigh(_scale_to_unit(cosine, keep, dim=1)).masked_fill(~keep, 0.0)
    # The floor keeps every real sum above 0; the clamp only serves studies without a sentence.
    return (
        to_text / to_text.sum(dim=2, keepdim=True),
        to_patches / to_patches.sum(dim=1, keepdim=True).clamp(min=WEIGHT_FLOOR),
    )


def _default_tau(recorded: Tensor, like: Tensor) -> Tensor:
    return like.new_full(recorded.shape, TAU_WITHOUT_GAZE).masked_fill(recorded, TAU_WITH_GAZE)


def _scale_to_unit(values: Tensor, keep: Tensor, dim: int) -> Tensor:
    """Min-max scaling to [0, 1] over the values to keep; 0 elsewhere and where all values are alike."""
    low = values.masked_fill(~keep, torch.inf).amin(dim=dim, keepdim=True)
    high = values.masked_fill(~keep, -torch.inf).amax(dim=dim, keepdim=True)
    span = high - low
    flat = ~(span > _FLAT_ULPS * torch.finfo(values.dtype).eps)
    # Divide by 1 and take off 0 in a flat row: a quotient that is masked afterwards must still have a finite gradient.
    scaled = (values - low.masked_fill(flat, 0.0)) / span.masked_fill(flat, 1.0)
    return scaled.masked_fill(flat | ~keep, 0.0)


def _symmetric_info_nce(logits: Tensor, keep: Tensor | None = None) -> Tensor:
    """Half the cross-entropy of rows and half of columns, towards the diagonal, of items to keep: (B, K, K) -> (B,)."""
    rows = columns = logits
    if keep is not None:
        rows = logits.masked_fill(~keep[:, None, :], lowest(logits))
        columns = logits.masked_fill(~keep[:, :, None], lowest(logits))
    loss = (rows.logsumexp(dim=2) + columns.logsumexp(dim=1)) / 2 - logits.diagonal(dim1=1, dim2=2)
    return loss.mean(dim=1) if keep is None else mean_over(loss, keep, dim=1)


def _squared_error(patches: Tensor, sentences: Tensor, mask: Tensor, to_text: Tensor) -> Tensor:
    """|text_from_patches - s|^2 of the studies with one sentence, (B,); 0 for the others."""
    study, sentence = (mask & (mask.sum(dim=1, keepdim=True) == 1)).nonzero(as_tuple=True)
    if not len(study):
        return patches.new_zeros(len(patches))
    rebuilt = (to_text[study, sentence][:, None, :] @ patches[study]).squeeze(1)
    error = (rebuilt - clear_padding(sentences, mask)[study, sentence]).square().sum(dim=1)
    return patches.new_zeros(len(patches)).index_put((study,), error)
