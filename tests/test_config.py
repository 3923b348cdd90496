"""config.json: read back as written, and refused by the field's name where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from egma.config import canonical_json, read_config, write_config
from egma.errors import CheckpointError
from egma.findings import FINDINGS
from egma.model.presets import build_mini_config
from egma.testing.models import build_tiny_config


def edited(path: str, value: Any) -> str:
    raw = json.loads(write_config(build_mini_config()))
    *parents, leaf = path.split(".")
    target = raw
    for parent in parents:
        target = target[parent]
    if value is KeyError:
        del target[leaf]
    else:
        target[leaf] = value
    return json.dumps(raw)


@pytest.mark.parametrize("config", [build_tiny_config(), build_mini_config(lora_rank=8)], ids=["tiny", "mini"])
def test_a_config_is_read_back_as_it_was_written(config: Any) -> None:
    assert read_config(write_config(config)) == config
    assert canonical_json(read_config(write_config(config))) == canonical_json(config)


def test_minis_findings_are_the_fifteen_of_the_public_surface() -> None:
    assert tuple(build_mini_config().classify) == FINDINGS
    assert len(FINDINGS) == 15
    assert FINDINGS[0] == "No Finding"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format_version", 2, "wanted format_version 1, got '2'"),
        ("format_version", KeyError, "wanted format_version 1, got 'None'"),
        ("embed_dim", KeyError, "config.json: the field 'embed_dim' is missing"),
        ("embed_dim", "256", "config.json.embed_dim: wanted a whole number, got '256'"),
        ("embed_dim", True, "config.json.embed_dim: wanted a whole number"),
        ("embed_dim", -1, "embed_dim: wanted 1 to"),
        ("surprise", 1, "config.json: unknown field 'surprise'"),
        ("image.kind", "caffe", "config.json.image.kind: wanted one of timm, hf, open_clip, tiny, got 'caffe'"),
        ("image.kind", [1], "config.json.image.kind: wanted one of"),
        ("image.name", "hf-hub:someone/else", "is no model name"),
        ("image.input_px", 100_000, "image.input_px: wanted 16 to 2048"),
        ("image.mean", [0.5, 0.5], "config.json.image.mean: wanted a list of 3"),
        ("image.mean", [0.5, 0.5, "x"], r"config.json.image.mean\[2\]: wanted a number"),
        ("image.std", [0.5, 0.5, 0.0], "image.std: wanted numbers above 0"),
        ("image", 3, "config.json.image: wanted an object, got '3'"),
        ("text.source.files", {"../../x": "0" * 64}, "must be a plain path"),
        ("text.source.files", {"x": "abc"}, "wanted a SHA-256"),
        ("text.source.folder", "/etc", "must be a plain path"),
        ("text.max_tokens", 1, "text.max_tokens: wanted 3 to"),
        ("display_range", [0.5, 0.5], "display_range: wanted -1 <= low < high <= 1"),
        ("classify.Mass.positive", [], "needs prompts on both sides"),
        ("classify.Mass.positive", [" "], "a prompt is empty"),
        ("classify.Mass.scale", None, "config.json.classify.Mass.scale: wanted a number"),
        ("patch_share", 2, "patch_share: wanted 0 to 1"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        read_config(edited(path, value))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format_version": 1, "embed_dim": NaN}', "[" * 100_000])
def test_what_is_no_config_is_one_sentence(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_config(text)


def test_infinities_are_refused() -> None:
    text = write_config(build_mini_config()).replace('"bias": 0.0', '"bias": Infinity', 1)
    with pytest.raises(CheckpointError, match=r"classify\.No Finding\.bias: wanted a finite number"):
        read_config(text)
