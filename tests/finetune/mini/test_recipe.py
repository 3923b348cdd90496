"""The recipe runs from end to end, seeded, on a tiny model and phantoms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from egma.__main__ import main
from egma.finetune.mini import ablation, recipe
from egma.inference.engine import load_engine
from egma.testing.phantoms import build_phantom

pytestmark = [pytest.mark.timeout(200), pytest.mark.usefixtures("fresh_accelerate")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    arguments = ["--miniature", "--device", "cpu", "--out", str(folder / "tiny"), "--work", str(folder / "work")]
    assert recipe.main(arguments) == 0
    return folder / "tiny"


def test_the_recipe_makes_a_checkpoint_that_answers(trained: Path) -> None:
    engine = load_engine(trained, "cpu")
    study = build_phantom(5, finding="Effusion", side="left", size=(128, 128)).study
    scores = engine.classify(study)
    assert len(scores) == 15 and all(0 <= value <= 1 for value in scores.values())
    low, high = engine.display_range
    assert -1 <= low < high <= 1
    (found,) = engine.ground(study, ["left pleural effusion"])
    assert np.isfinite(found.grid).all()


def test_the_config_tells_what_was_trained(trained: Path) -> None:
    training = json.loads((trained / "config.json").read_text())["training"]
    assert training["recipe"]["seed"] == 0
    assert training["films"]["train"] == 12
    assert set(training["validation"]) == {"auroc", "patch_share", "pointing", "side"}


def test_equal_seeds_make_equal_checkpoints(trained: Path, tmp_path: Path) -> None:
    assert recipe.main(["--miniature", "--device", "cpu", "--out", str(tmp_path / "tiny")]) == 0
    again, first = (json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "tiny", trained))
    assert again["weights_sha256"] == first["weights_sha256"]


def test_a_trunk_left_by_an_earlier_run_is_taken(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = trained.parent / "work"
    assert recipe.main(["--miniature", "--device", "cpu", "--out", str(work / "again"), "--work", str(work)]) == 0
    assert "taken from an earlier run" in capsys.readouterr().err


def test_the_ablation_compares_every_arm_and_the_card_shows_it(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--miniature", "--checkpoint", str(trained), "--seeds", "1", "--steps", "2", "--phantoms", "5"]
    assert ablation.main(arguments) == 0
    found = json.loads((trained / "ablations.json").read_text())
    assert [arm["name"] for arm in found["arms"]] == [arm.name for arm in ablation.ARMS]
    assert found["arms"][0]["pointing_gain"]["value"] == 0.0  # the first arm against itself
    assert found["phantoms"] == 5 and found["steps"] == 2
    capsys.readouterr()
    assert main(["evaluate", "card", str(trained), "--phantoms", "6", "--phantom-px", "128", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((trained / "figures.json").read_text())
    card = (trained / "card.md").read_text()
    assert printed["hash"][:16] in card and "Research use only" in card
    assert f"{printed['phantoms']['hit']['value']:.3f}" in card
    assert f"{found['arms'][0]['pointing']['value']:.3f}" in card
    assert load_engine(trained, "cpu").checkpoint.card == card
    for name in re.findall(r"\]\(([^)]+\.png)\)", card):
        assert (trained / name).read_bytes().startswith(b"\x89PNG"), name


def test_a_card_made_twice_is_the_same_to_the_byte(trained: Path) -> None:
    def made() -> dict[str, bytes]:
        assert main(["evaluate", "card", str(trained), "--phantoms", "6", "--phantom-px", "128"]) == 0
        return {path.name: path.read_bytes() for path in trained.iterdir()}

    assert made() == made()


def test_a_gallery_without_films_is_the_callers_mistake(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "card", str(trained), "--gallery", str(tmp_path)]) == 2
    assert "--data" in capsys.readouterr().err


def test_an_interrupted_training_runs_along_the_same_curve(tmp_path: Path) -> None:
    class Cut(Exception):
        pass

    def stop_in_the_heads(text: str) -> None:
        if text.startswith("heads: step 1/"):
            raise Cut

    arguments = ["--miniature", "--device", "cpu", "--work", str(tmp_path / "work")]
    whole = recipe.build_parser().parse_args([*arguments[:3], "--out", str(tmp_path / "whole")])
    first = recipe.train_mini(whole, lambda text: None)
    parsed = recipe.build_parser().parse_args([*arguments, "--out", str(tmp_path / "parted")])
    with pytest.raises(Cut):
        recipe.train_mini(parsed, stop_in_the_heads)
    assert not (tmp_path / "parted").exists()
    again = recipe.train_mini(parsed, lambda text: None)
    assert again.config.weights_sha256 == first.config.weights_sha256


def test_no_data_is_the_callers_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe.main(["--out", str(tmp_path / "none")]) == 2
    assert "--data is missing" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_data_without_a_manifest_is_the_callers_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe.main(["--data", str(tmp_path), "--out", str(tmp_path / "none")]) == 2
    assert "no manifest was found" in capsys.readouterr().err
