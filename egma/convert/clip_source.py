"""Finds an open_clip model's settings and weights: a folder in the hub's layout, the hub, or open_clip's own list."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egma.compat import ensure_torchvision
from egma.convert.tower_config import check_clip_sizes
from egma.convert.weight_files import read_json
from egma.errors import CheckpointError

_CONFIG = "open_clip_config.json"
_WEIGHTS = (  # in open_clip's own order of preference
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "model.pth",
)
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_TEXT_PATTERNS = ("config.json", "tokenizer*", "vocab.txt", "special_tokens_map.json")
_HUB, _LOCAL = "hf-hub:", "local-dir:"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class ClipSource:
    """An open_clip model that was found, its tensors not yet read.

    Attributes:
        name: for the card and as the tower's name.
        settings: open_clip's `model_cfg`.
        preprocess: open_clip's `preprocess_cfg`: mean, std, resize_mode.
        weights: the file of tensors.
        folder: where tokenizer files may lie; None for a model of open_clip's list.
    """

    name: str
    settings: dict[str, Any]
    preprocess: dict[str, Any]
    weights: Path
    folder: Path | None


def find_clip(asked: str) -> ClipSource:
    """Find a model by folder, "hf-hub:OWNER/NAME", or "NAME:TAG" of open_clip's list (TAG may be a file of weights)."""
    path = Path(asked.removeprefix(_LOCAL)).expanduser()
    if path.is_dir():
        return _read_folder(path, path.resolve().name)
    if path.is_file():
        raise CheckpointError(f"{path.name!r} is a file; give the folder with {_CONFIG} and the weights in it")
    if asked.startswith(_HUB) or _HUB_NAME.fullmatch(asked):
        name = asked.removeprefix(_HUB)
        patterns = (_CONFIG, *_WEIGHTS, *_TEXT_PATTERNS)
        return _read_folder(fetch_snapshot(name, patterns, "there is no such folder here, and "), name)
    return _find_listed(asked)


_BRING_FOLDER = "fetch the model's folder where there is a network, copy it here and give the folder"
_BRING_FILE = "fetch its weights where there is a network, copy them here and give NAME:FILE"


def fetch_snapshot(name: str, patterns: tuple[str, ...], before: str = "", remedy: str = _BRING_FOLDER) -> Path:
    """The local folder of a model on the Hugging Face hub, fetched unless it was before."""
    import huggingface_hub

    if not _HUB_NAME.fullmatch(name) and not re.fullmatch(r"[\w.-]+", name):
        raise CheckpointError(f"{name[:80]!r} is no name on the Hugging Face hub; wanted OWNER/NAME")
    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=list(patterns)))
    except (OSError, ValueError, RuntimeError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise CheckpointError(
            f"{name!r}: {before}the Hugging Face hub could not be asked for it ({type(error).__name__}); {remedy}"
        ) from None


def tower_folders(name: str) -> list[Path]:
    """Folders of a transformers model that are on this machine: `name` itself, or its place in the hub's cache."""
    import huggingface_hub

    found = [Path(name)] if Path(name).is_dir() else []
    if not found and (_HUB_NAME.fullmatch(name) or re.fullmatch(r"[\w.-]+", name)):
        for file in ("config.json", "tokenizer.json", "vocab.txt"):
            cached = huggingface_hub.try_to_load_from_cache(name, file)
            found += [Path(cached).parent] if isinstance(cached, str) else []
    return found


def fetch_tower(name: str) -> Path:
    """Config and tokenizer of a transformers model, from the hub."""
    return fetch_snapshot(name, _TEXT_PATTERNS, "the text tower's files are not here (see --text-tower), and ")


def _read_folder(folder: Path, name: str) -> ClipSource:
    path = folder / _CONFIG
    if not path.is_file():
        raise CheckpointError(f"{folder.name!r} holds no {_CONFIG}; give a folder in open_clip's hub layout")
    whole = read_json(path, f"the {_CONFIG} in {folder.name!r}")
    settings, preprocess = whole.get("model_cfg", whole), whole.get("preprocess_cfg") or {}
    _check_settings(settings)
    if not isinstance(preprocess, dict):
        raise CheckpointError(f"{_CONFIG}: preprocess_cfg: wanted an object")
    return ClipSource(name, settings, preprocess, _find_weights(folder), folder)


def _find_weights(folder: Path) -> Path:
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    others = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHT_SUFFIXES and path.is_file())
    if len(others) == 1:
        return others[0]
    got = ", ".join(path.name[:40] for path in others[:4]) or "none"
    raise CheckpointError(f"{folder.name!r}: wanted {_WEIGHTS[0]} or {_WEIGHTS[2]}, found weights: {got}")


def _check_settings(settings: Any) -> None:
    if not isinstance(settings, dict) or not all(
        isinstance(settings.get(part), dict) for part in ("vision_cfg", "text_cfg")
    ):
        raise CheckpointError(f"{_CONFIG}: wanted a model_cfg with vision_cfg and text_cfg in it")
    check_clip_sizes(settings, _CONFIG)
    if "multimodal_cfg" in settings:
        raise CheckpointError("CoCa models (multimodal_cfg) keep no patch grid of their own; choose a CLIP")


def _find_listed(asked: str) -> ClipSource:
    """A model of open_clip's list with one of its published weights, or with a file."""
    ensure_torchvision()
    import open_clip

    name, _, tag = asked.partition(":")
    settings = open_clip.get_model_config(name) if re.fullmatch(r"[\w.+-]+", name) else None
    if settings is None:
        raise CheckpointError(
            f"{asked[:80]!r} is no folder, no hf-hub:OWNER/NAME and no model of open_clip {open_clip.__version__}; "
            "`python -c 'import open_clip; print(open_clip.list_pretrained())'` lists its models"
        )
    _check_settings(settings)
    if tag and Path(tag).is_file():
        return ClipSource(name, settings, {}, Path(tag), None)
    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        raise CheckpointError(
            f"open_clip's {name} comes with several weights, so the tag must be named: {name}:TAG, TAG one of "
            f"{', '.join(tags) or 'none published; give NAME:FILE'}"
        )
    published = dict(open_clip.get_pretrained_cfg(name, tag))
    settings["quick_gelu"] = bool(published.get("quick_gelu", False))  # as the weights were trained, not as the name
    return ClipSource(f"{name}-{tag}", settings, published, _fetch_weights(asked, published), None)


def _fetch_weights(asked: str, published: dict[str, Any]) -> Path:
    import open_clip

    if published.get("hf_hub"):
        repository, file = os.path.split(published["hf_hub"])
        folder = fetch_snapshot(repository, (file,) if file else _WEIGHTS, remedy=_BRING_FILE)
        return folder / file if file else _find_weights(folder)
    try:
        return Path(open_clip.download_pretrained(published))
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{asked[:80]!r}: its weights could not be fetched ({type(error).__name__}); {_BRING_FILE}"
        ) from None
