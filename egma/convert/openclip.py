"""open_clip models, BiomedCLIP included, as an import plan.

The image half stays open_clip's. A text half of transformers (BiomedCLIP's PubMedBERT) becomes a text tower of this
project with open_clip's projection after it; CLIP's own text half stays open_clip's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.config import HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from egma.convert.clip_source import ClipSource
from egma.convert.clip_text import plan_clip_text, plan_hf_text
from egma.convert.plan import ImportPlan, build_plan
from egma.errors import CheckpointError
from egma.findings import build_findings

if TYPE_CHECKING:
    from torch import Tensor

# OpenAI's, which open_clip takes where a model says nothing.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_UNUSED = ("logit_bias", "input_resolution", "context_length", "vocab_size")
_UNUSED_ENDINGS = ("attn_mask", "embeddings.position_ids", "embeddings.token_type_ids", "relative_position_index")
_VISUAL = "visual."
_PROJECTED_REMARK = (
    "patch tokens go through the model's own last norm and projection, which was trained on the pooled token alone: "
    "maps are weaker than those of a model with a head for patches"
)
_BARE_REMARK = (
    "the model has no projection for patches: its trunk's own tokens are compared with sentences, and the pooled "
    "token alone was trained for that"
)
_SQUASH_REMARK = "its training squashed pictures to a square; here a film keeps its proportions and is padded"


def plan_clip(
    source: ClipSource, tensors: Mapping[str, Tensor], draft: Path, text_tower: Path | None
) -> tuple[ImportPlan, tuple[str, ...]]:
    """Match an open_clip model's tensors with a model of this project.

    Args:
        source: its settings.
        tensors: its file, by name.
        draft: folder for the files that the checkpoint keeps beside its weights.
        text_tower: folder with config.json and tokenizer of the text half, where the model's own lacks them.

    Returns:
        The plan, and sentences that a user must know.
    """
    if not any(name.startswith(_VISUAL) for name in tensors):
        raise CheckpointError(
            f"the weights hold no {_VISUAL}* tensors, so they are no open_clip model; their first tensor is "
            f"{next(iter(tensors))[:80]!r}"
        )
    flat = not any(name.startswith("text.") for name in tensors)  # CLIP's older spelling
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", source.name).strip("-._+")[:100] or "open_clip"
    if source.settings["text_cfg"].get("hf_model_name"):
        text, remarks = plan_hf_text(source, tensors, draft, text_tower)
    else:
        text, remarks = plan_clip_text(name, source, draft, text_tower)
    image, image_remarks = _image_config(name, source)
    config = ModelConfig(
        embed_dim=int(source.settings["embed_dim"]),
        image=image,
        heads=HeadConfig("own"),
        text=text,
        display_range=(-1.0, 1.0),
        classify=build_findings(),
    )
    plan = build_plan(config, tensors, lambda each: _place(each, text, flat), lambda each: _spell(each, text, flat))
    return plan, (*image_remarks, *remarks)


def _place(name: str, text: TextTowerConfig, flat: bool) -> str | None:
    """What this project's model calls a tensor of the file; None where it has no use for it."""
    if name in _UNUSED or name.endswith(_UNUSED_ENDINGS):
        return None
    if name.startswith(_VISUAL):
        return "image.trunk." + name.removeprefix(_VISUAL)
    if name == "logit_scale" or not (flat or name.startswith("text.")):
        return name
    inside = name.removeprefix("text.")
    return "text.trunk." + inside if text.kind == "open_clip" else _place_encoder(inside)


def _spell(name: str, text: TextTowerConfig, flat: bool) -> str:
    """What the file would call a tensor of the model: `_place` the other way round."""
    if name.startswith("image.trunk."):
        return _VISUAL + name.removeprefix("image.trunk.")
    if name.startswith("text_projection."):
        return "text.proj." + name.removeprefix("text_projection.")
    if not name.startswith("text.trunk."):
        return name
    inside = name.removeprefix("text.trunk.")
    if text.kind != "open_clip":
        return f"text.transformer.{inside}"
    return inside if flat else f"text.{inside}"


def _place_encoder(name: str) -> str | None:
    if name.startswith("transformer.pooler."):
        return None
    if name.startswith("proj."):
        return "text_projection." + name.removeprefix("proj.")
    return "text.trunk." + name.removeprefix("transformer.")


def _image_config(name: str, source: ClipSource) -> tuple[ImageTowerConfig, tuple[str, ...]]:
    vision, preprocess = source.settings["vision_cfg"], source.preprocess
    resize = preprocess.get("resize_mode") or "shortest"
    kept = {key: value for key, value in source.settings.items() if key not in ("text_cfg", "custom_text")}
    tower = ImageTowerConfig(
        "open_clip",
        name,
        _input_px(vision.get("image_size", 224)),
        _three(preprocess.get("mean"), _MEAN, "mean"),
        _three(preprocess.get("std"), _STD, "std"),
        mode="crop" if resize == "shortest" else "pad",
        options={"model_cfg": kept},
    )
    timm = "timm_model_name" in vision
    bare = vision.get("timm_proj", "linear") in ("", "none", None) if timm else False
    remarks = (_BARE_REMARK if bare else _PROJECTED_REMARK,)
    return tower, (*remarks, _SQUASH_REMARK) if resize == "squash" else remarks


def _input_px(size: Any) -> int:
    sides = size if isinstance(size, (list, tuple)) else (size, size)
    if len(set(sides)) != 1 or not isinstance(sides[0], int):
        raise CheckpointError(f"open_clip_config.json: vision_cfg.image_size: wanted a square's side, got {size!r:.40}")
    return sides[0]


def _three(values: Any, standard: tuple[float, float, float], field: str) -> tuple[float, float, float]:
    if values is None:
        return standard
    row = values if isinstance(values, (list, tuple)) else (values,) * 3
    if len(row) != 3 or not all(isinstance(value, (int, float)) for value in row):
        raise CheckpointError(f"open_clip_config.json: preprocess_cfg.{field}: wanted three numbers")
    return float(row[0]), float(row[1]), float(row[2])
