"""A disk that really fills up under a run: the failure has its name, the last good state stays, and it goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from egma.finetune.settings import settings_values
from egma.finetune.states import load_best, load_last_state
from egma.jobs import JobFolder, egma_argv, launch, new_job_folder, resume, stop
from tests.finetune.bases import kinds_of, small_settings, steps_of, write_config
from tests.finetune.conftest import Said
from tests.jobs.conftest import program_argv, wait_for, wait_for_state

ROOM_MB = 60
"""A run wants 50 MB to spare before it begins."""
LITTLE_MB = 4


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of its own in memory, of as many MB as the test asks for; gone with the test."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=700", "egma-test", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no small disk can be made here: mounting a tmpfs wants root on Linux")
    try:
        yield place
    finally:
        for job in map(JobFolder, place.glob("*")):
            if job.mark is not None and job.mark.pid != os.getpid():
                job.mark.send(9)
                wait_for(lambda job=job: job.mark is None or not job.mark.is_alive, "the job's end")
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1_000_000, 4096, 1):
            try:
                while True:
                    os.write(descriptor, bytes(size))
            except OSError:
                continue
    finally:
        os.close(descriptor)
    return filler


@pytest.mark.parametrize("disk", [ROOM_MB], indirect=True)
def test_a_run_on_a_disk_that_fills_up_keeps_its_last_state_and_goes_on_when_there_is_space(
    disk: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    job = launch(
        new_job_folder(disk),
        egma_argv("finetune", "{folder}"),
        resume_argv=egma_argv("finetune", "{folder}", "--resume"),
        device="cpu",
        config=settings_values(small_settings(tiny_base, epochs=10_000)),
    )
    wait_for(lambda: list(job.path.glob("states/step-*")) and list(job.path.glob("best")), "the first state")
    filler = fill(disk)
    wait_for_state(job, "failed")
    assert job.state().cause == "disk full" and job.state().may_resume
    assert "free some space, then resume" in job.state().text
    kept = load_last_state(job.path)
    assert kept is not None and kept[2].step >= 10
    assert load_best(job.path) is not None
    assert not [each for each in job.path.rglob("*") if "draft" in each.name or each.name == "checkpoint"]

    filler.unlink()
    resume(job.path)
    wait_for(lambda: max(steps_of(job.path), default=0) >= kept[2].step + 15, "steps after the resume")
    stop(job.path)
    wait_for_state(job, "stopped")
    assert (job.path / "checkpoint" / "model.safetensors").is_file()
    assert any(event.get("state") == "resumed" and event["step"] >= 10 for event in kinds_of(job.path, "state"))
    assert sorted(steps_of(job.path)) == list(range(1, max(steps_of(job.path)) + 1))


@pytest.mark.parametrize("disk", [LITTLE_MB], indirect=True)
def test_a_run_is_refused_on_a_disk_that_is_too_small_for_its_states(
    disk: Path, tiny_base: Path, finetune: Callable[..., Said]
) -> None:
    done = finetune(str(disk / "run"), "--config", write_config(disk.parent, tiny_base))
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "MB free" in done.stderr and "free some space" in done.stderr
    assert JobFolder(disk / "run").state().cause == "disk full"


@pytest.mark.parametrize("disk", [LITTLE_MB], indirect=True)
def test_any_job_whose_disk_is_full_to_the_last_byte_can_still_say_so(disk: Path) -> None:
    job = launch(new_job_folder(disk), program_argv("count_on"), device="cpu")
    wait_for(lambda: any(event["kind"] == "step" for event in job.events().events), "steps")
    filler = fill(disk)
    wait_for_state(job, "failed")
    assert job.state().cause == "disk full"
    filler.unlink()
    resume(job.path)
    wait_for_state(job, "running")
