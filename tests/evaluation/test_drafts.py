"""Drafts for held-out films: never from the film's own report or its patient's, scored as a table of reports is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from egma.checkpoints import load_checkpoint
from egma.evaluation.drafts import draft_films, hold_out, is_own, open_library, reference_of
from egma.evaluation.sets.films import Film
from egma.evaluation.sets.readers import open_films
from egma.index.records import ReportRecord
from egma.index.store import ReportIndex
from egma.inference.engine import load_engine
from egma.testing import data_sets
from tests.evaluation.conftest import Run, value

SAID = (
    "The heart is enlarged. No pleural effusion.",
    "There is a left pleural effusion. The heart is normal in size.",
    "No focal consolidation. No pneumothorax. The heart is enlarged.",
)
BARE = "There is a {} mark that no other report names."


def write_pairs(root: Path, patients: int = 8, head: str = "image,text,patient") -> Path:
    """pairs.csv: two films a patient, both with the patient's own report, which has a sentence that no other has."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in range(patients):
        text = f"INDICATION: cough. FINDINGS: {SAID[patient % 3]} {BARE.format(chr(97 + patient) * 4)}"
        for film in range(2):
            name = f"{patient}-{film}.png"
            data_sets.write_film(root / name, 10 * patient + film)
            rows.append([name, text, f"p{patient}"][: head.count(",") + 1])
    with (root / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([head.split(","), *rows])
    return root


def test_one_command_drafts_and_scores(evaluate: Run, tmp_path: Path, tiny_checkpoint: Path) -> None:
    status, found, error = evaluate("drafts", "--data", str(write_pairs(tmp_path)), "--neighbours", "5")
    assert status == 0 and found is not None, error
    assert [model["name"] for model in found["models"]] == ["tiny", "tiny, nearest report", "reports by chance"]
    assert found["models"][0]["hash"] == load_checkpoint(tiny_checkpoint).hash
    for metric in ("bleu_1", "bleu_4", "rouge_l", "label F1, micro (rules)", "label F1, macro (rules)"):
        figure = value(found, "tiny", metric)
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1 and figure["n"] == 16
    radgraph = value(found, "tiny", "radgraph_f1")
    assert radgraph["value"] is None and "pip install radgraph" in radgraph["reason"]
    protocol = found["protocol"]
    assert protocol["library"]["reports"] == 8 and len(protocol["library"]["sha256"]) == 64
    assert "reports of the other patients" in protocol["library"]["from"] and protocol["neighbours"] == 5
    assert "every report of its patient" in protocol["never_a_neighbour"]
    assert any("no finding of its film" in note for note in found["notes"])


def test_no_draft_reads_the_films_own_report_or_its_patients(tiny_checkpoint: Path, tmp_path: Path) -> None:
    engine = load_engine(tiny_checkpoint, device="cpu")
    held = hold_out(open_films(write_pairs(tmp_path), "drafts"), own_library=True)
    owner = {name: record.extra["patient"] for name, record in held.library}
    assert len(held.library) == 8  # one a patient, though two films carry it
    with open_library(engine, held, None, lambda *_: None) as index:
        drafted = draft_films(engine, index, held, lambda *_: None, neighbours=7)
    for film, each in zip(held.films, drafted):
        assert sorted(each.reports) == sorted(name for name in owner if owner[name] != film.patient)
        own = BARE.format(chr(97 + int(film.patient[1:])) * 4)
        assert own not in each.draft and own not in each.nearest and own not in each.random


def test_a_patient_nobody_names_is_told_by_the_words(tiny_checkpoint: Path, tmp_path: Path) -> None:
    engine = load_engine(tiny_checkpoint, device="cpu")
    held = hold_out(open_films(write_pairs(tmp_path, head="image,text"), "drafts"), own_library=True)
    assert len(held.library) == 16  # every film counts as a patient of its own
    with open_library(engine, held, None, lambda *_: None) as index:
        drafted = draft_films(engine, index, held, lambda *_: None, neighbours=14)
    assert all(len(each.reports) == 14 for each in drafted)  # its own and its twin's are left out
    for film, each in zip(held.films, drafted):
        assert BARE.format(chr(97 + int(film.name[0])) * 4) not in each.nearest


def test_training_reports_are_the_library_where_there_are_some(evaluate: Run, tmp_path: Path) -> None:
    rows = []
    for film in range(12):
        data_sets.write_film(tmp_path / f"{film}.png", film)
        rows.append(
            [f"{film}.png", f"p{film}", "test" if film > 7 else "train", SAID[film % 3] if film != 11 else "", 1]
        )
    with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["image", "patient", "split", "text", "Edema"], *rows])
    status, found, _ = evaluate("drafts", "--data", str(tmp_path))
    assert status == 0 and found is not None
    assert found["protocol"]["library"]["from"] == "reports of the training and validation films"
    assert found["data"]["n"] == 3 and found["protocol"]["library"]["reports"] == 8
    assert found["protocol"]["passed_over"] == {"tiny": 0}
    assert any("1 test films have no report" in note for note in found["notes"])
    assert value(found, "tiny", "bleu_1")["value"] > 0  # other patients say the same words: that is a find


