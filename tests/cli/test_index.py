"""`python -m egma index`: one JSON object, sentences for mistakes, a job's folder where the page asks for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from egma.__main__ import main
from egma.jobs import JobFolder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["index", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def library(tmp_path: Path, tiny_checkpoint: Path, capsys) -> Path:
    table = tmp_path / "reports.csv"
    table.write_text("id,text,sex\na,Left pleural effusion.,F\nb,No pleural effusion.,M\nc,Old rib fracture.,M\n")
    status, out, _ = run(capsys, "build", table, "--out", tmp_path / "lib", "--checkpoint", tiny_checkpoint, "--json")
    assert status == 0 and json.loads(out)["added"] == 3
    return tmp_path / "lib"


def test_a_search_prints_hits_as_json(library: Path, tiny_checkpoint: Path, capsys) -> None:
    status, out, _ = run(
        capsys, "search", library, "no pleural effusion", "--k", 2, "--json", "--checkpoint", tiny_checkpoint
    )
    hits = json.loads(out)["hits"]
    assert status == 0 and hits[0]["id"] == "b" and set(hits[0]) == {"id", "score", "sentence", "text"}
    assert hits[0]["sentence"] == "No pleural effusion." and len(hits) == 2


def test_a_search_takes_filters(library: Path, tiny_checkpoint: Path, capsys) -> None:
    options = ("--checkpoint", tiny_checkpoint, "--json")
    _, out, _ = run(capsys, "search", library, "effusion", "--sex", "F", *options)
    assert [hit["id"] for hit in json.loads(out)["hits"]] == ["a"]
    _, out, _ = run(capsys, "search", library, "effusion", "--finding", "effusion", "--words-only", *options)
    assert [hit["id"] for hit in json.loads(out)["hits"]] == ["a"]
    status, _, err = run(capsys, "search", library, "effusion", "--age", "old")
    assert status == 2 and err.startswith("egma: --age wants years")


def test_lines_for_people_show_the_sentence_and_the_caveat(library: Path, tiny_checkpoint: Path, capsys) -> None:
    status, out, err = run(capsys, "search", library, "rib fracture", "--checkpoint", tiny_checkpoint)
    assert status == 0 and "c  score 1.000" in out and "Old rib fracture." in out and "Research use only" in err


def test_reports_are_added_deleted_counted_and_compacted(library: Path, tiny_checkpoint: Path, capsys) -> None:
    added = run(
        capsys, "add", library, "--id", "d", "--text", "Pneumothorax.", "--checkpoint", tiny_checkpoint, "--json"
    )
    assert added[0] == 0 and json.loads(added[1])["records"] == 4
    deleted = run(capsys, "delete", library, "d", "zz", "--json")
    assert json.loads(deleted[1]) == {"deleted": 1, "records": 3} and "'zz'" in deleted[2]
    stats = json.loads(run(capsys, "stats", library, "--json")[1])
    assert (stats["records"], stats["model"], stats["spaces"]["records"]["tombstones"]) == (3, "tiny", 1)
    assert json.loads(run(capsys, "compact", library, "--json")[1])["spaces"]["records"]["tombstones"] == 0
    assert "searched exactly" in run(capsys, "stats", library)[1]


def test_another_checkpoint_is_refused_and_embeds_the_library_again(library: Path, tmp_path: Path, capsys) -> None:
    from egma.checkpoints import save_checkpoint
    from egma.testing.models import build_tiny_config, build_tiny_model

    save_checkpoint(build_tiny_model(1), build_tiny_config(), tmp_path / "other", "")
    other = ("--checkpoint", tmp_path / "other")
    status, _, err = run(capsys, "search", library, "effusion", *other)
    assert status == 2 and "not with other" in err and "index reembed" in err
    assert run(capsys, "reembed", library, *other, "--json")[0] == 0
    assert run(capsys, "search", library, "effusion", *other)[0] == 0


def test_a_build_reports_to_a_job(tmp_path: Path, tiny_checkpoint: Path, capsys) -> None:
    table = tmp_path / "r.csv"
    table.write_text("id,text\na,Left effusion.\n")
    job = tmp_path / "job"
    job.mkdir()
    command = ("build", table, "--out", tmp_path / "lib", "--checkpoint", tiny_checkpoint, "--job", job)
    assert run(capsys, *command)[0] == 0
    assert JobFolder(job).state().name == "finished"
    assert (JobFolder(job).result() or {})["records"] == 1


MISTAKES = {
    "no library": (("search", "{tmp}/none", "words"), "no report library was found in 'none'"),
    "no source": (("build", "--out", "{tmp}/new"), "wants a SOURCE"),
    "two sources": (("build", "{tmp}/r.csv", "--open-i", "--out", "{tmp}/new"), "not both"),
    "a source that is not there": (("build", "{tmp}/r.csv", "--out", "{tmp}/new"), "does not exist"),
    "a mapping without a sign": (("build", "{tmp}", "--out", "{tmp}/new", "--column", "text"), "WHAT=COLUMN"),
    "nothing to add": (("add", "{lib}"), "wants a SOURCE, or one report"),
    "no id": (("add", "{lib}", "--text", "words"), "--id"),
    "an id that is not there": (("delete", "{lib}", "nobody"), "nothing was deleted"),
    "no words": (("search", "{lib}", "?!", "--words-only"), "nothing to search for"),
    "too many": (("search", "{lib}", "lung", "--k", "100000", "--words-only"), "1 to 1000"),
    "an unknown finding": (("search", "{lib}", "lung", "--finding", "flu"), "is no finding"),
    "another checkpoint": (("search", "{lib}", "lung", "--checkpoint", "nothing"), "no checkpoint 'nothing'"),
}


@pytest.mark.parametrize("case", MISTAKES, ids=str)
def test_a_mistake_is_one_sentence_and_exit_status_2(case: str, library: Path, tmp_path: Path, capsys) -> None:
    arguments, sentence = MISTAKES[case]
    status, out, err = run(capsys, *(each.format(tmp=tmp_path / "x", lib=library) for each in arguments))
    assert (status, out) == (2, "") and err.startswith("egma: ") and sentence in err and err.count("\n") == 1
