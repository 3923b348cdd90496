"""A tower's config.json, its sizes checked before any of them is believed: a model is built from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from egma.convert.weight_files import read_json
from egma.errors import CheckpointError

# The largest that any published tower comes near; a memory's worth of nonsense is refused by the field's name.
_MOST = {
    "hidden_size": 16_384,
    "num_hidden_layers": 200,
    "num_attention_heads": 512,
    "intermediate_size": 131_072,
    "vocab_size": 1_000_000,
    "max_position_embeddings": 1_000_000,
    "type_vocab_size": 100,
    "embed_dim": 8_192,
    "window_size": 256,
    "patch_size": 256,
    "num_channels": 16,
}
_MOST_IN_LIST = {"depths": 200, "num_heads": 512}
_MOST_OF_CLIP = {
    "layers": 200,
    "width": 16_384,
    "heads": 512,
    "head_width": 4_096,
    "patch_size": 256,
    "image_size": 4_096,
    "context_length": 8_192,
    "vocab_size": 2_000_000,
}
_MAY_BE_LISTS, _MAY_BE_NONE = ("layers", "image_size"), ("patch_size", "layers", "width", "heads")
_NUMBERS = {"layer_norm_eps": 1.0, "mlp_ratio": 64.0}


def read_tower_config(folder: Path, whose: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    """The config.json in a tower's folder.

    Args:
        folder: as the user gave it.
        whose: the option, for sentences: "--text-tower".
        kinds: the `model_type` it may say; the first is taken where it says none.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{whose}: {folder.name!r} is no folder with a config.json; give the tower's own")
    settings = read_json(path, f"{whose}: the config.json in {folder.name!r}")
    kind = settings.get("model_type", kinds[0])
    if kind not in kinds:
        names = {"bert": "BERT", "swin": "Swin"}
        wanted = " or ".join(names.get(each, each) for each in kinds)
        raise CheckpointError(f"{whose}: {folder.name!r} holds a {str(kind)[:40]!r}, wanted the file's own {wanted}")
    check_sizes(settings, whose)
    return settings


def check_sizes(settings: dict[str, Any], whose: str) -> None:
    """Refuse what is no size by the field's name."""
    for name, most in _MOST.items():
        if name in settings and not _is_whole(settings[name], most):
            raise CheckpointError(
                f"{whose}: {name}: wanted a whole number from 1 to {most}, got {settings[name]!r:.40}"
            )
    for name, most in _MOST_IN_LIST.items():
        value = settings.get(name, [1])
        if not (isinstance(value, list) and value and all(_is_whole(each, most) for each in value)):
            raise CheckpointError(
                f"{whose}: {name}: wanted a list of whole numbers from 1 to {most}, got {value!r:.40}"
            )
    for name, most in _NUMBERS.items():
        value = settings.get(name, 1.0)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) and 0 < value <= most):
            raise CheckpointError(f"{whose}: {name}: wanted a number above 0, at most {most:g}, got {value!r:.40}")
    pad = settings.get("pad_token_id")
    if pad is not None and not (pad == 0 or _is_whole(pad, _MOST["vocab_size"])):
        raise CheckpointError(f"{whose}: pad_token_id: wanted a whole number, got {pad!r:.40}")


def check_clip_sizes(settings: dict[str, Any], whose: str) -> None:
    """The same for open_clip's `model_cfg`: its sizes are whole numbers (a ResNet's layers a list), its names texts."""
    if not _is_whole(settings.get("embed_dim"), _MOST["embed_dim"]):
        raise CheckpointError(f"{whose}: model_cfg.embed_dim: wanted a whole number from 1 to {_MOST['embed_dim']}")
    for part in ("vision_cfg", "text_cfg"):
        for name, value in settings[part].items():
            field = f"{whose}: {part}.{name}"
            most = _MOST_OF_CLIP.get(name)
            values = value if isinstance(value, list) and value and name in _MAY_BE_LISTS else [value]
            is_left_out = value is None and name in _MAY_BE_NONE
            if most is not None and not is_left_out and not all(_is_whole(each, most) for each in values):
                raise CheckpointError(f"{field}: wanted a whole number from 1 to {most}, got {value!r:.40}")
            if name.endswith("_name") and not (isinstance(value, str) and value):
                raise CheckpointError(f"{field}: wanted a name, got {value!r:.40}")


def _is_whole(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most
