"""MedCLIP-ViT, MedCLIP-ResNet and EGMA as their authors publish them: `pytorch_model.bin` into an `EgmaModel`.

Layouts (MedCLIP: Wang et al., EMNLP 2022; EGMA: arXiv 2403.12416): `vision_model.model.*` is a transformers Swin or a
torchvision ResNet-50, `vision_model.projection_head*` its heads, `text_model.model.*` a BERT, `logit_scale` the log
temperature. Files of 2022 to 2024 spell the Swin's layers as transformers did before version 5; both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from egma.config import HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig, TowerFiles
from egma.convert.plan import ImportPlan, build_plan
from egma.convert.tower_config import read_tower_config
from egma.errors import CheckpointError
from egma.findings import build_findings

if TYPE_CHECKING:
    from torch import Tensor

Family = Literal["medclip", "egma"]

MEDCLIP_MEAN = 0.5862785803043838
MEDCLIP_STD = 0.27950088968644304
_MEAN = (MEDCLIP_MEAN, MEDCLIP_MEAN, MEDCLIP_MEAN)
_STD = (MEDCLIP_STD, MEDCLIP_STD, MEDCLIP_STD)
_MAX_TOKENS = 77
_RESNET_PX = 224
_UNFITTED_RANGE = (-1.0, 1.0)
_SWIN_HEAD = "vision_model.projection_head.weight"
_RESNET_HEAD = "vision_model.model.fc.weight"
_FINER_HEADS = ("vision_model.projection_head1.weight", "vision_model.projection_head2.weight")
_TEXT_HEAD = "text_model.projection_head.weight"
_IMAGE, _TEXT = "vision_model.model.", "text_model.model."
_RESNET_MARK = "vision_model.model.conv1.weight"
_EGMA_MARK = "word_local_atten_layer."

# transformers 4's names -> transformers 5's, in this order: "attention.output.dense" must go before "output.dense".
_SWIN_RENAMES = (
    ("attention.self.query.", "attention.q_proj."),
    ("attention.self.key.", "attention.k_proj."),
    ("attention.self.value.", "attention.v_proj."),
    ("attention.self.relative_position_bias_table", "attention.relative_position_bias.relative_position_bias_table"),
    ("attention.output.dense.", "attention.o_proj."),
    ("intermediate.dense.", "mlp.fc1."),
    ("output.dense.", "mlp.fc2."),
)
_SWIN_FIELDS = (
    "patch_size",
    "num_channels",
    "embed_dim",
    "depths",
    "num_heads",
    "window_size",
    "mlp_ratio",
    "qkv_bias",
    "hidden_act",
    "use_absolute_embeddings",
    "layer_norm_eps",
)
# Buffers that are computed anew, and layers that no embedding passes through.
_UNUSED_ENDINGS = ("relative_position_index", "embeddings.position_ids", "embeddings.token_type_ids")
_UNUSED_STARTS = ("text_model.model.pooler.", _EGMA_MARK)


def plan_import(
    family: Family, tensors: Mapping[str, Tensor], image_tower: Path | None, text: TowerFiles
) -> ImportPlan:
    """Match a published file's tensors with a model.

    Args:
        family: "medclip" pools hidden states 1, 2 and last; "egma" the last 4, and has heads for the finer stages.
        tensors: the file, by name.
        image_tower: folder with the Swin's config.json; a ResNet-50 needs none.
        text: the BERT's config.json and tokenizer.json, pinned.
    """
    heads = find_heads(family, tensors)
    config = ModelConfig(
        embed_dim=_embed_dim(tensors[heads[-1]], heads[-1]),
        image=_resnet_config() if heads[-1] == _RESNET_HEAD else _swin_config(image_tower, len(heads)),
        heads=HeadConfig("linear", drawn=max(len(heads) - 2, 0)),
        text=TextTowerConfig(
            "hf",
            "bert",
            max_tokens=_MAX_TOKENS,
            pooling="mean_last4" if family == "egma" else "medclip",
            projection="linear",
            trained=True,
            source=text,
        ),
        display_range=_UNFITTED_RANGE,
        classify=build_findings(),
    )
    old_names = any(_SWIN_RENAMES[0][0] in name for name in tensors if name.startswith(_IMAGE))
    return build_plan(config, tensors, lambda name: _place(name, heads), lambda name: _spell(name, heads, old_names))


def find_heads(family: Family, tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The file's projection layers, finest stage first; refused where the file is not of this family."""
    last = _RESNET_HEAD if _RESNET_MARK in tensors else _SWIN_HEAD
    for name in (last, _TEXT_HEAD, "logit_scale"):
        if name not in tensors:
            raise CheckpointError(f"the file holds no {name!r}, so it is no {family} file{_guess(tensors)}")
    finer = tuple(name for name in _FINER_HEADS if name in tensors)
    if family == "egma" and len(finer) < len(_FINER_HEADS):
        raise CheckpointError(
            "the file has no heads for the finer stages, so it is no egma file; `convert medclip` reads MedCLIP's"
        )
    if family == "medclip" and any(name.startswith(_EGMA_MARK) for name in tensors):
        raise CheckpointError("this is an EGMA file, whose sentences pool otherwise; `convert egma` reads it")
    return (*finer, last)


