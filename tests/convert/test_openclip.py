"""open_clip models: an imported one computes what open_clip computes, and asks no hub for anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from egma.__main__ import main
from egma.checkpoints import load_checkpoint
from egma.compat import ensure_torchvision
from egma.inference.engine import load_engine
from egma.model.build import load_model
from egma.model.egma import EgmaModel
from egma.types import Study
from tests.convert import layouts

ensure_torchvision()
import open_clip  # noqa: E402 - needs the line above beside a CPU torch
from open_clip.tokenizer import HFTokenizer  # noqa: E402

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
VIT = {"layers": 1, "width": 64, "patch_size": 16, "image_size": 64}
TIMM_VIT = {"timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": "", "image_size": 160}
SENTENCES = ["there is a left pleural effusion.", "no pneumothorax."]
TEXTS = {"context_length": 32, "hf_tokenizer_name": "nobody/nothing"}


@pytest.fixture
def bert_folder(tmp_path: Path) -> Path:
    """Stands for PubMedBERT on the hub: config and vocabulary."""
    _, folder = layouts.write_towers(tmp_path / "towers")
    return folder


def biomed_settings(name: Path | str, pooler: str, proj: str, *, legacy: bool = False) -> dict[str, Any]:
    """BiomedCLIP's model_cfg with small towers; its first spelling where `legacy`."""
    keys = ("pooler_type", "proj") if legacy else ("hf_pooler_type", "hf_proj_type")
    text = {"hf_model_name": str(name), **TEXTS, keys[0]: pooler, keys[1]: proj}
    return {"embed_dim": 24, "vision_cfg": {**TIMM_VIT, "timm_proj": "linear"}, "text_cfg": text}


def build_clip(settings: dict[str, Any], seed: int = 0) -> Any:
    torch.manual_seed(seed)
    text = dict(settings["text_cfg"])
    if "hf_model_name" in text:
        text |= {"hf_model_pretrained": False, "hf_pooler_type": text.pop("pooler_type", text.get("hf_pooler_type"))}
        text["hf_proj_type"] = text.pop("proj", text.get("hf_proj_type"))
    kind = open_clip.CustomTextCLIP if "hf_model_name" in text or settings.get("custom_text") else open_clip.CLIP
    clip = kind(**{**{k: v for k, v in settings.items() if k != "custom_text"}, "text_cfg": text})
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return clip.eval()


def convert(folder: Path, out: Path, films: Path, *more: str) -> EgmaModel:
    assert main(["convert", "open-clip", str(folder), "--out", str(out), "--films", str(films), "--json", *more]) == 0
    return load_model(load_checkpoint(out))


