"""The model as a training sees it: a batch in, the method's terms out, each on its own and weighted together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from egma.finetune.batches import Batch
from egma.finetune.settings import FinetuneSettings
from egma.model.egma import EgmaModel
from egma.model.losses import LossWeights, egma_loss, label_alignment_loss
from egma.model.outputs import ImageFeatures, ImageOutput, TokenBatch

TERMS = ("contrastive", "gaze_alignment", "gaze_mapping", "label_alignment")


@dataclass(frozen=True)
class TermWeights:
    """What each term counts, and the settings the terms have."""

    method: LossWeights
    label_alignment: float
    gaze_threshold: float
    grids: tuple[int, ...]


class Learner(nn.Module):
    """Wraps a model; `forward` is one pass of a step."""

    def __init__(self, model: EgmaModel, settings: FinetuneSettings) -> None:
        super().__init__()
        self.model = model
        self.weights = build_weights(settings, len(grid_sizes(model)))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The terms, not weighted, and "loss", their weighted sum: float32 scalars."""
        films = embed_films(self.model, batch.films)
        texts = embed_texts(self.model, batch.texts)
        sentences = texts[batch.rows]
        found = [self._grid_terms(films, sentences, batch, grid) for grid in self.weights.grids]
        terms = {name: torch.stack([each[name] for each in found]).mean() for name in TERMS[:3]}
        total = torch.stack([each["total"] for each in found]).mean()
        terms["label_alignment"] = self._align_labels(films, texts, batch)
        total = total + self.weights.label_alignment * terms["label_alignment"]
        return {**terms, "loss": total}

    def _grid_terms(self, films: ImageOutput, sentences: Tensor, batch: Batch, grid: int) -> dict[str, Tensor]:
        found = egma_loss(
            films.patches(grid),
            sentences,
            batch.mask,
            batch.gaze[grid],
            batch.has_gaze,
            self.model.scale,
            self.weights.method,
            self.weights.gaze_threshold,
        )
        return {
            "contrastive": found.contrastive,
            "gaze_alignment": found.gaze_alignment,
            "gaze_mapping": found.gaze_mapping,
            "total": found.total,
        }

    def _align_labels(self, films: ImageOutput, texts: Tensor, batch: Batch) -> Tensor:
        """Films that have any label with texts that say anything of a finding; 0 where either is missing."""
        spoken, labelled = batch.text_labels.any(dim=1), batch.film_labels.any(dim=1)
        if self.weights.label_alignment == 0 or not bool(spoken.any()) or not bool(labelled.any()):
            return films.globals.sum() * 0.0
        return label_alignment_loss(
            films.globals[labelled], texts[spoken], batch.film_labels[labelled], batch.text_labels[spoken],
            self.model.scale,
        )  # fmt: skip


def build_weights(settings: FinetuneSettings, grids: int) -> TermWeights:
    """Weights and grids as the settings have them, for a model with so many grids."""
    chosen = {"fine": (0,), "coarse": (grids - 1,), "both": tuple(range(grids))}[settings.grids]
    return TermWeights(
        LossWeights(settings.contrastive_weight, settings.gaze_alignment_weight, settings.gaze_mapping_weight),
        settings.label_alignment_weight,
        settings.gaze_threshold,
        chosen,
    )


def embed_films(model: EgmaModel, films: Tensor | ImageFeatures) -> ImageOutput:
    """Unit vectors of films from pixels, or from features of a frozen tower."""
    return model.heads(films) if isinstance(films, ImageFeatures) else model.embed_images(films)


def embed_texts(model: EgmaModel, texts: Tensor | TokenBatch) -> Tensor:
    """Unit vectors of sentences from tokens, or from features of a frozen tower."""
    return model.embed_tokens(texts) if isinstance(texts, TokenBatch) else model.project_text(texts)


def grid_sizes(model: EgmaModel) -> tuple[tuple[int, int], ...]:
    """Rows and columns of each grid, finest first, found by looking at a blank film."""
    side = model.config.image.input_px
    blank = torch.zeros((1, side, side), device=model.logit_scale.device)
    with torch.inference_mode():
        grids = model.embed_images(blank).grids
    return tuple((int(grid.shape[1]), int(grid.shape[2])) for grid in grids)
