"""The text half of an open_clip model: CLIP's own, or a transformers encoder with open_clip's pooling after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.config import TextTowerConfig, TowerFiles
from egma.convert.clip_source import ClipSource, fetch_tower, tower_folders
from egma.convert.text_files import TEXT_FOLDER, has_tokenizer, write_text_files, write_tokenizer
from egma.convert.tower_config import check_sizes
from egma.convert.weight_files import read_json
from egma.digest import digest_file
from egma.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

_POOLINGS = {"cls_last_hidden_state_pooler": "cls", "mean_pooler": "mean"}
_PROJECTIONS = {"linear": "linear", "mlp": "clip_mlp"}
_ENCODERS = {"bert": "bert", "roberta": "roberta", "xlm-roberta": "roberta", "mpnet": "mpnet"}
_TRUNK = "text.transformer."
_HEAD_WIDTH = 64  # of every BERT that open_clip models were made with
_INFERRED_REMARK = (
    "the text tower's config.json was not at hand: its sizes were read off the tensors, and its attention heads taken "
    "to be 64 wide, as in every published BERT; give --text-tower to be sure"
)


def plan_clip_text(
    name: str, source: ClipSource, draft: Path, text_tower: Path | None
) -> tuple[TextTowerConfig, tuple[str, ...]]:
    """CLIP's own text transformer, with its own vocabulary or a tokenizer.json (SigLIP)."""
    settings = {key: value for key, value in source.settings.items() if key not in ("vision_cfg", "custom_text")}
    text = dict(settings["text_cfg"])
    if text.get("tokenizer_mode"):
        raise CheckpointError(f"this open_clip model's tokenizer_mode {text['tokenizer_mode']!r:.40} is not read here")
    options: dict[str, Any] = {"model_cfg": {**settings, "text_cfg": text}}
    pinned = None
    if text.get("hf_tokenizer_name"):
        folder = _tokenizer_folder(source, text, text_tower)
        (draft / TEXT_FOLDER).mkdir(exist_ok=True)
        write_tokenizer(folder, draft / TEXT_FOLDER)
        digest = digest_file(draft / TEXT_FOLDER / "tokenizer.json")
        pinned = TowerFiles(None, TEXT_FOLDER, {"tokenizer.json": digest})
        options["pad_token"] = _pad_token(folder)
    context = int(text.get("context_length", 77))
    tower = TextTowerConfig("open_clip", name, context, projection="own", trained=True, source=pinned, options=options)
    return tower, ()


def plan_hf_text(
    source: ClipSource, tensors: Mapping[str, Tensor], draft: Path, text_tower: Path | None
) -> tuple[TextTowerConfig, tuple[str, ...]]:
    """A transformers encoder as a text tower of this project."""
    text = source.settings["text_cfg"]
    # BiomedCLIP's first config says "proj" and "pooler_type" for what open_clip calls so since version 2.10.
    pooler = text.get("hf_pooler_type") or text.get("pooler_type") or "mean_pooler"
    if pooler not in _POOLINGS:
        raise CheckpointError(f"the text half pools by {str(pooler)[:40]!r}; read here are {', '.join(_POOLINGS)}")
    settings, remarks = _encoder_settings(source, text, tensors, text_tower)
    kind = settings.get("model_type", "bert")
    if kind not in _ENCODERS:
        raise CheckpointError(f"the text half is a {str(kind)[:40]!r}; read here are {', '.join(_ENCODERS)}")
    settings = {**settings, "model_type": _ENCODERS[kind]}
    pinned = write_text_files(settings, _tokenizer_folder(source, text, text_tower), draft)
    tower = TextTowerConfig(
        "hf",
        _ENCODERS[kind],
        max_tokens=int(text.get("context_length", 77)),
        pooling="cls" if _POOLINGS[pooler] == "cls" else "mean",
        projection=_projection(text, tensors),
        trained=True,
        source=pinned,
    )
    return tower, remarks


