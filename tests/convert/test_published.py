"""MedCLIP and EGMA: an imported model computes what a plain transformers and torch composition computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from egma.__main__ import main
from egma.checkpoints import load_checkpoint
from egma.convert.published import MEDCLIP_MEAN, MEDCLIP_STD
from egma.inference.engine import load_engine
from egma.model.build import load_model
from egma.model.egma import EgmaModel
from egma.types import Study
from tests.convert import layouts

SENTENCES = ["There is a left pleural effusion.", "No pneumothorax."]
LAYERS = {"medclip": (1, 2, -1), "egma": (-4, -3, -2, -1)}


def convert(family: str, file: Path, folder: Path, films: Path) -> EgmaModel:
    image, text = layouts.write_towers(folder / "towers")
    arguments = ["convert", family, file, "--image-tower", image, "--text-tower", text]
    assert main([*map(str, arguments), "--out", str(folder / "out"), "--films", str(films), "--json"]) == 0
    return load_model(load_checkpoint(folder / "out"))


def save(tensors: dict[str, Tensor], folder: Path) -> Path:
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def plain_text(tensors: dict[str, Tensor], ids: list[int], family: str) -> Tensor:
    """The authors' text side on one text: hidden states averaged, then all tokens, then projected."""
    states = layouts.build_bert()(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    pooled = torch.stack([states[layer] for layer in LAYERS[family]]).mean(0).mean(1)
    return F.normalize(pooled @ tensors["text_model.projection_head.weight"].T, dim=-1)[0]


def plain_swin(tensors: dict[str, Tensor], pixels: Tensor, heads: list[str]) -> tuple[Tensor, list[Tensor]]:
    """The authors' image side: pooled vector and a grid a head, finest first."""
    normal = ((pixels - MEDCLIP_MEAN) / MEDCLIP_STD)[:, None].expand(-1, 3, -1, -1)
    found = layouts.build_swin()(normal, output_hidden_states=True)
    weights = [tensors[f"vision_model.{head}.weight"] for head in heads]
    stages = [state.flatten(2).transpose(1, 2) for state in found.reshaped_hidden_states[1 : len(heads)]]
    grids = [F.normalize(stage @ weight.T, dim=-1) for stage, weight in zip((*stages, found[0]), weights)]
    return F.normalize(found.pooler_output @ weights[-1].T, dim=-1), grids


@pytest.mark.parametrize("old_names", [True, False], ids=["transformers-4-names", "transformers-5-names"])
@pytest.mark.parametrize(
    ("family", "heads"),
    [("medclip", ["projection_head"]), ("egma", ["projection_head1", "projection_head2", "projection_head"])],
)
def test_a_swin_import_computes_what_the_authors_towers_do(
    family: str, heads: list[str], old_names: bool, tmp_path: Path, films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = layouts.vit_tensors(family, old_names=old_names)
    model = convert(family, save(tensors, tmp_path), tmp_path, films)
    pixels = torch.rand(2, 64, 64)
    with torch.inference_mode():
        found = model.embed_images(pixels)
        pooled, grids = plain_swin(tensors, pixels, heads)
        torch.testing.assert_close(found.globals, pooled, atol=1e-5, rtol=0)
        for ours, theirs in zip(found.grids, grids, strict=True):
            torch.testing.assert_close(ours.flatten(1, 2), theirs, atol=1e-5, rtol=0)
        ids = model.text.tokenize(SENTENCES)  # type: ignore[operator]
        for row, text in zip(ids, SENTENCES):
            wanted = plain_text(tensors, row, family)
            torch.testing.assert_close(model.embed_tokens(model.tokenize([text]))[0], wanted, atol=1e-5, rtol=0)
    assert float(model.logit_scale) == pytest.approx(2.5)
    assert [grid.shape[1] for grid in found.grids] == ([16, 8, 4] if family == "egma" else [4])
    assert model.drawn == (1 if family == "egma" else 0)
    unused = json.loads(capsys.readouterr().out)["unused"]
    assert "text_model.model.pooler.dense.weight" in unused
    assert ("word_local_atten_layer.in_proj_weight" in unused) == (family == "egma")


def test_a_resnet_import_needs_no_image_tower_and_computes_what_torchvision_does(tmp_path: Path, films: Path) -> None:
    _, text = layouts.write_towers(tmp_path / "towers")
    file = save(layouts.resnet_tensors(), tmp_path)
    arguments = ["convert", "medclip", file, "--text-tower", text, "--out", tmp_path / "out", "--films", films]
    assert main([*map(str, arguments)]) == 0
    model = load_model(load_checkpoint(tmp_path / "out"))
    pixels = torch.rand(1, 224, 224)
    with torch.inference_mode():
        found = model.embed_images(pixels)
        normal = ((pixels - MEDCLIP_MEAN) / MEDCLIP_STD)[:, None].expand(-1, 3, -1, -1)
        wanted = F.normalize(layouts.build_resnet()(normal), dim=-1)
    torch.testing.assert_close(found.globals, wanted, atol=1e-5, rtol=0)
    assert found.grids[0].shape == (1, 7, 7, layouts.EMBED_DIM)


@pytest.mark.parametrize("wrapper", ["state_dict", "module", "safetensors", "half", "folder"])
def test_the_same_weights_are_read_however_they_were_saved(wrapper: str, tmp_path: Path, films: Path) -> None:
    tensors = layouts.vit_tensors("medclip")
    plain = convert("medclip", save(tensors, tmp_path), tmp_path / "a", films).state_dict()
    file = tmp_path / "pytorch_model.bin"
    if wrapper == "state_dict":
        torch.save({"state_dict": tensors}, file)
    elif wrapper == "module":
        torch.save({f"module.{name}": tensor for name, tensor in tensors.items()}, file)
    elif wrapper == "half":
        torch.save({n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}, file)
    elif wrapper == "safetensors":
        file = tmp_path / "weights.bin"  # what a file is, its content says
        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)
    else:
        file = tmp_path
    again = convert("medclip", file, tmp_path / "b", films).state_dict()
    assert all(torch.allclose(tensor, again[name], atol=2e-3) for name, tensor in plain.items())
    assert all(tensor.dtype in (torch.float32, torch.long) for tensor in again.values())


def test_an_imported_checkpoint_grounds_and_classifies(tmp_path: Path, films: Path) -> None:
    convert("egma", save(layouts.vit_tensors("egma"), tmp_path), tmp_path, films)
    engine = load_engine(tmp_path / "out", device="cpu")
    film = Study(np.random.default_rng(0).random((80, 120), dtype=np.float32), None)
    (found,) = engine.ground(film, ["left pleural effusion"])
    assert found.grid.shape == (8, 8) and found.cosine.shape == (80, 120)
    low, high = engine.display_range
    assert -1 <= low < high <= 1
    assert len(engine.classify(film)) == 15
    card = load_checkpoint(tmp_path / "out").card
    assert "Research use only" in card and "pytorch_model.bin" in card and "word_local_atten_layer" in card
    assert "/somebody/else" not in (tmp_path / "out" / "text" / "config.json").read_text()


def test_a_vocabulary_alone_is_read_as_transformers_reads_it(tmp_path: Path, films: Path) -> None:
    from transformers import AutoTokenizer

    model = convert("medclip", save(layouts.vit_tensors("medclip"), tmp_path), tmp_path, films)
    theirs = AutoTokenizer.from_pretrained(tmp_path / "towers" / "clinicalbert")
    texts = [*SENTENCES, "LEFT effusion, unheard-of", ""]
    assert model.text.tokenize(texts) == theirs(texts)["input_ids"]  # type: ignore[operator]
