"""The card of any checkpoint: the words it came with stay, evaluations of the same weights stand in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from egma.__main__ import main
from egma.catalogue import read_entry
from egma.checkpoints import CheckpointInfo, load_checkpoint, save_checkpoint
from egma.convert.finish import NOT_MEASURED
from egma.evaluation.card import MEASURED, write_card
from egma.evaluation.card_results import read_results
from egma.testing.models import build_tiny_model

IMPORTED = f"# Somebody's model\n\nLicence: theirs\n\n- input 128 px\n{NOT_MEASURED}\n- look at their paper\n"
FIGURE = {"value": 0.712, "low": 0.65, "high": 0.77, "n": 40}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An imported checkpoint with the card that its import wrote."""
    model = build_tiny_model()
    save_checkpoint(model, model.config, tmp_path / "tiny", IMPORTED)
    return tmp_path / "tiny"


def write_result(root: Path, run: str, checkpoint_hash: str, **changes: Any) -> None:
    """A result of the suite, as the page keeps it: the checkpoint, another one and a baseline."""
    models = [("tiny", "checkpoint", checkpoint_hash), ("other", "checkpoint", "0" * 64), ("chance", "baseline", "")]
    values = {
        "task": "zeroshot",
        "data": {
            "set": "labels",
            "n": 40,
            "patients": 31,
            "rule": "every film",
            "views": "PA",
            "list_sha256": "ab" * 32,
        },
        "protocol": {"prompts": {"name": "own"}, "seed": 3},
        "models": [{"name": name, "kind": kind, "hash": digest} for name, kind, digest in models],
        "main": ["AUROC"],
        "figures": [
            {"model": name, "metric": metric, "item": item, **FIGURE}
            for name, _, _ in models
            for metric, item in (("AUROC", "all"), ("AUROC", "Mass"), ("F1", "all"))
        ],
    }
    place = root / run / "results"
    place.mkdir(parents=True)
    (place / "result.json").write_text(json.dumps(values | changes), encoding="utf-8")


def test_evaluations_of_the_same_weights_stand_in_the_card_with_their_protocol(folder: Path, tmp_path: Path) -> None:
    digest = load_checkpoint(folder).hash
    write_result(tmp_path / "evaluations", "20261124-100000-aaaaaa", digest)
    write_result(tmp_path / "evaluations", "20261124-110000-bbbbbb", "f" * 64, task="retrieval")
    (tmp_path / "evaluations" / "note.txt").write_text("not a run")
    told = ["evaluate", "card", str(folder), "--from-results", "--results", str(tmp_path / "evaluations")]
    assert main(told) == 0
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "Licence: theirs" in card and "- look at their paper" in card
    assert NOT_MEASURED not in card
    assert "### zeroshot on labels" in card and "retrieval" not in card
    assert "40 cases of 31 patients; every film; views: PA; list abababababab; prompts: own; seed 3." in card
    assert "| tiny | 0.712 [0.650, 0.770] |" in card and "| chance |" in card and "| other |" not in card
    entry = read_entry(CheckpointInfo("tiny", folder))
    assert entry.figure("evaluations.zeroshot on labels.tiny.AUROC") is not None
    assert main(told) == 0
    assert (folder / "card.md").read_text(encoding="utf-8") == card


def test_the_newest_evaluation_of_a_data_set_counts(folder: Path, tmp_path: Path) -> None:
    digest = load_checkpoint(folder).hash
    for run, seed in (("20261124-100000-aaaaaa", 1), ("20261124-120000-aaaaaa", 2)):
        write_result(tmp_path / "evaluations", run, digest, protocol={"seed": seed})
    assert "seed 2" in read_results(tmp_path / "evaluations", digest)["zeroshot on labels"]["about"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"task": 1}', '{"models": [{}]}', "null", "\x00\xff"])
def test_a_damaged_result_is_passed_over(damage: str, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "evaluations" / "20261124-100000-aaaaaa"
    place.mkdir(parents=True)
    (place / "result.json").write_text(damage, encoding="utf-8")
    assert read_results(tmp_path / "evaluations", load_checkpoint(folder).hash) == {}


def test_names_from_a_data_set_stay_text_in_the_card(folder: Path) -> None:
    about = "rule <img src=x onerror=alert(1)> [link](http://a) `code`"
    figures = {"evaluations": {"zeroshot on <b>|x|": {"about": about, "tiny | `x`": {"AUROC": FIGURE}}}}
    card = write_card(load_checkpoint(folder), figures).partition(MEASURED)[2]
    written = card.partition("## Evaluations")[2].partition("## What")[0]
    assert "<" not in written and "](" not in written and "`" not in written
    assert "| tiny _ _x_ | 0.712 [0.650, 0.770] |" in written


def test_a_checkpoint_without_a_card_gets_a_head_from_its_config(folder: Path) -> None:
    (folder / "card.md").unlink()
    card = write_card(load_checkpoint(folder), {"evaluations": {}})
    assert card.startswith("# tiny\n") and "It came without a card" in card and "128 px" in card


@pytest.mark.parametrize(
    ("figures", "options", "sentence"),
    [
        ({}, ["--from-results"], "nothing was measured of tiny yet"),
        ({}, ["--from-results", "--results", "NOWHERE"], "'NOWHERE' is no folder"),
        ({"films": {"test": 9}}, ["--phantoms", "2"], "figures on films"),
    ],
)
def test_a_card_that_would_say_less_is_refused_in_one_sentence(
    figures: dict[str, Any], options: list[str], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if figures:
        found = {"hash": load_checkpoint(folder).hash, **figures}
        (folder / "figures.json").write_text(json.dumps(found), encoding="utf-8")
    assert main(["evaluate", "card", str(folder), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert (folder / "card.md").read_text(encoding="utf-8") == IMPORTED


def test_a_card_that_may_not_be_written_stays_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests' own user may write anywhere
    assert main(["evaluate", "card", str(folder), "--phantoms", "2"]) == 2
    said = capsys.readouterr().err
    assert "may not be written to, so its card stays as it is" in said and "--dry --out" in said


def test_a_picture_for_dark_pages_is_no_picture_of_its_own(folder: Path) -> None:
    from egma.evaluation.looks import DARK
    from egma.evaluation.pictures import draw_reliability

    bins = [{"probability": 0.2, "value": 0.3, "low": 0.1, "high": 0.5, "n": 9}]
    (folder / "reliability.png").write_bytes(draw_reliability(bins))
    (folder / "reliability-dark.png").write_bytes(draw_reliability(bins, DARK))
    (folder / "lonely-dark.png").write_bytes(draw_reliability(bins, DARK))
    shown = read_entry(CheckpointInfo("tiny", folder)).pictures
    assert {each.path.name: each.dark and each.dark.name for each in shown} == {
        "reliability.png": "reliability-dark.png",
        "lonely-dark.png": None,
    }
    assert draw_reliability(bins) != draw_reliability(bins, DARK)
