"""States of real processes: they end, are stopped, killed, wait their turn, run out of disk and memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from egma.errors import JobError
from egma.jobs import JobFolder, delete_job, duplicate, list_jobs, resume, stop, write_json
from egma.jobs.state import HEARTBEAT_FILE, PROCESS_FILE, STATE_FILE
from tests.conftest import REPOSITORY
from tests.jobs.conftest import PROGRAM, environment, program_argv, wait_for, wait_for_state

Start = Callable[[str], JobFolder]


def steps_of(job: JobFolder) -> list[int]:
    return [event["step"] for event in job.events().events if event["kind"] == "step"]


def kill(job: JobFolder) -> None:
    mark = job.mark
    assert mark is not None and mark.send(signal.SIGKILL)


def wait_for_steps(job: JobFolder, count: int) -> None:
    wait_for(lambda: len(steps_of(job)) >= count, f"{count} steps")


def test_a_job_runs_to_its_end_and_leaves_result_events_and_progress(start: Start) -> None:
    job = start("count")
    wait_for_state(job, "finished")
    state = job.state()
    assert (state.done, state.total, state.cause) == (200, 200, "")
    assert job.result() == {"steps": 200}
    assert steps_of(job) == list(range(200))
    assert [event["state"] for event in job.events().events if event["kind"] == "state"] == ["running", "finished"]


def test_a_stopped_job_keeps_its_place_and_goes_on_from_there(start: Start) -> None:
    job = start("count_on")
    wait_for_steps(job, 5)
    stop(job.path)
    wait_for_state(job, "stopped")
    stopped_at = len(steps_of(job))
    assert job.result() is None and stopped_at >= 5
    resume(job.path)
    wait_for_steps(job, stopped_at + 5)
    steps = steps_of(job)
    assert steps == list(range(len(steps)))


def test_kill_9_of_the_job_is_a_named_failure_that_can_be_resumed(start: Start) -> None:
    job = start("count_on")
    wait_for_steps(job, 5)
    kill(job)
    wait_for_state(job, "failed")
    assert job.state().cause == "killed"
    assert "killed" in job.state().text
    before = len(steps_of(job))
    assert resume(job.path).state().name in ("queued", "running")
    wait_for_steps(job, before + 5)


def test_kill_9_of_the_server_leaves_the_job_running_and_a_new_server_finds_it(runs: Path) -> None:
    serve = (
        "import time; from pathlib import Path; from egma.jobs import launch, new_job_folder\n"
        f"argv = {program_argv('count_on')!r}\n"
        f"launch(new_job_folder(Path({str(runs)!r})), argv, device='cpu')\n"
        "time.sleep(60)"
    )
    server = subprocess.Popen([sys.executable, "-c", serve], cwd=REPOSITORY)
    wait_for(lambda: list_jobs(runs) and steps_of(list_jobs(runs)[0]), "the server's job")
    server.kill()
    server.wait()
    (job,) = list_jobs(runs)
    seen = len(steps_of(job))
    assert job.state().name == "running"
    wait_for_steps(job, seen + 5)
    stop(job.path)
    wait_for_state(job, "stopped")


def test_a_job_that_does_not_stop_is_killed_after_the_grace_time(start: Start) -> None:
    job = start("ignore_stop")
    wait_for(lambda: any(event["kind"] == "deaf" for event in job.events().events), "the job to turn deaf")
    stop(job.path, grace_s=0.3)
    assert job.state().name in ("stopping", "stopped")
    wait_for_state(job, "stopped")


def test_jobs_of_one_device_take_turns_in_the_order_they_came(start: Start) -> None:
    first = start("count_on")
    wait_for_steps(first, 1)
    second = start("count_on")
    wait_for(lambda: "Waiting" in second.state().text, "the second to wait")
    third = start("count")
    wait_for(lambda: "2 jobs before" in third.state().text, "the third to stand behind two")
    assert [job.state().name for job in (first, second, third)] == ["running", "queued", "queued"]
    kill(first)
    wait_for_state(second, "running")
    assert third.state().name == "queued"
    stop(second.path)
    wait_for_state(third, "finished")
    assert second.events().events[-1]["time"] <= next(
        event["time"] for event in third.events().events if event["kind"] == "step"
    )


def test_a_job_stopped_in_the_queue_never_starts(start: Start) -> None:
    first = start("count_on")
    wait_for_steps(first, 1)
    second = start("count")
    stop(second.path)
    wait_for_state(second, "stopped")
    assert not steps_of(second)
    assert first.state().name == "running"


@pytest.mark.parametrize(
    ("deed", "cause", "words"),
    [
        ("fill_disk", "disk full", "free some space"),
        ("fill_memory", "out of memory", "smaller batch"),
        ("miss_data", "data missing", "row 7: the film 7.png is missing"),
        ("break_down", "bug", "ZeroDivisionError"),
    ],
)
def test_a_failure_is_named(start: Start, deed: str, cause: str, words: str) -> None:
    job = start(deed)
    wait_for_state(job, "failed")
    assert job.state().cause == cause
    assert words in job.state().text
    assert job.state().may_resume


def test_a_bug_leaves_its_traceback_in_the_log(start: Start) -> None:
    job = start("break_down")
    wait_for_state(job, "failed")
    wait_for(lambda: "break_down(job" in job.log_tail() or "DEEDS[" in job.log_tail(), "the traceback")


def test_a_second_process_may_not_work_on_the_same_run(start: Start) -> None:
    job = start("count_on")
    wait_for_steps(job, 1)
    argv = [sys.executable, str(PROGRAM), str(job.path), "count"]
    again = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=REPOSITORY, env=environment())
    assert "already works on this run" in again.stderr
    assert job.state().name == "running"


def test_a_job_is_deleted_only_when_it_has_ended(start: Start, runs: Path) -> None:
    job = start("count_on")
    wait_for_steps(job, 1)
    with pytest.raises(JobError, match="stop it first"):
        delete_job(job.path)
    kill(job)
    wait_for_state(job, "failed")
    delete_job(job.path)
    assert list(runs.iterdir()) == []


def test_a_duplicate_runs_in_a_folder_of_its_own(start: Start) -> None:
    job = start("count_on")
    wait_for_steps(job, 1)
    kill(job)
    wait_for_state(job, "failed")
    twin = duplicate(job.path)
    assert twin.path != job.path and twin.title == "count_on"
    wait_for_steps(twin, 3)
    assert job.state().name == "failed"


def test_a_number_given_to_another_process_is_not_believed(start: Start) -> None:
    job = start("count_on")
    wait_for_state(job, "running")
    path = job.path / PROCESS_FILE
    own = path.read_text()
    mark = job.mark
    assert mark is not None
    path.write_text(own.replace(f'"pid": {mark.pid}', f'"pid": {os.getpid()}'))
    forged = job.mark
    assert forged is not None and forged.pid == os.getpid() and not forged.send(signal.SIGTERM)
    assert job.state().name == "failed"
    path.write_text(own)


def test_after_a_reboot_the_job_is_lost_and_can_be_resumed(start: Start) -> None:
    job = start("count_on")
    wait_for_steps(job, 3)
    kill(job)
    wait_for_state(job, "failed")
    mark = job.mark
    assert mark is not None
    path = job.path / PROCESS_FILE
    path.write_text(path.read_text().replace(mark.boot, "the boot before"))
    assert job.state().name == "lost" and job.state().may_resume
    before = len(steps_of(job))
    resume(job.path)
    wait_for_steps(job, before + 3)


def test_a_job_of_another_machine_is_believed_while_its_heart_beats(start: Start) -> None:
    job = start("count")
    wait_for_state(job, "finished")
    (job.path / STATE_FILE).unlink()
    mark = job.mark
    assert mark is not None
    path = job.path / PROCESS_FILE
    path.write_text(path.read_text().replace(mark.host, "another-machine"))
    assert job.state().name == "running"
    write_json(job.path / HEARTBEAT_FILE, {"time": time.time() - 3600})
    assert job.state().name == "lost"
