"""Every kind of checkpoint that the suite takes is fine-tuned: Swin, ResNet and open_clip towers, each in miniature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from egma.__main__ import main
from egma.checkpoints import load_checkpoint
from egma.evaluation.finetuning import Network
from egma.evaluation.supervised import Layer
from egma.model.build import load_model
from tests.convert import layouts
from tests.convert.conftest import films as films  # noqa: PLC0414 - a fixture
from tests.convert.test_openclip import TEXT, VIT, build_clip
from tests.evaluation.conftest import Run, value
from tests.evaluation.test_finetune import QUICK, write_random


def import_egma(folder: Path, films: Path) -> Path:
    image, text = layouts.write_towers(folder / "towers")
    torch.save(layouts.vit_tensors("egma"), folder / "pytorch_model.bin")
    words = ["convert", "egma", folder / "pytorch_model.bin", "--image-tower", image, "--text-tower", text]
    assert main([*map(str, words), "--out", str(folder / "out"), "--films", str(films), "--json"]) == 0
    return folder / "out"


def import_clip(folder: Path, films: Path) -> Path:
    settings = {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": TEXT}
    source = layouts.write_clip_folder(folder / "clip", build_clip(settings), settings)
    assert (
        main(["convert", "open-clip", str(source), "--out", str(folder / "out"), "--films", str(films), "--json"]) == 0
    )
    return folder / "out"


@pytest.mark.parametrize("build", [import_egma, import_clip], ids=["swin", "open_clip"])
def test_an_imported_checkpoint_is_fine_tuned_twice_the_same(
    build: Callable[[Path, Path], Path],
    films: Path,
    tmp_path: Path,
    evaluate: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkpoint = build(tmp_path, films)
    capsys.readouterr()
    (tmp_path / "data").mkdir()
    root = write_random(tmp_path / "data", 36)
    for name in ("one", "two"):
        options = ("--data", str(root), "--shares", "100", *QUICK, "--out", str(tmp_path / name))
        status, found, error = evaluate("finetune", *options, checkpoint=str(checkpoint))
        assert status == 0 and found is not None, error
    assert (tmp_path / "one" / "result.json").read_bytes() == (tmp_path / "two" / "result.json").read_bytes()
    assert value(found, "out", "AUROC at 100 %")["value"] is None or found["data"]["n"] == 12
    assert value(found, "out", "AUROC at 100 %", "Effusion")["value"] is not None


def test_every_number_of_the_image_half_moves_and_the_checkpoint_stays(films: Path, tmp_path: Path) -> None:
    model = load_model(load_checkpoint(import_egma(tmp_path, films)))
    before = {name: each.clone() for name, each in model.named_parameters()}
    network = Network(model, 2)
    width = model.config.embed_dim
    network.begin_with(Layer(torch.zeros(width), torch.ones(width), torch.randn(width, 2), torch.zeros(2)))
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    network(torch.rand(2, model.config.image.input_px, model.config.image.input_px)).square().sum().backward()
    optimizer.step()
    moved = {name for name, each in model.named_parameters() if not torch.equal(each, before[name])}
    assert any(name.startswith("image.trunk.embeddings") for name in moved)  # down to the first layer
    assert not any(name.startswith("text") for name in moved)
