"""Run folders without a process: ids, links, torn lines, offsets, and what a state is when files are odd."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from egma.errors import JobError
from egma.jobs import EventLog, JobFolder, delete_job, find_job, list_jobs, new_job_folder, read_events, resume, running
from egma.jobs.files import read_tail, write_json
from egma.jobs.process import mark_this_process, read_mark
from egma.jobs.queue import name_device

HOSTILE_IDS = [
    "",
    ".",
    "..",
    "../20261124-153000-a1b2c3",
    "/etc/passwd",
    "20261124-153000-a1b2c3/",
    "20261124-153000-a1b2c3/../x",
    "20261124-153000-A1B2C3",
    "20261124-153000-a1b2c3\n",
    "20261124-153000-a1b2c3\0",
    "２0261124-153000-a1b2c3",
    "${HOME}",
    "<img src=x>",
]


@pytest.mark.parametrize("job_id", HOSTILE_IDS, ids=repr)
def test_what_is_no_id_is_refused(tmp_path: Path, job_id: str) -> None:
    with pytest.raises(JobError, match="no job id"):
        find_job(tmp_path, job_id)


def test_a_new_folder_is_found_by_its_id_and_closed_to_others(tmp_path: Path) -> None:
    folder = new_job_folder(tmp_path / "runs")
    assert find_job(tmp_path / "runs", folder.name) == JobFolder(folder.resolve())
    assert folder.stat().st_mode & 0o077 == 0


def test_links_are_neither_found_nor_listed_nor_deleted(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "job.json").write_text("{}")
    runs = tmp_path / "runs"
    runs.mkdir()
    link = runs / "20261124-153000-a1b2c3"
    link.symlink_to(outside)
    assert list_jobs(runs) == []
    with pytest.raises(JobError, match="links are not followed"):
        find_job(runs, link.name)
    with pytest.raises(JobError, match="links are not followed"):
        delete_job(link)
    assert (outside / "job.json").exists()


def test_the_newest_job_comes_first_and_other_folders_are_not_jobs(tmp_path: Path) -> None:
    for name in ("20260101-000000-aaaaaa", "20261231-235959-bbbbbb", "notes", ".20260101-000000-cccccc.deleted"):
        (tmp_path / name).mkdir()
    assert [job.id for job in list_jobs(tmp_path)] == ["20261231-235959-bbbbbb", "20260101-000000-aaaaaa"]
    assert list_jobs(tmp_path / "absent") == []


def test_a_folder_that_holds_no_job_is_not_deleted(tmp_path: Path) -> None:
    folder = new_job_folder(tmp_path)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(JobError, match="holds no job"):
        delete_job(folder)
    assert (folder / "thesis.txt").exists()


def test_a_job_of_a_terminal_says_where_to_resume_it(tmp_path: Path) -> None:
    write_json(tmp_path / "state.json", {"name": "failed", "cause": "bug", "text": "", "time": 1.0})
    with pytest.raises(JobError, match="started in a terminal"):
        resume(tmp_path)


def test_events_are_read_from_where_the_last_reading_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.append("step", step=0, loss=1.5)
    first = read_events(path)
    log.append("step", step=1, loss=float("nan"))
    second = read_events(path, first.offset)
    log.close()
    assert [event["step"] for event in first.events] == [0]
    assert [(event["step"], event["loss"]) for event in second.events] == [(1, None)]
    assert read_events(path, second.offset).events == ()


def test_a_torn_last_line_is_passed_over_and_later_lines_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"kind": "step", "step": 0}\n{"kind": "st')
    assert [event["step"] for event in read_events(path).events] == [0]
    log = EventLog(path)
    log.append("step", step=1)
    log.close()
    assert [event["step"] for event in read_events(path).events] == [0, 1]


def test_an_event_file_that_was_started_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"step": 5}\n')
    assert read_events(path, 10_000).events == ({"step": 5},)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe{", b"null", b"[" * 100_000])
def test_odd_files_make_a_lost_job_not_a_crash(tmp_path: Path, content: bytes) -> None:
    for name in ("job.json", "process.json", "state.json", "heartbeat.json", "config.json", "result.json"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "events.jsonl").write_bytes(content + b"\n")
    job = JobFolder(tmp_path)
    assert job.state().name == "lost"
    assert job.events().events == () and job.config() == {} and job.result() is None


@pytest.mark.parametrize("pid", [0, 1, -1, -4000, True, "12", None, 1.5], ids=repr)
def test_a_process_number_that_would_signal_others_is_no_mark(pid: object) -> None:
    mark = {**vars(mark_this_process()), "pid": pid}
    assert read_mark(json.loads(json.dumps(mark))) is None


def test_this_process_is_alive_and_one_that_ended_is_not() -> None:
    assert mark_this_process().is_alive
    child = os.fork()
    if child == 0:
        os._exit(0)
    from egma.jobs.process import _started

    while _started(child) is not None:  # it ends; until it is collected it is a zombie, which counts as gone
        pass
    assert os.waitpid(child, 0)[0] == child


def test_the_tail_of_a_log_starts_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    tail = read_tail(path, 100)
    assert tail.startswith("line ") and tail.endswith("line 999\n") and len(tail) <= 100
    assert read_tail(tmp_path / "absent") == ""


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JobError, match="cannot be written to"), running(tmp_path / "file" / "run", "cpu"):
        pass


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cpu; rm -rf /", "", "cuda:-1"], ids=repr)
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(JobError, match="wanted auto, cpu, mps, cuda"):
        name_device(device)


@pytest.mark.parametrize("name", ["config.json", "events.jsonl", "log.txt", "result.json"])
def test_a_link_or_a_pipe_in_a_run_folder_is_not_read(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"kind": "secret"}\n')
    (tmp_path / "run").mkdir()
    for make in (lambda path: path.symlink_to(secret), os.mkfifo):
        make(tmp_path / "run" / name)
        job = JobFolder(tmp_path / "run")
        assert (job.config(), job.events().events, job.log_tail(), job.result()) == ({}, (), "", None)
        (tmp_path / "run" / name).unlink()
