"""What a radiologist's gaze says of sentences and patches, and the loss that aligns them: EGF (arXiv 2403.12416).

Symbols and precision as in `egma.model.similarity`. Gaze maps are (B, M, N): a row is one sentence's heat over the
patches, row by row from the top. `has_gaze` says who was recorded: bool (B,) for whole studies, in which every
sentence of a recorded study counts as recorded, or bool (B, M) for single sentences. A sentence marked unrecorded in
(B, M) has no gaze, whatever its row holds; the released code lets it inherit the whole recording's map.
"""

from __future__ import annotations

import torch
from torch import Tensor

from egma.model.similarity import Scale, check_batch, full_precision, mean_over, paired_cosines

# Half the peak: the contour at full width, half maximum of a fixation's Gaussian. 0 reproduces the released code.
GAZE_LABEL_THRESHOLD = 0.5

# As published: share of the sentences' rows in L_EGF.
ALIGNMENT_TEXT_WEIGHT = 0.8


def binarise_gaze(heat: Tensor, threshold: float = GAZE_LABEL_THRESHOLD) -> Tensor:
    """Which patches a sentence's gaze covers.

    Args:
        heat: (..., M, N), not negative, in any unit: each row is compared with its own peak.
        threshold: share of the row's peak in [0, 1] that a patch must reach; at 0 every patch with any heat counts.

    Returns:
        bool (..., M, N). A row without heat has no patch.

    Raises:
        ValueError: the threshold is outside [0, 1].
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"the gaze threshold is a share of the peak in [0, 1]: got {threshold}")
    return (heat >= threshold * heat.amax(dim=-1, keepdim=True)) & (heat > 0)


@full_precision
def gaze_alignment_loss(
    patches: Tensor,
    sentences: Tensor,
    sentence_mask: Tensor,
    gaze_labels: Tensor,
    has_gaze: Tensor,
    scale: Scale,
    text_weight: float = ALIGNMENT_TEXT_WEIGHT,
) -> Tensor:
    """L_EGF: a sentence is near the patches its gaze covers and far from the others, and a patch likewise.

        row(s, y) = log(1 + sum over y=0 of exp(s)) + log(1 + sum over y=1 of exp(-s))
        L[i] = text_weight * mean over m of row(S[m, :], G[m, :])
               + (1 - text_weight) * mean over n of row(S[:, n], G[:, n])

    The means and the sums of the patch side run over the study's recorded sentences; the result is the mean over the
    studies that have one. A recorded sentence without a covered patch repels all patches.

    Args:
        patches: (B, N, D).
        sentences: (B, M, D).
        sentence_mask: bool (B, M).
        gaze_labels: (B, M, N) in {0, 1}, bool or number, as `binarise_gaze` gives them.
        has_gaze: bool (B,) or (B, M).
        scale: exp(t), a number or a tensor.
        text_weight: share of the sentences' rows.

    Returns:
        A scalar; exactly 0, with a graph, when nothing was recorded.
    """
    check_batch(patches, sentences, sentence_mask)
    check_gaze(gaze_labels, patches, sentences)
    recorded = recorded_sentences(has_gaze, sentence_mask)
    return align_gaze(paired_cosines(patches, sentences, recorded), gaze_labels, recorded, scale, text_weight)


def align_gaze(
    cosine: Tensor, gaze_labels: Tensor, recorded: Tensor, scale: Scale, text_weight: float = ALIGNMENT_TEXT_WEIGHT
) -> Tensor:
    """`gaze_alignment_loss` of cosines (B, M, N) at hand; recorded: bool (B, M)."""
    scores, covered, keep = cosine * scale, gaze_labels > 0.5, recorded[:, :, None]
    # -inf is safe here: every row has the appended 0 to compare with.
    attract = (-scores).masked_fill(~(covered & keep), -torch.inf)
    repel = scores.masked_fill(covered | ~keep, -torch.inf)
    by_sentence = mean_over(_log_one_plus(repel, 2) + _log_one_plus(attract, 2), recorded, dim=1)
    by_patch = (_log_one_plus(repel, 1) + _log_one_plus(attract, 1)).mean(dim=1)
    return mean_over(text_weight * by_sentence + (1 - text_weight) * by_patch, recorded.any(dim=1))


def _log_one_plus(scores: Tensor, dim: int) -> Tensor:
    """log(1 + sum of exp(scores)) over one axis: a logsumexp with a 0 appended."""
    return torch.cat([scores, torch.zeros_like(scores.narrow(dim, 0, 1))], dim=dim).logsumexp(dim=dim)


def recorded_sentences(has_gaze: Tensor, sentence_mask: Tensor) -> Tensor:
    """Which real sentences have gaze, bool (B, M), of a has_gaze per study (B,) or per sentence (B, M).

    Raises:
        ValueError: has_gaze has neither shape.
    """
    if has_gaze.shape not in (sentence_mask.shape, sentence_mask.shape[:1]):
        wanted, got = tuple(sentence_mask.shape), tuple(has_gaze.shape)
        raise ValueError(f"has_gaze must be ({wanted[0]},) or {wanted}: got {got}")
    recorded = has_gaze.bool()
    return sentence_mask.bool() & (recorded if recorded.ndim == 2 else recorded[:, None])


def check_gaze(gaze: Tensor, patches: Tensor, sentences: Tensor) -> None:
    wanted = (*sentences.shape[:2], patches.shape[1])
    if gaze.shape != wanted:
        raise ValueError(f"gaze must be one row of patches a sentence, {tuple(wanted)}: got {tuple(gaze.shape)}")
