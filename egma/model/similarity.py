"""How alike films and reports are, patch by sentence, and the contrastive loss on it (EGMA, arXiv 2403.12416).

Symbols: B studies, N image patches, M sentences (padded), D dimensions, `scale` = exp(t) > 0. Patches float (B, N, D)
and sentences float (B, M, D) are unit-norm; sentence_mask bool (B, M) is True where a sentence is real. What stands
in padding (zeros, garbage, NaN) reaches neither a value nor a gradient. float16 and bfloat16 are computed in float32,
inside autocast too; float64 stays float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

Scale = float | Tensor

_Inputs = ParamSpec("_Inputs")
_Result = TypeVar("_Result")


def full_precision(loss: Callable[_Inputs, _Result]) -> Callable[_Inputs, _Result]:
    """A loss that computes in float32 at least, whatever precision its tensors or an autocast region ask for."""

    @wraps(loss)
    def run(*args: _Inputs.args, **kwargs: _Inputs.kwargs) -> _Result:
        device = next(value.device.type for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            wide = (_widen(value) for value in args)
            return loss(*wide, **{name: _widen(value) for name, value in kwargs.items()})  # type: ignore[arg-type]

    return run


def _widen(value: object) -> object:
    narrow = isinstance(value, Tensor) and value.is_floating_point() and value.element_size() < 4
    return value.float() if narrow else value  # type: ignore[union-attr]


@dataclass(frozen=True, eq=False)
class BatchCosines:
    """Cosine of every real sentence of the batch with every patch of the batch, padding left out.

    Attributes:
        values: (K, B, N), K the number of real sentences in the order of the mask.
        mask: bool (B, M), which sentences are real.
    """

    values: Tensor
    mask: Tensor

    def padded(self) -> Tensor:
        """(B text, M, B image, N), -inf in padded rows."""
        texts, count = self.mask.shape
        room = self.values.new_full((texts * count, *self.values.shape[1:]), -torch.inf)
        return room.index_copy(0, real_rows(self.mask), self.values).unflatten(0, (texts, count))

    def own(self) -> Tensor:
        """Each study's sentences with its own patches: (B, M, N), 0 in padded rows."""
        rows = real_rows(self.mask)
        count = self.mask.shape[1]
        pairs = self.values[torch.arange(len(rows), device=rows.device), rows // count]
        room = self.values.new_zeros(self.mask.numel(), self.values.shape[2])
        return room.index_copy(0, rows, pairs).unflatten(0, self.mask.shape)


@full_precision
def instance_similarity(
    patches: Tensor, sentences: Tensor, sentence_mask: Tensor, scale: Scale
) -> tuple[Tensor, Tensor]:
    """Late-interaction similarity of every film with every report of the batch.

        I2T[i, j] = mean over n of        max over valid m of  scale * <p_in, s_jm>
        T2I[i, j] = mean over valid m of  max over n of        scale * <p_in, s_jm>

    The released code lets zero padding enter the max of I2T; here padding is -inf before the max and out of the mean.

    Memory: K * B * N cosines of the K real sentences, and the same padded to B * M (15 MB in float32 at B = 40,
    N = 196, M = 12), with gradients of the same sizes.

    Args:
        patches: (B, N, D).
        sentences: (B, M, D).
        sentence_mask: bool (B, M).
        scale: exp(t), a number or a tensor of one element; a tensor gets its gradient.

    Returns:
        (i2t, t2i), both (B, B) and indexed [image, text]. The column of a report without a sentence is -inf in both:
        `contrastive_loss` leaves it out.
    """
    check_batch(patches, sentences, sentence_mask)
    return score_instances(batch_cosines(patches, sentences, sentence_mask), scale)


def batch_cosines(patches: Tensor, sentences: Tensor, sentence_mask: Tensor) -> BatchCosines:
    """One matrix product for the whole batch, over real sentences only."""
    mask = sentence_mask.bool()
    packed = sentences.flatten(0, 1)[real_rows(mask)]
    return BatchCosines((packed @ patches.flatten(0, 1).T).unflatten(1, patches.shape[:2]), mask)


def score_instances(cosines: BatchCosines, scale: Scale) -> tuple[Tensor, Tensor]:
    """`instance_similarity` of cosines at hand."""
    mask = cosines.mask
    count, empty = mask.sum(dim=1), ~mask.any(dim=1)
    i2t = cosines.padded().amax(dim=1).masked_fill(empty[:, None, None], 0.0).mean(dim=2).T
    best = cosines.values.amax(dim=2)
    summed = best.new_zeros(len(mask), best.shape[1]).index_add(0, real_rows(mask) // mask.shape[1], best)
    t2i = (summed / count.clamp(min=1)[:, None]).T
    # -inf goes in after the scale: 0 * -inf would make the scale's gradient NaN.
    return (i2t * scale).masked_fill(empty, -torch.inf), (t2i * scale).masked_fill(empty, -torch.inf)


@full_precision
def contrastive_loss(i2t: Tensor, t2i: Tensor) -> Tensor:
    """L_con: each film finds its report among the reports, each report its film among the films.

        1/2 * (cross_entropy over j of I2T[i, :] towards i  +  cross_entropy over i of T2I[:, j] towards j)

    T2I is normalised over films; the released code normalises it over texts. A report without a sentence (column of
    -inf) is no candidate and asks nothing, and its film stays a candidate for the others. Means run over the reports
    that have a sentence; 0, with a graph, when none has.

    Args:
        i2t: (B, B), indexed [image, text].
        t2i: (B, B), indexed [image, text].

    Returns:
        A scalar.
    """
    if i2t.shape != t2i.shape or i2t.ndim != 2 or i2t.shape[0] != i2t.shape[1]:
        raise ValueError(f"i2t and t2i must both be (B, B): got {tuple(i2t.shape)} and {tuple(t2i.shape)}")
    asked = ~(torch.isneginf(i2t.diagonal()) | torch.isneginf(t2i.diagonal()))
    i2t, t2i = (matrix.masked_fill(~asked, lowest(matrix)) for matrix in (i2t, t2i))
    towards_text = i2t.logsumexp(dim=1) - i2t.diagonal()
    towards_image = t2i.logsumexp(dim=0) - t2i.diagonal()
    return (mean_over(towards_text, asked) + mean_over(towards_image, asked)) / 2


def paired_cosines(patches: Tensor, sentences: Tensor, sentence_mask: Tensor) -> Tensor:
    """<s_im, p_in> within each study: (B, M, N), 0 in padded rows."""
    return clear_padding(sentences, sentence_mask) @ patches.transpose(1, 2)


def real_rows(sentence_mask: Tensor) -> Tensor:
    """Positions of the real sentences in the flattened (B * M) order: int64 (K,)."""
    return sentence_mask.flatten().nonzero().squeeze(1)


def clear_padding(sentences: Tensor, sentence_mask: Tensor) -> Tensor:
    """Sentences with zeros where the mask is False: NaN there would survive a product with 0."""
    return sentences.masked_fill(~sentence_mask[:, :, None], 0.0)


def mean_over(values: Tensor, keep: Tensor, dim: int | None = None) -> Tensor:
    """Mean of the values to keep, over one axis or all; 0, with a graph, where there is none. `keep` broadcasts."""
    keep = keep.expand_as(values)
    return values.masked_fill(~keep, 0.0).sum(dim) / keep.sum(dim).clamp(min=1)


def lowest(values: Tensor) -> float:
    """A finite stand-in for -inf: a row filled with it keeps a finite logsumexp, hence a finite gradient."""
    return torch.finfo(values.dtype).min


def check_batch(patches: Tensor, sentences: Tensor, sentence_mask: Tensor) -> None:
    """Refuse shapes that would broadcast into a wrong loss.

    Raises:
        ValueError: the three do not belong to one batch.
    """
    fits = patches.ndim == 3 and sentences.ndim == 3 and patches.shape[::2] == sentences.shape[::2]
    if not fits or sentence_mask.shape != sentences.shape[:2]:
        got = ", ".join(str(tuple(value.shape)) for value in (patches, sentences, sentence_mask))
        raise ValueError(f"patches, sentences and sentence_mask must be (B, N, D), (B, M, D) and (B, M): got {got}")