def _projection(text: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    asked = text.get("hf_proj_type", text.get("proj", "mlp"))
    if isinstance(asked, str) and asked in _PROJECTIONS:
        return _PROJECTIONS[asked]
    if asked is None and not any(name.startswith("text.proj.") for name in tensors):
        return "own"
    raise CheckpointError(f"the text half projects by {str(asked)[:40]!r}; read here are {', '.join(_PROJECTIONS)}")


def _encoder_settings(
    source: ClipSource, text: Mapping[str, Any], tensors: Mapping[str, Tensor], text_tower: Path | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The encoder's config.json, from the first place that has one; else read off the tensors; else from the hub."""
    name = str(text["hf_model_name"])
    if text_tower is not None:
        return _read_encoder(text_tower / "config.json", "--text-tower"), ()
    folders = [source.folder] if source.folder else []
    for folder in (*folders, *tower_folders(name)):
        path = folder / "config.json"
        if path.is_file() and _is_encoder(path):
            return _read_encoder(path, "the text tower"), ()
    inferred = None if "roberta" in name.lower() else infer_bert(tensors)
    if inferred is not None:
        return inferred, (_INFERRED_REMARK,)
    return _read_encoder(fetch_tower(name) / "config.json", "the text tower"), ()


def infer_bert(tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """A BERT's config.json from the shapes of its tensors; None where they are not a BERT's of the usual heads."""

    def rows_columns(name: str) -> tuple[int, ...]:
        found = tensors.get(_TRUNK + name)
        return tuple(found.shape) if found is not None and found.ndim == 2 else (0, 0)

    words, width = rows_columns("embeddings.word_embeddings.weight")
    places, _ = rows_columns("embeddings.position_embeddings.weight")
    types, _ = rows_columns("embeddings.token_type_embeddings.weight")
    inner, _ = rows_columns("encoder.layer.0.intermediate.dense.weight")
    starts = {name.split(".")[4] for name in tensors if name.startswith(_TRUNK + "encoder.layer.")}
    if not (words and places and inner and starts and types == 2) or width % _HEAD_WIDTH:
        return None
    return {
        "model_type": "bert",
        "vocab_size": words,
        "hidden_size": width,
        "num_hidden_layers": len(starts),
        "num_attention_heads": width // _HEAD_WIDTH,
        "intermediate_size": inner,
        "max_position_embeddings": places,
        "type_vocab_size": types,
    }


def _is_encoder(path: Path) -> bool:
    """Whether a config.json is a text encoder's, and not that of a whole CLIP."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("model_type") in _ENCODERS
    except (ValueError, AttributeError, OSError, RecursionError):
        return False


def _read_encoder(path: Path, whose: str) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{whose}: {path.parent.name!r} is no folder with a config.json; give the tower's own")
    settings = read_json(path, f"{whose}: the config.json in {path.parent.name!r}")
    check_sizes(settings, whose)
    return settings


def _tokenizer_folder(source: ClipSource, text: Mapping[str, Any], text_tower: Path | None) -> Path:
    """The first place with a tokenizer: --text-tower, the model's own folder, what its config names, the hub."""
    name = str(text.get("hf_tokenizer_name") or text.get("hf_model_name"))
    for folder in (text_tower, source.folder, *tower_folders(name)):
        if folder is not None and has_tokenizer(folder):
            return folder
    if text_tower is not None:
        raise CheckpointError(f"--text-tower: {text_tower.name!r} holds neither tokenizer.json nor vocab.txt; add one")
    return fetch_tower(name)


def _pad_token(folder: Path) -> str | None:
    """What fills rows up, as tokenizer_config.json or special_tokens_map.json says."""
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / file).is_file():
            token = read_json(folder / file, f"the {file} in {folder.name!r}").get("pad_token")
            if token is not None:
                return str(token.get("content")) if isinstance(token, dict) else str(token)
    return None