def _guess(tensors: Mapping[str, Tensor]) -> str:
    """What else the file may be, for a sentence's end."""
    if any(name.startswith("visual.") for name in tensors):
        return "; it looks like an open_clip model, which `convert open-clip` reads from its folder"
    return f"; its first tensor is {next(iter(tensors))[:80]!r}: give the published pytorch_model.bin"


def _embed_dim(head: Tensor, name: str) -> int:
    if head.ndim != 2:
        raise CheckpointError(f"{name} has shape {tuple(head.shape)}, wanted two axes: (shared space, tower)")
    return int(head.shape[0])


def _place(name: str, heads: tuple[str, ...]) -> str | None:
    """What this project's model calls a tensor of the file; None where it has no use for it."""
    if name.startswith(_UNUSED_STARTS) or name.endswith(_UNUSED_ENDINGS):
        return None
    if name in heads:
        return f"heads.layers.{heads.index(name)}.weight"
    if name == _TEXT_HEAD:
        return "text_projection.weight"
    if name.startswith(_IMAGE):
        return "image.trunk." + rename_swin(name.removeprefix(_IMAGE))
    if name.startswith(_TEXT):
        return "text.trunk." + name.removeprefix(_TEXT)
    return name


def _spell(name: str, heads: tuple[str, ...], old_names: bool) -> str:
    """What the file would call a tensor of the model: `_place` the other way round."""
    if name.startswith("heads.layers."):
        return heads[int(name.split(".")[2])]
    if name == "text_projection.weight":
        return _TEXT_HEAD
    if name.startswith("text.trunk."):
        return _TEXT + name.removeprefix("text.trunk.")
    if not name.startswith("image.trunk."):
        return name
    spelled = _IMAGE + name.removeprefix("image.trunk.")
    for old, new in _SWIN_RENAMES if old_names else ():
        if new in spelled:
            return spelled.replace(new, old)
    return spelled


def rename_swin(name: str) -> str:
    """A Swin's tensor as transformers 5 calls it; names that are so already stay."""
    for old, new in _SWIN_RENAMES:
        if old in name:
            return name.replace(old, new)
    return name


def _resnet_config() -> ImageTowerConfig:
    return ImageTowerConfig("timm", "resnet50", _RESNET_PX, _MEAN, _STD, mode="pad", stages=(4,))


def _swin_config(folder: Path | None, heads: int) -> ImageTowerConfig:
    """Sizes from the tower's own config.json; the last stages are read, one a head."""
    settings = _read_swin(folder)
    depths = settings.get("depths", [2, 2, 6, 2])
    if not isinstance(depths, list) or len(depths) <= heads:
        raise CheckpointError(f"--image-tower: depths: wanted a list of more than {heads} stages, got {depths!r:.60}")
    input_px = settings.get("image_size", _RESNET_PX)
    if not isinstance(input_px, int):
        raise CheckpointError(f"--image-tower: image_size: wanted a whole number, got {input_px!r:.40}")
    last = len(depths) - 1
    return ImageTowerConfig(
        "hf",
        "swin",
        input_px,
        _MEAN,
        _STD,
        mode="pad",
        stages=tuple(range(last - heads + 1, last + 1)),
        options={name: settings[name] for name in _SWIN_FIELDS if name in settings},
    )


def _read_swin(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        raise CheckpointError("--image-tower is missing: a folder with the Swin's own config.json")
    return read_tower_config(folder, "--image-tower", ("swin",))
