"""Tasks from the command line on copies of data sets: what a result carries, twice the same, mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from egma.checkpoints import load_checkpoint
from egma.evaluation.published import load_published
from egma.testing import data_sets
from tests.evaluation.conftest import Run, value


def test_zeroshot_names_list_prompts_seed_size_and_checkpoint(
    evaluate: Run, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    root = data_sets.write_5x200(tmp_path / "data")
    status, found, _ = evaluate("zeroshot", "--data", str(root), "--draws", "50", "--out", str(tmp_path / "out"))
    assert status == 0 and found is not None
    assert found["data"]["n"] == 10 and len(found["data"]["list_sha256"]) == 64
    assert found["protocol"]["prompts"]["name"] == "gloria-5x200" and len(found["protocol"]["prompts"]["sha256"]) == 64
    assert found["models"][0]["hash"] == load_checkpoint(tiny_checkpoint).hash
    assert found["models"][0]["image_px"] == 128
    assert [model["name"] for model in found["models"]] == ["tiny", "majority", "chance"]
    assert value(found, "majority", "accuracy")["value"] == 0.2
    assert value(found, "majority", "AUROC")["value"] == 0.5
    figure = value(found, "tiny", "accuracy")
    assert figure["low"] <= figure["value"] <= figure["high"] and figure["n"] == 10
    assert all(row["why_not"] for row in found["published"]) and len(found["published"]) == 4
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"result.json", "table.md", "figures.csv", "cases.csv", "roc.png", "reliability.png", "worst-1.png"} <= names
    assert json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8")) == found


def test_two_runs_give_the_same_bytes(evaluate: Run, tmp_path: Path) -> None:
    root = data_sets.write_siim(tmp_path / "data", 20)
    for name in ("one", "two"):
        options = ("--draws", "40", "--without-frozen", "--out", str(tmp_path / name))
        assert evaluate("zeroshot", "--data", str(root), *options)[0] == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_findings_of_one_kind_get_a_reason_instead_of_a_number(evaluate: Run, tmp_path: Path) -> None:
    rows = [[f"{k}.png", f"p{k}", "test", 1, k % 2] for k in range(6)]
    root = data_sets.write_labels(tmp_path, ("Cardiomegaly", "Effusion"), rows)
    status, found, _ = evaluate("zeroshot", "--data", str(root), "--prompts", "pairs", "--draws", "20")
    assert status == 0
    lone = value(found, "tiny", "AUROC", "Cardiomegaly")
    assert lone["value"] is None and "only positives" in lone["reason"]
    assert value(found, "tiny", "AUROC", "Effusion")["value"] is not None
    assert "no finding has 10" in value(found, "tiny", "AUROC")["reason"]


def test_two_checkpoints_are_compared_on_the_same_films(evaluate: Run, tmp_path: Path, tiny_checkpoint: Path) -> None:
    import shutil

    twin = tmp_path / "twin"
    shutil.copytree(tiny_checkpoint, twin)
    root = data_sets.write_5x200(tmp_path / "data", each=3)
    both = f"{tiny_checkpoint},{twin}"
    status, found, _ = evaluate("zeroshot", "--data", str(root), "--draws", "50", checkpoint=both)
    assert status == 0
    compared = {(row["metric"], row["item"]): row for row in found["comparisons"]}
    assert compared[("accuracy", "all")]["value"] == 0 and not compared[("accuracy", "all")]["significant"]
    assert compared[("AUROC", "Edema")]["method"] == "DeLong" and compared[("AUROC", "Edema")]["p"] == 1.0


def test_prompts_drawn_with_a_seed_are_named_by_it(evaluate: Run, tmp_path: Path) -> None:
    root = data_sets.write_5x200(tmp_path)
    options = ("--prompts-per-class", "3", "--seed", "7", "--draws", "20")
    _, found, _ = evaluate("zeroshot", "--data", str(root), *options)
    prompts = found["protocol"]["prompts"]
    assert prompts["seed"] == 7 and prompts["sentences"] == 15
    _, again, _ = evaluate("zeroshot", "--data", str(root), "--prompts-per-class", "3", "--seed", "8", "--draws", "20")
    assert again["protocol"]["prompts"]["sha256"] != prompts["sha256"]


def test_retrieval_by_class_and_by_own_text(evaluate: Run, tmp_path: Path) -> None:
    _, found, _ = evaluate("retrieval", "--data", str(data_sets.write_8x200(tmp_path / "a")), "--draws", "30")
    assert found["protocol"]["prompts"]["sentences"] == 40
    assert value(found, "chance", "image to text P@1")["value"] == pytest.approx(1 / 8)
    assert {row["set"] for row in found["published"]} == {"chexpert-8x200"}
    _, own, _ = evaluate("retrieval", "--data", str(data_sets.write_mimic_5x200(tmp_path / "b")), "--draws", "30")
    assert own["protocol"]["prompts"]["name"] == "each film's own text"
    assert value(own, "tiny", "text to image mAP")["n"] == 10


@pytest.mark.parametrize(
    "write", [data_sets.write_ms_cxr, data_sets.write_vindr, data_sets.write_chexlocalize, data_sets.write_nih]
)
def test_grounding_stands_between_guesses(write: Any, evaluate: Run, tmp_path: Path) -> None:
    status, found, _ = evaluate("grounding", "--data", str(write(tmp_path)), "--draws", "30")
    assert status == 0
    assert [model["name"] for model in found["models"]] == ["tiny", "centre bias", "chance"]
    assert found["main"] == ["CNR", "mIoU", "pointing game", "Dice", "pixel AUC"]
    chosen = found["protocol"]["dice_level"]["tiny"]["chosen_on"]
    assert chosen == (
        "1 validation regions"
        if write is data_sets.write_chexlocalize
        else "the middle of the checkpoint's display range"
    )


def test_probe_at_three_shares(evaluate: Run, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [[f"{k}.png", f"p{k}", ("train", "val", "test")[k % 3], *generator.integers(0, 2, 2)] for k in range(45)]
    root = data_sets.write_labels(tmp_path, ("Cardiomegaly", "Effusion"), rows)
    status, found, _ = evaluate("probe", "--data", str(root), "--shares", "50,100", "--draws", "20")
    assert status == 0
    assert found["protocol"]["training_films"] == {"50": 8, "100": 15}
    assert [model["kind"] for model in found["models"]] == ["checkpoint", "baseline", "baseline", "baseline"]
    assert value(found, "tiny", "AUROC at 100 %", "Effusion")["value"] is not None


def test_segmentation_stands_beside_the_usual_place(evaluate: Run, tmp_path: Path) -> None:
    root = data_sets.write_rsna(tmp_path, 60)
    status, found, _ = evaluate("segmentation", "--data", str(root), "--draws", "20")
    assert status == 0
    assert 0 <= value(found, "tiny", "Dice")["value"] <= 1
    assert value(found, "usual place", "Dice")["value"] > 0.3


def test_gaze_stands_between_floor_and_ceiling(evaluate: Run, tmp_path: Path) -> None:
    data_sets.write_film(tmp_path / "film.png", 0)
    for reader, shift in (("a", 0), ("b", 2)):
        lines = ["x,y,start,duration", *(f"{20 + shift + k},{30 + k},{k},0.3" for k in range(8))]
        (tmp_path / f"{reader}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = ["image,recording,text", "film.png,a.csv,cardiomegaly", "film.png,b.csv,cardiomegaly; no effusion"]
    (tmp_path / "gaze.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    status, found, _ = evaluate("gaze", "--data", str(tmp_path), "--draws", "20")
    assert status == 0
    floor, ceiling = (
        value(found, name, "nss")["value"] for name in ("centre bias (floor)", "another reader (ceiling)")
    )
    assert ceiling > floor


def test_the_gaze_share_curve_stands_beside_the_published_one(evaluate: Run, tmp_path: Path) -> None:
    rows = [{"share": share, "value": 0.5 + share / 1000, "seed": seed} for share in (1, 10, 100) for seed in (0, 1)]
    (tmp_path / "runs.json").write_text(json.dumps({"gaze_share": rows}), encoding="utf-8")
    options = ("--ablations", str(tmp_path / "runs.json"), "--out", str(tmp_path / "out"))
    status, found, _ = evaluate("gaze_share", *options)
    assert status == 0
    assert [row["share"] for row in found["shares"]] == [1, 10, 100]
    assert [row["value"] for row in found["published"]] == [0.5893, 0.5893, 0.593, 0.5955, 0.613]
    assert (tmp_path / "out" / "gaze_share.png").stat().st_size > 5_000


def test_the_gaze_share_curve_of_the_shipped_checkpoint_is_read(evaluate: Run) -> None:
    folder = Path(__file__).resolve().parents[2] / "checkpoints" / "egma-mini"
    if not (folder / "ablations.json").is_file():
        pytest.skip("this checkout has no ablations of egma-mini")
    status, found, _ = evaluate("gaze_share", checkpoint=str(folder))
    assert status == 0 and found["metric"] == "pointing"
    assert found["shares"][-1]["share"] == 100 and len(found["shares"][-1]["values"]) >= 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("zeroshot",), "--data"),
        (("zeroshot", "--data", "nowhere"), "no folder"),
        (("zeroshot", "--data", ".", "--set", "unicorn"), "no data set of the suite"),
        (("zeroshot", "--data", "."), "holds no data set"),
        (("grounding", "--data", ".", "--set", "chexpert"), "not read by grounding"),
        (("zeroshot", "--data", "set", "--prompts", "poem"), "no prompt set"),
        (("zeroshot", "--data", "set", "--prompts", "gloria-5x200"), "no sentences for"),
        (("probe", "--data", "set"), "no training film"),
        (("probe", "--data", "set", "--shares", "0"), "percents from 1 to 100"),
        (("gaze_share", "--ablations", "none.json"), "no ablations"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_two(
    words: tuple[str, ...], sentence: str, evaluate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "empty").mkdir()
    data_sets.write_labels(tmp_path / "set", ("Hernia",), [["a.png", "p", "test", 1]])
    monkeypatch.chdir(tmp_path / "empty" if words[-1] == "." or "." in words else tmp_path)
    status, found, error = evaluate(*words)
    assert status == 2 and found is None
    assert sentence in error.strip().splitlines()[-1]
    assert "Traceback" not in error


def test_a_film_that_cannot_be_read_is_named(evaluate: Run, tmp_path: Path) -> None:
    data_sets.write_labels(tmp_path, ("Effusion",), [["a.png", "p", "test", 1], ["b.png", "q", "test", 0]])
    (tmp_path / "b.png").write_text("no film", encoding="utf-8")
    status, _, error = evaluate("zeroshot", "--data", str(tmp_path))
    assert status == 2 and "b.png" in error


def test_published_figures_are_those_of_the_paper() -> None:
    rows = [row for row in load_published() if row["model"] == "EGMA" and row["task"] == "zeroshot"]
    assert {(row["set"], row["metric"]): row["value"] for row in rows}[("chexpert-5x200", "accuracy")] == 0.613
    assert len(load_published()) > 30
