"""log.txt: a line for every state, progress now and then, and whatever a text holds stays one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from egma.errors import DataError
from egma.jobs import running
from egma.jobs.logbook import Logbook

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (.*)")


def said(folder: Path) -> list[str]:
    return [found[1] for line in (folder / "log.txt").read_text().splitlines() if (found := LINE.fullmatch(line))]


def test_a_job_of_a_terminal_has_a_log_too(tmp_path: Path) -> None:
    with running(tmp_path, "cpu") as job:
        job.progress(0, 9, "reading films")
        job.note("after step 4: loss 0.5")
        job.finish({})
    assert said(tmp_path) == [
        "running: At work on cpu.",
        "reading films, 0 of 9",
        "after step 4: loss 0.5",
        "finished: It ran to its end.",
    ]


def test_a_failure_is_in_the_log_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(DataError), running(tmp_path, "cpu"):
        raise DataError("row 7: the film is missing")
    assert said(tmp_path)[-1] == "failed (data missing): row 7: the film is missing"


def test_a_thousand_steps_in_a_moment_are_a_line_and_a_new_task_is_another(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "log.txt")
    for step in range(1000):
        book.write_progress(f"step {step}", "step")
    book.write_progress("writing the checkpoint", "writing the checkpoint")
    assert said(tmp_path) == ["step 0", "writing the checkpoint"]


def test_a_text_with_line_ends_and_control_codes_stays_one_line(tmp_path: Path) -> None:
    Logbook(tmp_path / "log.txt").write("a\nb\x1b[31m\x00" + "c" * 5000)
    (line,) = (tmp_path / "log.txt").read_text().splitlines()
    assert "\x1b" not in line and "\x00" not in line and len(line) < 700


def test_a_log_that_cannot_be_written_does_not_end_the_work(tmp_path: Path) -> None:
    (tmp_path / "log.txt").mkdir()
    Logbook(tmp_path / "log.txt").write("a line")
    assert (tmp_path / "log.txt").is_dir()
