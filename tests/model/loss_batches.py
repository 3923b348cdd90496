"""Small seeded batches for the losses: as padded tensors, and study by study without padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.model.loss_reference import PlainStudy


@dataclass(frozen=True, eq=False)
class LossBatch:
    """patches (B, N, D), sentences (B, M, D), mask (B, M), gaze and labels (B, M, N), has_gaze (B,); float64."""

    patches: Tensor
    sentences: Tensor
    mask: Tensor
    gaze: Tensor
    labels: Tensor
    has_gaze: Tensor

    def studies(self) -> list[PlainStudy]:
        """The same studies without their padding."""
        return [
            PlainStudy(
                self.patches[i].detach().numpy(),
                self.sentences[i, keep].detach().numpy(),
                self.gaze[i, keep].numpy(),
                self.labels[i, keep].numpy(),
                bool(self.has_gaze[i]),
            )
            for i, keep in enumerate(self.mask)
        ]

    def losses(self, scale: float | Tensor = 7.0) -> tuple[Tensor, Tensor, Tensor]:
        """(L_con, L_EGF, L_EGM)."""
        from egma.model import losses

        shared = (self.patches, self.sentences, self.mask)
        return (
            losses.contrastive_loss(*losses.instance_similarity(*shared, scale)),
            losses.gaze_alignment_loss(*shared, self.labels, self.has_gaze, scale),
            losses.gaze_mapping_loss(*shared, self.gaze, self.has_gaze, scale),
        )


def build_batch(
    counts: tuple[int, ...],
    gazed: tuple[bool, ...],
    patches: int,
    width: int = 5,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> LossBatch:
    """A batch with `counts` sentences a study. Real sentences stand anywhere among the padding, which holds NaN."""
    generator = torch.Generator().manual_seed(seed)
    studies, texts = len(counts), max(counts)

    def draw(*shape: int) -> Tensor:
        return F.normalize(torch.randn(*shape, width, generator=generator, dtype=torch.float64), dim=-1)

    order = torch.rand(studies, texts, generator=generator).argsort(dim=1)
    mask = order < torch.tensor(counts)[:, None]
    sentences = draw(studies, texts).masked_fill(~mask[:, :, None], torch.nan)
    gaze = torch.rand(studies, texts, patches, generator=generator, dtype=torch.float64)
    return LossBatch(
        draw(studies, patches).to(dtype).requires_grad_(),
        sentences.to(dtype).requires_grad_(),
        mask,
        gaze,
        gaze > 0.5,
        torch.tensor(gazed),
    )
