"""The EGMA model: films and sentences in one space, a unit vector a film, a patch and a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from egma.config import ModelConfig
from egma.errors import CheckpointError
from egma.model.heads import build_heads, unit
from egma.model.outputs import ImageOutput, TokenBatch
from egma.model.text import pad_tokens
from egma.model.towers import ImageTower, TextTower

INITIAL_LOGIT_SCALE = math.log(1 / 0.07)
MAX_LOGIT_SCALE = math.log(100.0)


class MlpProjection(nn.Module):
    """A linear layer with a two-layer correction beside it that is zero at the start."""

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__()
        self.skip = nn.Linear(width, embed_dim, bias=False)
        self.hidden = nn.Linear(width, 2 * embed_dim)
        self.out = nn.Linear(2 * embed_dim, embed_dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(T, width) -> (T, D)."""
        return self.skip(features) + self.out(nn.functional.gelu(self.hidden(features)))


class EgmaModel(nn.Module):
    """Two towers, their heads and the temperature. Built by `egma.model.build`.

    Pixels go in as displayed, float (B, S, S) in [0, 1] with bone bright, S = `config.image.input_px`; the model
    repeats the channel and applies the tower's mean and std itself. Each step can be called alone, so that a training
    may keep frozen features: `image(normalize(pixels))` then `heads`, `text(tokens)` then `project_text`.

    Attributes:
        logit_scale: t, the log of the similarity's scale; `scale` gives exp(t) with t kept in [0, ln 100].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, image: ImageTower, text: TextTower) -> None:
        super().__init__()
        self.config = config
        self.image, self.text = image, text
        self.heads = build_heads(config.heads, image.channels, image.pooled_width, config.embed_dim)
        self.text_projection = _build_projection(config, text.width)
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))
        self.register_buffer("mean", torch.tensor(config.image.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.image.std).view(1, 3, 1, 1), persistent=False)

    @property
    def scale(self) -> Tensor:
        """exp(t), between 1 and 100."""
        return self.logit_scale.clamp(0.0, MAX_LOGIT_SCALE).exp()

    @property
    def drawn(self) -> int:
        """Index into `ImageOutput.grids` of the grid that maps are drawn from."""
        return self.config.heads.drawn

    def clamp_logit_scale(self) -> None:
        """Bring t itself back into [0, ln 100]; called after an optimiser's step."""
        with torch.no_grad():
            self.logit_scale.clamp_(0.0, MAX_LOGIT_SCALE)

    def normalize(self, pixels: Tensor) -> Tensor:
        """Pixels (B, S, S) in [0, 1] as the tower wants them: (B, 3, S, S), mean taken off, divided by std."""
        return (pixels.unsqueeze(1).expand(-1, 3, -1, -1) - self.mean) / self.std

    def embed_images(self, pixels: Tensor) -> ImageOutput:
        """Unit vectors of films (B, S, S) in [0, 1]."""
        return self.heads(self.image(self.normalize(pixels)))

    def tokenize(self, texts: Sequence[str]) -> TokenBatch:
        """Texts as one padded batch, on the model's device."""
        return pad_tokens(self.text.tokenize(texts), self.text.pad_id).to(self.logit_scale.device)

    def project_text(self, features: Tensor) -> Tensor:
        """Unit vectors (T, D) of text features (T, width)."""
        return unit(self.text_projection(features))

    def embed_tokens(self, batch: TokenBatch) -> Tensor:
        """Unit vectors (T, D) of tokenised texts."""
        return self.project_text(self.text(batch))

    def forward(self, pixels: Tensor, batch: TokenBatch) -> tuple[ImageOutput, Tensor]:
        """Films and sentences of one step: what the losses take."""
        return self.embed_images(pixels), self.embed_tokens(batch)


def _build_projection(config: ModelConfig, width: int) -> nn.Module:
    if config.text.projection == "mlp":
        return MlpProjection(width, config.embed_dim)
    if config.text.projection == "clip_mlp":
        hidden = (width + config.embed_dim) // 2
        return nn.Sequential(
            nn.Linear(width, hidden, bias=False), nn.GELU(), nn.Linear(hidden, config.embed_dim, bias=False)
        )
    if config.text.projection == "linear":
        return nn.Linear(width, config.embed_dim, bias=False)
    if width != config.embed_dim:
        raise CheckpointError(f"the text tower projects to {width}, config.json wants embed_dim {config.embed_dim}")
    return nn.Identity()
