"""Builds models: a fresh one from a config, with ImageNet weights for a training's start, or a checkpoint's own.

model = build_model(config)                  # random heads and trunk, the text tower's published weights
model = build_initialized_model(config)      # the same with the image trunk's ImageNet weights
save_checkpoint(model, config, folder, card) # egma.checkpoints
model = load_model(load_checkpoint(folder))  # every tensor accounted for, in evaluation mode
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from egma.checkpoints import Checkpoint, is_stored, read_weights
from egma.config import ImageTowerConfig, ModelConfig
from egma.errors import CheckpointError, EgmaError
from egma.model.egma import EgmaModel
from egma.model.files import locate_files
from egma.model.towers import ImageTower, TextTower

if TYPE_CHECKING:
    import torch


def build_model(config: ModelConfig, folder: Path | None = None) -> EgmaModel:
    """A model as `config` describes it. What model.safetensors would bring is random; the text tower is as published.

    Args:
        config: the whole of a config.json.
        folder: the checkpoint's folder, for towers whose files lie in it.
    """
    try:
        return EgmaModel(config, _build_image_tower(config.image), _build_text_tower(config, folder))
    except EgmaError:
        raise
    except Exception as error:  # tower libraries raise what they like at sizes that do not fit; the cause stays chained
        raise CheckpointError(f"the towers cannot be built as config.json asks: {str(error)[:120]!r}") from error


def build_initialized_model(config: ModelConfig) -> EgmaModel:
    """`build_model` with published weights in both trunks: where a training starts.

    The image trunk's are those of `config.image.init`; a text trunk that is to be trained takes those of its source.
    """
    import torch

    from egma.model.image import load_trunk_in_order
    from egma.model.text import fill_trunk

    model = build_model(config)
    if config.text.trained and config.text.source is not None:
        paths = locate_files(config.text.source, None, ("model.safetensors",))
        fill_trunk(model.text.get_submodule("trunk"), paths["model.safetensors"])
    if config.image.init is not None:
        (path,) = locate_files(config.image.init, None).values()
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        load_trunk_in_order(model.image.get_submodule("trunk"), tensors)
    return model


def load_model(checkpoint: Checkpoint, device: torch.device | str = "cpu") -> EgmaModel:
    """A checkpoint's model in evaluation mode. Refused by the tensor's name where file and config do not fit."""
    if checkpoint.folder is None:
        raise CheckpointError(f"checkpoint {checkpoint.name} has no folder to load from; save it first")
    model = build_model(checkpoint.config, checkpoint.folder)
    wanted = {name: tensor for name, tensor in model.state_dict().items() if is_stored(name, checkpoint.config)}
    model.load_state_dict(read_weights(checkpoint, wanted), strict=False, assign=False)
    return model.to(device).eval().requires_grad_(False)


def _build_image_tower(tower: ImageTowerConfig) -> ImageTower:
    names = tower.name.split("+")
    if len(names) > 1 and tower.kind in ("timm", "tiny"):
        from egma.model.image import SideBySideTower

        return SideBySideTower([_build_image_tower(replace(tower, name=name)) for name in names])
    if tower.kind == "timm":
        from egma.model.image import TimmImageTower

        return TimmImageTower(tower)
    if tower.kind == "hf":
        from egma.model.image import build_hf_image_tower

        return build_hf_image_tower(tower)
    if tower.kind == "open_clip":
        from egma.model.openclip import OpenClipImageTower

        return OpenClipImageTower(tower)
    from egma.testing.models import TinyImageTower

    return TinyImageTower()


def _build_text_tower(config: ModelConfig, folder: Path | None) -> TextTower:
    tower = config.text
    if tower.kind == "hf":
        from egma.model.text import HfTextTower

        return HfTextTower(tower, folder)
    if tower.kind == "open_clip":
        from egma.model.openclip import OpenClipTextTower

        return OpenClipTextTower(tower, folder)
    from egma.testing.models import TinyTextTower

    return TinyTextTower(tower.max_tokens)