def test_a_library_of_the_users_is_read_and_left_as_it_is(evaluate: Run, tmp_path: Path, tiny_checkpoint: Path) -> None:
    root, folder = write_pairs(tmp_path / "data", 6), tmp_path / "library"
    engine = load_engine(tiny_checkpoint, device="cpu")
    rows = csv.DictReader((root / "pairs.csv").read_text(encoding="utf-8").splitlines())
    texts = {row["patient"]: row["text"] for row in rows}
    with ReportIndex.open(folder) as index:
        records = [
            {"text": text, "subject_id": name} if name < "p3" else {"text": text} for name, text in texts.items()
        ]
        index.add_reports(engine, [f"r{place}" for place in range(6)], records)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}
    status, found, error = evaluate("drafts", "--data", str(root), "--index", str(folder), "--neighbours", "5")
    assert status == 0 and found is not None, error
    assert found["protocol"]["library"] == {"from": "a library of the user's", "reports": 6, "sha256": None}
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before}
    assert after == before
    with ReportIndex.open(folder, create=False) as index:
        held = hold_out(open_films(root, "drafts"), own_library=False)
        drafted = draft_films(engine, index, held, lambda *_: None, neighbours=5)
    for film, each in zip(held.films, drafted):
        assert f"r{film.patient[1:]}" not in each.reports and len(each.reports) == 5


def test_two_runs_give_the_same_bytes_and_texts_are_kept_only_when_asked(
    evaluate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pairs(tmp_path / "data")
    for name in ("one", "two"):
        assert evaluate("drafts", "--data", str(root), "--texts", "--out", str(tmp_path / name))[0] == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert evaluate("drafts", "--data", str(root), "--out", str(tmp_path / "bare"))[0] == 0
    assert not (tmp_path / "bare" / "drafts.csv").exists()
    for path in (tmp_path / "bare").iterdir():
        assert b"heart" not in path.read_bytes(), path.name  # no word of a report
    columns = ("--reference-column", "reference", "--generated-column", "tiny", "--json")
    from egma.__main__ import main

    assert main(["evaluate", "reports", "--csv", str(tmp_path / "one" / "drafts.csv"), *columns]) == 0
    scored = json.loads(capsys.readouterr().out)
    found = json.loads((tmp_path / "one" / "result.json").read_text(encoding="utf-8"))
    for metric in ("bleu_1", "bleu_4", "rouge_l"):
        assert scored[metric] == pytest.approx(value(found, "tiny", metric)["value"], abs=1e-6)


def test_a_reference_is_what_the_report_says_of_the_film() -> None:
    text = "INDICATION: cough. COMPARISON: none. FINDINGS: The heart is enlarged. IMPRESSION: Cardiomegaly."
    assert reference_of(text) == "The heart is enlarged. Cardiomegaly."
    assert reference_of("  ") == ""


@pytest.mark.parametrize(
    ("patient", "name", "extra", "text", "own"),
    [
        ("p1", "a", {"patient": "p1"}, "Other words.", True),
        ("p1", "a", {"subject_id": "p1"}, "Other words.", True),
        ("p1", "film", {"patient": "p2"}, "Other words.", True),
        ("p1", "a", {"patient": "p2"}, "The heart is enlarged.", False),
        ("p1", "a", {}, "FINDINGS: the heart is  ENLARGED.", True),
        ("p1", "a", {}, "The heart is normal.", False),
        ("film.png", "a", {"patient": "p2"}, "The heart is enlarged.", True),
    ],
    ids=["patient", "subject", "id", "another-patient", "same-words", "other-words", "film-of-nobody"],
)
def test_whose_report_it_is(patient: str, name: str, extra: dict[str, str], text: str, own: bool) -> None:
    film = Film("film.png", Path("film.png"), patient, ())
    assert is_own(film, "The heart is enlarged.", name, ReportRecord(text, extra=dict(extra))) is own


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--neighbours", "0"), "--neighbours: wanted 1 to 500"),
        (("--films", "-1"), "--films: wanted 0 (all) or more"),
        (("--texts",), "name a folder with --out"),
        (("--index", "nowhere"), "nowhere"),
        (("--set", "rsna"), "not read by drafts"),
    ],
)
def test_a_mistake_is_one_sentence(words: tuple[str, ...], sentence: str, evaluate: Run, tmp_path: Path) -> None:
    status, found, error = evaluate("drafts", "--data", str(write_pairs(tmp_path, 3)), *words)
    assert status == 2 and found is None and sentence in error and "Traceback" not in error


def test_one_patient_alone_and_films_without_reports_are_refused(evaluate: Run, tmp_path: Path) -> None:
    status, _, error = evaluate("drafts", "--data", str(write_pairs(tmp_path / "one", 1)))
    assert status == 2 and "at least two patients" in error
    data_sets.write_labels(tmp_path, ("Edema",), [["a.png", "p", "test", 1], ["b.png", "q", "test", 0]])
    status, _, error = evaluate("drafts", "--data", str(tmp_path), "--set", "labels")
    assert status == 2 and "no test film has a report" in error
