"""torchxrayvision's classifier beside a checkpoint: from weights on disk in its own layout, and never downloaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from egma.compat import ensure_torchvision
from egma.errors import DataError
from egma.evaluation.baselines import classify_by_xrv
from egma.evaluation.sets.readers import open_films
from egma.imaging import load_study
from egma.testing import data_sets
from tests.evaluation.conftest import Run, value

pytest.importorskip("importlib.metadata").distribution("torchxrayvision")
NAME = "torchxrayvision densenet121-all"
FILE = "nih-pc-chex-mimic_ch-google-openi-kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"


def xrv() -> Any:
    ensure_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchxrayvision
    return torchxrayvision


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with random weights in the layout that is published: the whole module, pickled by torch."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / ".torchxrayvision" / "models_data" / FILE
    path.parent.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = xrv().models.DenseNet(num_classes=18)
    with torch.no_grad():  # answers between 0 and 1, another one for each finding
        model.classifier.weight.mul_(0.003)
        model.classifier.bias.copy_(torch.linspace(-4, 0, 18))
    torch.save(model, path)
    return path


def write_set(root: Path) -> Path:
    rows = [[f"{k}.png", f"p{k}", "test", k % 2, (k + 1) % 2, k % 2] for k in range(4)]
    return data_sets.write_labels(root / "set", ("Pleural Effusion", "Pleural Thickening", "Scoliosis"), rows)


def test_it_answers_as_the_package_does_and_not_at_all_for_what_it_does_not_know(weights: Path, tmp_path: Path) -> None:
    found = open_films(write_set(tmp_path), "zeroshot")
    scores = classify_by_xrv(found.tested, found.classes, lambda *_: None)
    assert scores is not None and scores.model == NAME and scores.values.shape == (4, 3)
    assert np.isnan(scores.values[:, 2]).all()
    package = xrv()
    model = package.models.DenseNet(weights="densenet121-res224-all")
    pixels = load_study(found.tested[0].path).pixels
    asked = package.datasets.normalize(pixels * 255, 255)[None]
    asked = package.datasets.XRayResizer(224)(package.datasets.XRayCenterCrop()(asked))
    with torch.inference_mode():
        wanted = model(torch.from_numpy(asked).float()[None])[0].numpy()
    columns = [model.pathologies.index(name) for name in ("Effusion", "Pleural_Thickening")]
    assert scores.values[0, :2] == pytest.approx(wanted[columns], abs=0.005)  # films are resized by another rule
    assert len(np.unique(scores.values[:, 0])) == 4  # every film its own answer


def test_it_stands_in_the_table_where_its_weights_are(weights: Path, evaluate: Run, tmp_path: Path) -> None:
    options = ("--data", str(write_set(tmp_path)), "--prompts", "own", "--draws", "20", "--without-frozen")
    status, found, error = evaluate("zeroshot", *options)
    assert status == 0 and found is not None, error
    model = next(model for model in found["models"] if model["name"] == NAME)
    assert model["kind"] == "baseline" and model["image_px"] == 224
    assert value(found, NAME, "AUROC", "Pleural Effusion")["value"] is not None
    assert "no answer for this class" in value(found, NAME, "AUROC", "Scoliosis")["reason"]


def test_without_weights_there_is_no_row_and_nothing_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = open_films(write_set(tmp_path), "zeroshot")
    assert classify_by_xrv(found.tested, found.classes, lambda *_: None) is None
    assert not (tmp_path / "home").exists()


def test_damaged_weights_are_one_sentence(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights.write_bytes(b"no weights")
    found = open_films(write_set(tmp_path), "zeroshot")
    with pytest.raises(DataError, match="cannot be loaded"):
        classify_by_xrv(found.tested, found.classes, lambda *_: None)
    assert capsys.readouterr().out == ""  # the package's own words would break --json
