"""Fine-tuning as a figure: it learns what frozen vectors hide, twice the same, and never looks at test films."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics as reference

from egma.errors import SettingsError
from egma.evaluation.finetuning import Look, Network, TuneSettings, best_look, fine_tune
from egma.evaluation.sets.readers import open_films
from egma.evaluation.supervised import as_findings, choose_thresholds
from egma.evaluation.tuned_films import TuneTask
from egma.finetune.pixels import ArrayPixels
from egma.testing import data_sets
from egma.testing.models import build_tiny_model
from tests.evaluation.conftest import Run, value

QUICK = ("--epochs", "2", "--steps", "4", "--batch", "8", "--draws", "20")


def write_textures(root: Path, films: int = 120) -> Path:
    """Films of faint stripes under noise, upright where there is a nodule, else lying."""
    generator = np.random.default_rng(5)
    rows = []
    for film in range(films):
        present = film // 3 % 2
        pixels = 90 + generator.normal(0, 12, (64, 64))
        pixels[:, ::2] += 4 * present
        pixels[::2] += 4 * (1 - present)
        whole = np.clip(pixels, 0, 255).astype(np.uint8)
        Image.fromarray(whole).resize((128, 128), Image.Resampling.NEAREST).save(root / f"{film}.png")
        rows.append([f"{film}.png", f"p{film}", ("train", "val", "test")[film % 3], present])
    return data_sets.write_labels(root, ("Nodule",), rows)


def write_random(root: Path, films: int = 60, *, swap_test: bool = False) -> Path:
    """Two films a patient with labels by chance; `swap_test` turns those of test films round."""
    generator = np.random.default_rng(0)
    rows = []
    for film in range(films):
        split, labels = ("train", "val", "test")[film // 2 % 3], generator.integers(0, 2, 2)
        labels = 1 - labels if swap_test and split == "test" else labels
        rows.append([f"{film}.png", f"p{film // 2}", split, *labels])
    return data_sets.write_labels(root, ("Cardiomegaly", "Effusion"), rows)


def test_a_share_is_fine_tuned_beside_the_probe_that_it_starts_from(evaluate: Run, tmp_path: Path) -> None:
    status, found, _ = evaluate("finetune", "--data", str(write_random(tmp_path)), "--shares", "50,100", *QUICK)
    assert status == 0 and found is not None
    assert [model["name"] for model in found["models"]] == ["tiny", "tiny, frozen", "majority", "chance"]
    assert found["main"] == ["AUROC at 50 %", "AUROC at 100 %", "F1 at 50 %", "F1 at 100 %"]
    protocol = found["protocol"]
    assert protocol["training_films"] == {"50": 10, "100": 20} and protocol["validation_films"] == 20
    assert [(run["share"], run["steps"], run["film_passes"]) for run in protocol["runs"]] == [(50, 2, 16), (100, 4, 32)]
    looks = protocol["runs"][1]["validation"]
    assert [look["step"] for look in looks] == [0, 2, 4]
    chosen = next(look for look in looks if look["step"] == protocol["runs"][1]["chosen_step"])
    assert chosen["step"] > 0 and chosen["macro_auroc"] == max(look["macro_auroc"] for look in looks[1:])
    figure = value(found, "tiny", "F1 at 100 %", "Effusion")
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert {(row["first"], row["second"]) for row in found["comparisons"]} == {("tiny", "tiny, frozen")}
    assert found["notes"] == []


def test_it_learns_what_frozen_vectors_show_badly(evaluate: Run, tmp_path: Path) -> None:
    options = ("--shares", "100", "--epochs", "20", "--steps", "60", "--rate", "1e-3", "--draws", "20")
    _, found, _ = evaluate("finetune", "--data", str(write_textures(tmp_path)), *options)
    frozen, tuned = (value(found, name, "AUROC at 100 %")["value"] for name in ("tiny, frozen", "tiny"))
    assert frozen < 0.95 < tuned
    looks = found["protocol"]["runs"][0]["validation"]
    assert looks[-1]["loss"] < looks[0]["loss"] / 2


def test_two_runs_give_the_same_bytes_and_another_seed_others(evaluate: Run, tmp_path: Path) -> None:
    root = write_random(tmp_path)
    for name, seed in (("one", "0"), ("two", "0"), ("three", "1")):
        options = ("--shares", "30", *QUICK, "--seed", seed, "--out", str(tmp_path / name))
        assert evaluate("finetune", "--data", str(root), *options)[0] == 0
    one, two, three = ((tmp_path / name / "result.json").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert json.loads(one)["protocol"]["runs"] != json.loads(three)["protocol"]["runs"]


def test_nothing_is_chosen_by_test_labels(evaluate: Run, tmp_path: Path) -> None:
    found = []
    for name, swap in (("as is", False), ("swapped", True)):
        (tmp_path / name).mkdir()
        root = write_random(tmp_path / name, swap_test=swap)
        _, each, _ = evaluate("finetune", "--data", str(root), "--shares", "100", *QUICK)
        found.append(each)
    assert found[0]["protocol"]["runs"] == found[1]["protocol"]["runs"]
    first, second = (value(each, "tiny", "AUROC at 100 %", "Effusion")["value"] for each in found)
    assert first + second == pytest.approx(1.0)  # the same scores, the labels turned round


def test_subsets_are_nested_seeded_keep_patients_whole_and_say_what_they_leave_out(tmp_path: Path) -> None:
    found = open_films(write_random(tmp_path, 120), "finetune")
    train = found.of("train")
    task = TuneTask.of(found, (10, 50, 100), TuneSettings(seed=4), films=30, validation=10)
    assert [len(task.places[share]) for share in task.shares] == [4, 20, 30] and len(task.validation) == 10
    assert set(task.places[10]) < set(task.places[50]) < set(task.places[100])
    chosen = {train[place].patient for place in task.places[10]}
    left = {train[place].patient for place in set(range(len(train))) - set(task.places[10])}
    assert not chosen & left
    assert task.notes == (
        "at 100 % only 30 of 40 films were used: --films 0 takes all",
        "epochs and thresholds were chosen on 10 of 40 validation films: --validation-films 0 takes all",
    )
    other = TuneTask.of(found, (10,), TuneSettings(seed=5), None, None)
    assert other.places[10] != task.places[10] and other.notes == ()


@pytest.mark.parametrize(
    ("write", "classes"),
    [
        (lambda root: data_sets.write_rsna(root, 60), ("Pneumonia",)),
        (lambda root: data_sets.write_siim(root, 60), ("Pneumothorax",)),
        (lambda root: data_sets.write_chexpert(root, 12), data_sets.FIVE),
        (lambda root: data_sets.write_nih(root, 24), None),
    ],
    ids=["rsna", "siim", "chexpert", "nih"],
)
def test_the_published_layouts_are_fine_tuned_on(write: Any, classes: Any, evaluate: Run, tmp_path: Path) -> None:
    status, found, error = evaluate("finetune", "--data", str(write(tmp_path)), "--shares", "100", *QUICK)
    assert status == 0, error
    assert "F1 at 100 %" in found["main"]  # the finding's own, not the mean with "No Finding"
    items = {row["item"] for row in found["figures"]} - {"all"}
    assert classes is None or items == set(classes)
    assert len(found["data"]["list_sha256"]) == 64 and found["data"]["n"] > 0


def test_the_list_is_that_of_the_zero_shot_figures(evaluate: Run, tmp_path: Path) -> None:
    root = str(data_sets.write_rsna(tmp_path, 40))
    _, tuned, _ = evaluate("finetune", "--data", root, "--shares", "100", *QUICK)
    _, asked, _ = evaluate("zeroshot", "--data", root, "--without-frozen", "--draws", "20")
    assert tuned["data"]["list_sha256"] == asked["data"]["list_sha256"]


def test_thresholds_have_the_best_f1_there_is() -> None:
    generator = np.random.default_rng(1)
    truth = np.stack([generator.integers(0, 2, 50), generator.integers(-1, 2, 50), np.zeros(50, int)], axis=1)
    values = np.round(generator.random((50, 3)), 1)  # with ties
    cuts = choose_thresholds(truth, values)
    for column in range(2):
        known = truth[:, column] >= 0
        present, said = truth[known, column] == 1, values[known, column]
        best = max(reference.f1_score(present, said >= cut) for cut in [0.0, *np.unique(said)])
        assert reference.f1_score(present, said >= cuts[column]) == pytest.approx(best)
    assert cuts[2] == 0.5  # no positive film to choose by


def test_a_constant_answer_is_called_for_all_or_for_none() -> None:
    truth, values = np.array([[1], [0], [0]]), np.full((3, 1), 0.2)
    assert choose_thresholds(truth, values) == [0.0]  # F1 of calling all is 0.5, of calling none 0


def test_the_best_look_has_the_highest_score_then_the_lowest_loss_then_comes_first() -> None:
    looks = [Look(1, 0.8, 0.5), Look(2, 0.9, 0.6), Look(3, 0.9, 0.4), Look(4, 0.9, 0.4)]
    assert best_look(looks) == looks[2]


def test_steps_are_bounded_and_looks_spread_over_them() -> None:
    settings = TuneSettings(epochs=5, steps=150, batch=16)
    assert settings.looks(64) == (4, 8, 12, 16, 20)  # five epochs of four steps
    assert settings.looks(2000) == (30, 60, 90, 120, 150)
    assert settings.looks(1) == (1, 2, 3, 4, 5)
    assert replace(settings, steps=2).looks(2000) == (1, 2)


def test_one_finding_against_none_is_learned_as_the_finding(tmp_path: Path) -> None:
    listed = open_films(data_sets.write_siim(tmp_path, 40), "finetune")
    found = as_findings(listed)
    assert listed.exclusive and not found.exclusive and found.classes == ("Pneumothorax",)
    assert [film.truth for film in found.tested] == [film.truth[1:] for film in listed.tested]
    five = open_films(data_sets.write_5x200(tmp_path / "five"), "zeroshot")
    assert as_findings(five) is five


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--epochs", "0"), "--epochs: wanted 1 to 1000, got 0"),
        (("--steps", "-3"), "--steps: wanted 1"),
        (("--batch", "0"), "--batch: wanted 1"),
        (("--rate", "nan"), "--rate: wanted a learning rate above 0"),
        (("--rate", "0"), "--rate: wanted a learning rate above 0"),
        (("--films", "-1"), "--films: wanted 0 (all) or more"),
        (("--validation-films", "-1"), "--validation-films: wanted 0 (all) or more"),
        (("--shares", "1,x"), "--shares: wanted whole percents"),
        (("--seed", "-1"), "--seed: wanted 0 or more"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    options: tuple[str, ...],
    sentence: str,
    evaluate: Run,
    tmp_path: Path,
) -> None:
    status, found, error = evaluate("finetune", "--data", str(tmp_path), *options)
    assert status == 2 and found is None and sentence in error and "Traceback" not in error


def test_numbers_that_break_are_said_and_nothing_is_kept() -> None:
    network = Network(build_tiny_model(), 1)
    with torch.no_grad():
        network.weights.fill_(float("inf"))
    films = ArrayPixels(np.zeros((4, 128, 128), np.uint8))

    def judge() -> tuple[float, float]:
        return 0.5, 1.0

    with pytest.raises(SettingsError, match="lower --rate"):
        fine_tune(
            network,
            films,
            range(4),
            lambda logits, _: logits.sum(),
            lambda: (0.5, 1.0),
            TuneSettings(),
            lambda *_: None,
        )


def test_a_film_that_cannot_be_read_is_named(evaluate: Run, tmp_path: Path) -> None:
    root = write_random(tmp_path)
    (root / "3.png").write_text("no film", encoding="utf-8")
    status, _, error = evaluate("finetune", "--data", str(root), *QUICK)
    assert status == 2 and "3.png" in error and "Traceback" not in error
