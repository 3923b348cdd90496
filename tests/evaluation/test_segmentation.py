"""The decoder with the trunk trained: a row of its own, better than frozen where there is something to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from egma.evaluation.segmentation import LEVELS, PatchFilm, best_level
from egma.evaluation.tuned_patches import patch_loss
from egma.testing import data_sets
from egma.testing.dicom import write_dicom
from tests.evaluation.conftest import Run, value


def write_striped(root: Path, films: int = 45) -> Path:
    """RSNA's layout; every film has one box of another size and place, where faint stripes stand upright, else lie."""
    generator = np.random.default_rng(3)
    (root / "stage_2_train_images").mkdir(parents=True)
    lines = ["patientId,x,y,width,height,Target"]
    for film in range(films):
        left, top, side = (int(each) * 8 for each in generator.integers((1, 1, 2), (5, 5, 4)))
        pixels = 90 + generator.normal(0, 10, (64, 64))
        inside = np.zeros((64, 64), bool)
        inside[top : top + side, left : left + side] = True
        pixels += 8 * np.where(inside, np.arange(64)[None] % 2, np.arange(64)[:, None] % 2)
        write_dicom(root / "stage_2_train_images" / f"{film:04}.dcm", np.clip(pixels, 0, 255).astype(np.uint8))
        lines.append(f"{film:04},{left * 16},{top * 16},{side * 16},{side * 16},1")
    (root / "stage_2_train_labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


QUICK = ("--epochs", "2", "--steps", "4", "--batch", "8", "--draws", "20")


@pytest.mark.parametrize("write", [data_sets.write_rsna, data_sets.write_siim], ids=["boxes", "masks"])
def test_the_fine_tuned_row_stands_beside_the_frozen_one(write: Any, evaluate: Run, tmp_path: Path) -> None:
    status, found, error = evaluate("segmentation", "--data", str(write(tmp_path, 60)), "--full", *QUICK)
    assert status == 0 and found is not None, error
    assert [model["name"] for model in found["models"]] == ["tiny", "tiny, fine-tuned", "usual place"]
    assert found["models"][0]["hash"] == found["models"][1]["hash"]
    figure = value(found, "tiny, fine-tuned", "Dice")
    assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    (run,) = found["protocol"]["runs"]
    assert run["model"] == "tiny, fine-tuned" and run["chosen_step"] > 0
    assert set(found["protocol"]["level"]) == {"tiny", "tiny, fine-tuned"}
    (compared,) = found["comparisons"]
    assert compared["value"] == pytest.approx(figure["value"] - value(found, "tiny", "Dice")["value"], abs=2e-6)


def test_without_the_option_nothing_is_trained(evaluate: Run, tmp_path: Path) -> None:
    _, found, _ = evaluate("segmentation", "--data", str(data_sets.write_rsna(tmp_path, 60)), "--draws", "20")
    assert [model["name"] for model in found["models"]] == ["tiny", "usual place"]
    assert "runs" not in found["protocol"] and found["comparisons"] == []


def test_two_runs_are_the_same_and_training_finds_what_frozen_patches_miss(evaluate: Run, tmp_path: Path) -> None:
    root = str(write_striped(tmp_path / "data"))
    options = ("--full", "--epochs", "4", "--batch", "8", "--rate", "2e-3", "--draws", "20")
    for name in ("one", "two"):
        status, found, _ = evaluate("segmentation", "--data", root, *options, "--out", str(tmp_path / name))
        assert status == 0
    assert (tmp_path / "one" / "result.json").read_bytes() == (tmp_path / "two" / "result.json").read_bytes()
    looks = found["protocol"]["runs"][0]["validation"]
    assert looks[-1]["loss"] < looks[0]["loss"]
    frozen, tuned = (value(found, name, "Dice")["value"] for name in ("tiny", "tiny, fine-tuned"))
    assert tuned > frozen
    chosen = next(look for look in looks if look["step"] == found["protocol"]["runs"][0]["chosen_step"])
    assert chosen["dice"] == max(look["dice"] for look in looks[1:])


def test_films_above_the_cap_are_left_out_by_the_seed(evaluate: Run, tmp_path: Path) -> None:
    root = str(data_sets.write_rsna(tmp_path, 90))
    options = ("--films", "6", "--validation-films", "2", "--draws", "20")
    _, found, _ = evaluate("segmentation", "--data", root, *options)
    assert found["protocol"]["training_films"] == 6 and found["protocol"]["validation_films"] == 2
    status, _, error = evaluate("segmentation", "--data", root, "--films", "-2")
    assert status == 2 and "--films: wanted 0 (all) or more" in error


def test_the_level_is_the_one_with_the_best_mean_dice() -> None:
    share = np.array([[1.0, 0.0], [np.nan, 0.8]], np.float32)
    film = PatchFilm(np.zeros((2, 2, 4), np.float32), share)
    answer = np.array([[0.72, 0.4], [0.99, 0.6]], np.float32)
    score, level = best_level([answer], [film])
    # From 0.45 to 0.6 both lesion patches are called and no other that is seen; the first such level is kept.
    assert score == 1.0 and level == 0.45 and level in LEVELS


def test_patches_off_the_film_take_no_part_in_the_loss() -> None:
    shares = torch.tensor([[[1.0, float("nan")], [0.0, 0.5]]])
    logits = torch.tensor([[[0.0, 1e6], [0.0, 0.0]]])
    assert float(patch_loss(logits, shares)) == pytest.approx(np.log(2))
