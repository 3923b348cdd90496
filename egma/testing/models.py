"""A real engine with towers of a few thousand random numbers: no download, built in milliseconds.

It stands in for egma-mini in tests of everything that asks a model: the same findings, typed outputs and errors, a grid
of 16x16 patches, and answers that depend on film and words although they mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from egma.config import HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from egma.findings import build_findings
from egma.model.outputs import ImageFeatures, TokenBatch
from egma.model.towers import ImageTower, TextTower

if TYPE_CHECKING:
    from egma.inference.engine import Engine
    from egma.model.egma import EgmaModel

_INPUT_PX = 128
_WORDS = 512
_WIDTH = 16


class TinyImageTower(ImageTower):
    """Two grids from strided convolutions: 16x16x16 and 8x8x24 at 128 px."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.pooled_width = (16, 24), 24
        self.trunk = nn.ModuleList((nn.Conv2d(3, 16, 8, stride=8), nn.Conv2d(16, 24, 2, stride=2)))

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        fine = torch.tanh(self.trunk[0](pixels))
        coarse = torch.tanh(self.trunk[1](fine))
        return ImageFeatures((fine, coarse), coarse.mean(dim=(2, 3)))


class TinyTextTower(TextTower):
    """The mean of one random vector a word; words are told apart by a hash, case does not matter."""

    def __init__(self, max_tokens: int = 77) -> None:
        super().__init__()
        self.width = _WIDTH
        self.trunk = nn.Embedding(_WORDS, _WIDTH)
        self._max_tokens = max_tokens

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text: 1 stands before every text, words follow."""
        return [[1, *map(_word_id, re.findall(r"\w+|[^\w\s]", text.lower()))][: self._max_tokens] for text in texts]

    def forward(self, batch: TokenBatch) -> Tensor:
        """Mean word vector (T, width)."""
        weights = batch.mask.unsqueeze(-1).float()
        return (self.trunk(batch.ids) * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def build_tiny_config() -> ModelConfig:
    """The config of a tiny model: the fifteen findings, 128 px padded, 32 dimensions."""
    return ModelConfig(
        embed_dim=32,
        image=ImageTowerConfig(
            kind="tiny", name="tiny", input_px=_INPUT_PX, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)
        ),
        heads=HeadConfig(kind="pyramid", drawn=0, width=16),
        text=TextTowerConfig(kind="tiny", name="tiny"),
        display_range=(-0.5, 0.5),
        classify=build_findings(),
    )


def build_tiny_model(seed: int = 0, config: ModelConfig | None = None) -> EgmaModel:
    """A tiny model whose numbers depend on `seed` alone; torch's own random state is left as it was."""
    from egma.model.build import build_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(config or build_tiny_config())
    return model.eval().requires_grad_(False)


def tiny_engine(seed: int = 0) -> Engine:
    """A real `Engine` on a tiny model, its checkpoint named "tiny" and in no folder; equal seeds give equal hashes."""
    from dataclasses import replace

    from egma.checkpoints import Checkpoint
    from egma.inference.engine import Engine

    model = build_tiny_model(seed)
    config = replace(model.config, weights_sha256=_digest(model))
    return Engine(Checkpoint("tiny", None, config), model)


def _digest(model: nn.Module) -> str:
    digest = sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _word_id(word: str) -> int:
    return 2 + int.from_bytes(sha256(word.encode()).digest()[:4], "big") % (_WORDS - 2)