def check_images(model: EgmaModel, clip: Any, side: int) -> None:
    pixels = torch.rand(1, side, side)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.3, 0.4])
    normal = (pixels[:, None].expand(-1, 3, -1, -1) - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    with torch.inference_mode():
        wanted = clip.encode_image(normal, normalize=True)
        torch.testing.assert_close(model.embed_images(pixels).globals, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pooler", ["cls_last_hidden_state_pooler", "mean_pooler"])
@pytest.mark.parametrize(("proj", "legacy"), [("mlp", True), ("linear", False)])
def test_a_biomedclip_folder_computes_what_open_clip_does(
    pooler: str, proj: str, legacy: bool, bert_folder: Path, tmp_path: Path, films: Path
) -> None:
    settings = biomed_settings(bert_folder, pooler, proj, legacy=legacy)
    clip = build_clip(settings)
    folder = layouts.write_clip_folder(tmp_path / "Biomed CLIP", clip, settings, as_bin=legacy)
    (folder / "vocab.txt").write_bytes((bert_folder / "vocab.txt").read_bytes())
    model = convert(folder, tmp_path / "out", films)
    check_images(model, clip, 160)
    rows = model.text.tokenize(SENTENCES)  # type: ignore[operator]
    with torch.inference_mode():
        for row, text in zip(rows, SENTENCES):
            padded = torch.tensor([row + [0] * (32 - len(row))])
            wanted = clip.encode_text(padded, normalize=True)
            torch.testing.assert_close(model.embed_tokens(model.tokenize([text])), wanted, atol=1e-5, rtol=0)
    assert float(model.logit_scale) == pytest.approx(clip.logit_scale.item())


def test_a_biomedclip_folder_grounds_classifies_and_needs_nothing_else(
    bert_folder: Path, tmp_path: Path, films: Path
) -> None:
    settings = biomed_settings(bert_folder, "cls_last_hidden_state_pooler", "mlp")
    folder = layouts.write_clip_folder(tmp_path / "clip", build_clip(settings), settings)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": {**settings, "text_cfg": {**settings["text_cfg"], "hf_model_name": "nobody/nothing"}}})
    )
    convert(folder, tmp_path / "out", films, "--text-tower", str(bert_folder))
    for name in ("towers", "clip"):
        (tmp_path / name).rename(tmp_path / f"{name}-gone")
    engine = load_engine(tmp_path / "out", device="cpu")
    film = Study(np.random.default_rng(0).random((80, 120), dtype=np.float32), None)
    assert engine.ground(film, ["left pleural effusion"])[0].grid.shape == (10, 10)
    assert len(engine.classify(film)) == 15
    text = load_checkpoint(tmp_path / "out").card
    assert "trained on the pooled token alone" in text


def test_sizes_are_read_off_the_tensors_where_no_config_is_at_hand(tmp_path: Path, films: Path) -> None:
    _, bert = layouts.write_towers(tmp_path / "towers")
    wide = {**layouts.BERT, "hidden_size": 128, "num_attention_heads": 2}
    (bert / "config.json").write_text(json.dumps(wide))
    settings = biomed_settings(bert, "cls_last_hidden_state_pooler", "mlp")
    clip = build_clip(settings)
    settings["text_cfg"]["hf_model_name"] = "nobody/BiomedBERT"
    folder = layouts.write_clip_folder(tmp_path / "clip", clip, settings)
    (folder / "vocab.txt").write_bytes((bert / "vocab.txt").read_bytes())
    model = convert(folder, tmp_path / "out", films)
    (row,) = model.text.tokenize(SENTENCES[:1])  # type: ignore[operator]
    with torch.inference_mode():
        wanted = clip.encode_text(torch.tensor([row]), normalize=True)
        torch.testing.assert_close(model.embed_tokens(model.tokenize(SENTENCES[:1])), wanted, atol=1e-5, rtol=0)
    assert "read off the tensors" in load_checkpoint(tmp_path / "out").card


@pytest.mark.parametrize(
    ("vision", "extra", "side"),
    [
        (VIT, {}, 64),
        (VIT, {"quick_gelu": True, "custom_text": True}, 64),
        ({"layers": [1, 1, 1, 1], "width": 16, "patch_size": None, "image_size": 64}, {}, 64),
        ({"timm_model_name": "test_convnext", "timm_pool": "", "timm_proj": "linear", "image_size": 64}, {}, 64),
        ({"timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "", "image_size": 160}, {}, 160),
    ],
    ids=["vit", "quickgelu-custom-text", "resnet", "convnext", "timm-vit-without-projection"],
)
def test_a_clip_with_its_own_text_half_computes_what_open_clip_does(
    vision: dict[str, Any], extra: dict[str, Any], side: int, tmp_path: Path, films: Path
) -> None:
    settings = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT, **extra}
    clip = build_clip(settings)
    model = convert(layouts.write_clip_folder(tmp_path / "clip", clip, settings), tmp_path / "out", films)
    check_images(model, clip, side)
    tokens = open_clip.SimpleTokenizer(context_length=16)(SENTENCES)
    with torch.inference_mode():
        wanted = clip.encode_text(tokens, normalize=True)
        torch.testing.assert_close(model.embed_tokens(model.tokenize(SENTENCES)), wanted, atol=1e-5, rtol=0)


def test_siglips_pool_and_tokenizer_are_its_own(bert_folder: Path, tmp_path: Path, films: Path) -> None:
    text = {
        **TEXT,
        "vocab_size": 64,
        "hf_tokenizer_name": "nobody/nothing",
        "tokenizer_kwargs": {"clean": "canonicalize"},
    }
    text |= {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"}
    vision = {"timm_model_name": "test_vit3", "timm_pool": "map", "timm_proj": "none", "image_size": 160}
    settings = {"embed_dim": 96, "init_logit_bias": -10, "custom_text": True, "vision_cfg": vision, "text_cfg": text}
    clip = build_clip(settings)
    folder = layouts.write_clip_folder(tmp_path / "siglip", clip, settings)
    (folder / "vocab.txt").write_bytes((bert_folder / "vocab.txt").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]"})
    )
    model = convert(folder, tmp_path / "out", films)
    check_images(model, clip, 160)
    texts = ["There is a LEFT effusion.", "clear"]
    tokens = HFTokenizer(str(folder), context_length=16, clean="canonicalize")(texts)
    assert model.text.tokenize(texts) == tokens.tolist()  # type: ignore[operator]
    with torch.inference_mode():
        wanted = clip.encode_text(tokens, normalize=True)
        torch.testing.assert_close(model.embed_tokens(model.tokenize(texts)), wanted, atol=1e-5, rtol=0)


def test_a_listed_model_with_a_file_of_weights_is_read(tmp_path: Path, films: Path) -> None:
    clip = open_clip.create_model("ViT-S-32-alt", pretrained=None).eval()
    file = tmp_path / "weights.pt"
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in clip.state_dict().items()}}, file)
    model = convert(Path(f"ViT-S-32-alt:{file}"), tmp_path / "out", films)
    tokens = open_clip.get_tokenizer("ViT-S-32-alt")(SENTENCES)
    with torch.inference_mode():
        wanted = clip.encode_text(tokens, normalize=True)
        torch.testing.assert_close(model.embed_tokens(model.tokenize(SENTENCES)), wanted, atol=1e-5, rtol=0)


def test_neither_tower_keeps_the_other_half(tmp_path: Path, films: Path) -> None:
    settings = {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": TEXT}
    clip: nn.Module = build_clip(settings)
    convert(layouts.write_clip_folder(tmp_path / "clip", clip, settings), tmp_path / "out", films)
    names = load_file(tmp_path / "out" / "model.safetensors")
    assert len(names) == len(clip.state_dict())
    assert not [name for name in names if name.startswith(("image.trunk.text", "text.trunk.visual"))]
