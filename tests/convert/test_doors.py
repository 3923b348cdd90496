"""From a published file to every place that opens it: the command line, the page's list, and its switch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from app.assembly import list_with
from app.models import Models, ModelSlot
from app.tabs.about_handlers import AboutHandlers
from app.tabs.compare import CompareHandlers
from app.tabs.switch import SwitchHandlers
from egma.__main__ import main
from egma.calibration import is_calibrated
from egma.checkpoints import CheckpointInfo, load_checkpoint, save_checkpoint
from egma.inference.engine import load_engine
from egma.testing.models import build_tiny_model
from tests.app.conftest import engine as engine  # noqa: PLC0414 - a fixture
from tests.app.conftest import make_study
from tests.app.conftest import services as services  # noqa: PLC0414 - a fixture
from tests.convert import layouts


@pytest.fixture
def imported(tmp_path: Path, films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """EGMA in miniature, imported under DATA/checkpoints as a user would, beside a tiny checkpoint "own"."""
    monkeypatch.setenv("EGMA_DATA", str(tmp_path / "data"))
    root = tmp_path / "data" / "checkpoints"
    model = build_tiny_model()
    save_checkpoint(model, model.config, root / "own", "# Own")
    image, text = layouts.write_towers(tmp_path / "towers")
    torch.save(layouts.vit_tensors("egma"), tmp_path / "pytorch_model.bin")
    arguments = ["convert", "egma", tmp_path / "pytorch_model.bin", "--image-tower", image, "--text-tower", text]
    assert main([*map(str, arguments), "--out", str(root / "egma-public"), "--films", str(films)]) == 0
    assert "open it with --checkpoint egma-public\n" in capsys.readouterr().out
    return root / "egma-public"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    Image.fromarray((np.random.default_rng(0).random((90, 70)) * 255).astype(np.uint8)).save(path)
    return path


def test_every_command_opens_an_import_by_its_name(
    imported: Path, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(film), "--checkpoint", "egma-public"]) == 0
    printed = capsys.readouterr()
    assert "Effusion" in printed.out and "not calibrated" in printed.err
    out = tmp_path / "overlay.png"
    ask = ["ground", str(film), "--text", "left pleural effusion", "--checkpoint", "egma-public"]
    assert main([*ask, "--json", "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)["left pleural effusion"]
    assert np.shape(found["grid"]) == (8, 8) and out.is_file()
    assert main(["doctor", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)["checkpoints"]["egma-public"]
    assert line["card"] and line["figures"] == {} and "no licence" in line["licence"]
    assert line["hash"] == load_checkpoint(imported).hash[:8]


def test_a_wrong_name_lists_what_there_is(imported: Path, film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["classify", str(film)], ["ground", str(film), "--text", "nodule"]):
        assert main([*command, "--checkpoint", "egma-publik"]) == 2
        said = capsys.readouterr().err
        (sentence,) = [line for line in said.splitlines() if line.startswith("egma: ")]
        assert "egma-public" in sentence and "own" in sentence


def test_the_page_lists_it_shows_its_card_switches_to_it_and_compares(imported: Path, services) -> None:
    own = CheckpointInfo("own", imported.parent / "own")
    default = ModelSlot("own", lambda: load_engine(own.folder, device="cpu"))
    default.start()
    models = Models(default, lambda: list_with(own), lambda folder: load_engine(folder, device="cpu"))
    object.__setattr__(services, "models", models)
    assert ("egma-public", "egma-public") in models.choices()
    SwitchHandlers(services).choose("egma-public", "own")
    engine = models.engine("egma-public", 60)
    assert SwitchHandlers(services).follow("egma-public", "own").checkpoint == "egma-public"
    opened = services.films.add(make_study(), "Film")
    view = CompareHandlers(services).refresh(opened.key, "nodule", "own", "egma-public")
    assert (view.viewer.low, view.viewer.high) == engine.display_range
    assert view.viewer.layers[0].rows == 8
    assert "not calibrated" in view.table.meaning
    card = AboutHandlers(services, None)._show("egma-public", "own")  # type: ignore[arg-type]
    assert "word_local_atten_layer" in card.words and "no licence" in card.card.licence


def test_an_imports_probabilities_are_not_called_calibrated(imported: Path) -> None:
    assert not any(map(is_calibrated, load_checkpoint(imported).config.classify.values()))


def test_an_import_follows_the_one_rule_for_colours(imported: Path, films: Path) -> None:
    """A quarter of the patches lie above `low`, next to none above `high`, and one in ten or so is drawn."""
    import egma

    engine = load_engine(imported, device="cpu")
    low, high = engine.display_range
    phrases = [engine.prompts(name).positive[0] for name in engine.findings]
    found: list[Tensor] = []
    for path in sorted(films.iterdir()):
        study = egma.load_study(path)
        seen = engine.geometry(study).seen_patches((8, 8))
        found += [torch.from_numpy(answer.grid[seen]) for answer in engine.ground(study, phrases)]
    cosines = torch.cat(found).numpy()
    assert np.mean(cosines > low) == pytest.approx(0.25, abs=0.02)
    assert np.mean(cosines > high) < 0.01
    assert np.mean(cosines > low + engine.drawn_from * (high - low)) < 0.2
