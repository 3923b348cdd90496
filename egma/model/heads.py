"""Heads: trunk features in, unit vectors of the shared space out, one grid a stage and one vector a film."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from egma.config import HeadConfig
from egma.errors import CheckpointError
from egma.model.outputs import ImageFeatures, ImageOutput


class LinearHeads(nn.Module):
    """As published (EGMA, MedCLIP): a bias-free layer a stage, the coarsest one also for the pooled token."""

    def __init__(self, channels: tuple[int, ...], pooled_width: int, embed_dim: int) -> None:
        super().__init__()
        if pooled_width != channels[-1]:
            raise CheckpointError(
                f"linear heads share a layer between pooled token ({pooled_width}) and last stage ({channels[-1]})"
            )
        self.layers = nn.ModuleList(nn.Linear(width, embed_dim, bias=False) for width in channels)

    def forward(self, features: ImageFeatures) -> ImageOutput:
        """Unit vectors of the pooled token and of every stage."""
        grids = (layer(stage.permute(0, 2, 3, 1)) for layer, stage in zip(self.layers, features.stages))
        return ImageOutput(unit(self.layers[-1](features.pooled)), tuple(unit(grid) for grid in grids))


class PyramidHeads(nn.Module):
    """The fine grid sees what the coarse one knows: coarse features are upsampled and added before the last layers.

    Two grids, finest first: the trunk's finest stage and its coarsest. Both are told where each patch lies, without
    which "left" and "right" could hardly be learned. The film's vector comes from mean and maximum of the widened
    coarsest stage, which keeps small findings that a mean alone washes out; widening is laid out as EfficientNet's own
    last layer, so that a training may start from it. Trunks side by side are widened each by itself.
    """

    def __init__(self, channels: tuple[int, ...], embed_dim: int, width: int, groups: int = 1) -> None:
        super().__init__()
        if len(channels) != 2:
            raise CheckpointError(
                f"pyramid heads read exactly 2 stages, config.json's image.stages give {len(channels)}"
            )
        if channels[1] % groups:
            raise CheckpointError(f"config.json: heads.groups: {channels[1]} channels are not {groups} equal shares")
        self.fine_in = nn.Conv2d(channels[0], width, 1)
        self.coarse_in = nn.Conv2d(channels[1], width, 1)
        self.fine_norm, self.coarse_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.place = nn.Conv2d(2, width, 1, bias=False)
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.blend = nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU(), nn.Conv2d(width, width, 1))
        self.fine_out = nn.Linear(width, embed_dim)
        self.coarse_out = nn.Linear(width, embed_dim)
        self.widen = nn.Sequential(
            nn.Conv2d(channels[1], 4 * channels[1], 1, bias=False, groups=groups),
            nn.BatchNorm2d(4 * channels[1], eps=1e-3),
            nn.ReLU6(),
        )
        self.global_norm = nn.LayerNorm(8 * channels[1])
        self.global_out = nn.Linear(8 * channels[1], embed_dim)

    def forward(self, features: ImageFeatures) -> ImageOutput:
        """Unit vectors of the film, the fine grid and the coarse grid."""
        fine, coarse = features.stages
        context = self.coarse_in(coarse) + self.place(_places(coarse))
        upsampled = F.interpolate(context, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        mixed = _activate(self.fine_in(fine) + upsampled + self.place(_places(fine)), self.fine_norm)
        mixed = mixed + self.mix(mixed)
        mixed = mixed + self.blend(mixed)
        return ImageOutput(
            unit(self.global_out(self.global_norm(self.pool(coarse)))),
            (
                unit(self.fine_out(mixed.permute(0, 2, 3, 1))),
                unit(self.coarse_out(_activate(context, self.coarse_norm).permute(0, 2, 3, 1))),
            ),
        )

    def pool(self, coarse: Tensor) -> Tensor:
        """(B, C, g, g) -> (B, 8 C): mean and maximum of the widened stage, what a film's vector is made of."""
        wide = self.widen(coarse)
        return torch.cat((wide.mean(dim=(2, 3)), wide.amax(dim=(2, 3))), dim=1)


class OwnHeads(nn.Module):
    """For towers that have projected already (open_clip's): nothing is learned here, vectors are made unit."""

    def __init__(self, channels: tuple[int, ...], pooled_width: int, embed_dim: int) -> None:
        super().__init__()
        if {*channels, pooled_width} != {embed_dim}:
            raise CheckpointError(
                f"the image tower projects to {pooled_width}, config.json wants embed_dim {embed_dim}"
            )

    def forward(self, features: ImageFeatures) -> ImageOutput:
        """The tower's own vectors, made unit."""
        grids = tuple(unit(stage.permute(0, 2, 3, 1)) for stage in features.stages)
        return ImageOutput(unit(features.pooled), grids)


def build_heads(config: HeadConfig, channels: tuple[int, ...], pooled_width: int, embed_dim: int) -> nn.Module:
    """The heads that config.json asks for, sized to the tower."""
    grids = 2 if config.kind == "pyramid" else len(channels)
    if not 0 <= config.drawn < grids:
        raise CheckpointError(f"config.json: heads.drawn: wanted 0 to {grids - 1} (finest first), got {config.drawn}")
    if config.kind == "pyramid":
        return PyramidHeads(channels, embed_dim, config.width, config.groups)
    if config.kind == "linear":
        return LinearHeads(channels, pooled_width, embed_dim)
    return OwnHeads(channels, pooled_width, embed_dim)


def unit(vectors: Tensor) -> Tensor:
    """Vectors along the last axis, made unit in float32 whatever precision they came in; a zero vector stays zero."""
    return F.normalize(vectors.float(), dim=-1)


def _places(features: Tensor) -> Tensor:
    """(1, 2, gh, gw): x and y of every patch's centre, -1 to 1 over the model's input."""
    rows, columns = features.shape[-2:]
    y = (torch.arange(rows, device=features.device, dtype=features.dtype) + 0.5) * 2 / rows - 1
    x = (torch.arange(columns, device=features.device, dtype=features.dtype) + 0.5) * 2 / columns - 1
    return torch.stack((x.expand(rows, columns), y[:, None].expand(rows, columns))).unsqueeze(0)


def _activate(features: Tensor, norm: nn.LayerNorm) -> Tensor:
    normed = norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return F.gelu(normed)
