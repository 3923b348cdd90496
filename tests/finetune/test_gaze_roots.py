"""Gaze data sets as their users download them: a whole root is trained on by the command, and damage is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from egma.jobs import JobFolder
from tests.finetune.bases import kinds_of, steps_of, write_config
from tests.finetune.conftest import Said
from tests.finetune.roots import FILMS, KINDS, write_root

Finetune = Callable[..., Said]
STEPS = 3


def train(finetune: Finetune, base: Path, folder: Path, root: Path, images: Path) -> Said:
    """`python -m egma finetune RUN_DIR --data ROOT` for a few steps of the preset heads."""
    few = {"max_steps": STEPS, "validate_every": STEPS, "validation_phantoms": 4}
    words = ["--config", write_config(folder, base, preset="heads", **few), "--data", str(root)]
    words += ["--set", f"images={images}"] if images.exists() else []
    return finetune(str(folder / "run"), *words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_is_trained_on_with_its_gaze(kind: str, tmp_path: Path, tiny_base: Path, finetune: Finetune) -> None:
    root = write_root(kind, tmp_path / "root", tmp_path / "jpg")
    done = train(finetune, tiny_base, tmp_path, root, tmp_path / "jpg")
    assert done.returncode == 0, done.stderr
    counts = json.loads((tmp_path / "run" / "config.json").read_text())["provenance"]["data"]
    assert counts["source"] == kind and counts["train_with_gaze"] >= 4 and counts["validation_with_gaze"] >= 1
    assert counts["train_films"] + counts["validation_films"] >= FILMS - 3 and counts["simulated_gaze"] is False
    steps = steps_of(tmp_path / "run")
    assert sorted(steps) == list(range(1, STEPS + 1))
    assert all(step["gaze_alignment"] > 0 and step["gaze_mapping"] > 0 for step in steps.values())
    assert all(event["gaze_of"] > 0 for event in kinds_of(tmp_path / "run", "validation"))
    said = (tmp_path / "run" / "checkpoint" / "card.md").read_text()
    assert str(tmp_path) not in said and "dictat" not in said


def test_a_root_without_its_films_is_one_sentence(tmp_path: Path, tiny_base: Path, finetune: Finetune) -> None:
    root = write_root("reflacx", tmp_path / "root", tmp_path / "jpg")
    shutil.rmtree(tmp_path / "jpg")
    done = train(finetune, tiny_base, tmp_path, root, tmp_path / "jpg")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "12 of 12 films have no image, as no folder of images was named: reflacx-P300R000000" in done.stderr
    assert JobFolder(tmp_path / "run").state().cause == "data missing"


def test_films_that_lead_out_of_their_folder_are_named_and_not_read(
    tmp_path: Path, tiny_base: Path, finetune: Finetune
) -> None:
    root = write_root("reflacx", tmp_path / "root", tmp_path / "jpg")
    for film in (tmp_path / "jpg").rglob("*.jpg"):
        film.unlink()
        film.symlink_to("/etc/passwd")
    done = train(finetune, tiny_base, tmp_path, root, tmp_path / "jpg")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "a link that leads out of the folder of images" in done.stderr and "root:" not in done.stderr
