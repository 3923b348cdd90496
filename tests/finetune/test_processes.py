"""Fine-tuning as real processes: interrupted and resumed runs, killed ones, full disks, little memory, bad data."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from egma.finetune.settings import settings_values
from egma.jobs import JobFolder, egma_argv, launch, new_job_folder, resume, stop
from tests.finetune.bases import command, environment, small_settings, steps_of, write_config
from tests.jobs.conftest import wait_for, wait_for_state

STEPS = 40
LONGER = 100
"""Steps of a run that has not ended when a slow machine asks it to stop after the first few."""


@pytest.fixture
def start(runs: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobFolder]:
    """Launch a run of the tiny base as the page does."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def begin(**changes: Any) -> JobFolder:
        return launch(
            new_job_folder(runs),
            egma_argv("finetune", "{folder}"),
            resume_argv=egma_argv("finetune", "{folder}", "--resume"),
            device="cpu",
            config=settings_values(small_settings(tiny_base, **changes)),
        )

    return begin


def run_command(*words: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("finetune", *words),
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=280,
        preexec_fn=before,
    )


def losses(folder: Path) -> list[float]:
    return [step["loss"] for _, step in sorted(steps_of(folder).items())]


def test_interrupted_runs_resume_to_the_curve_of_one_that_was_not(start: Callable[..., JobFolder]) -> None:
    length = {"epochs": LONGER // 4, "validate_every": LONGER // 4}
    whole = start(**length)
    wait_for_state(whole, "finished")
    broken = start(**length)
    wait_for(lambda: len(steps_of(broken.path)) >= 4, "some steps")
    stop(broken.path)
    wait_for_state(broken, "stopped")
    stopped_at = len(steps_of(broken.path))
    assert 4 <= stopped_at < LONGER and (broken.path / "checkpoint" / "model.safetensors").is_file()
    resume(broken.path)
    wait_for(lambda: len(steps_of(broken.path)) >= stopped_at + 3, "steps after the resume")
    assert broken.mark is not None and broken.mark.send(signal.SIGKILL)
    wait_for_state(broken, "failed")
    assert broken.state().cause == "killed"
    resume(broken.path)
    wait_for_state(broken, "finished")
    assert sorted(steps_of(broken.path)) == list(range(1, LONGER + 1))
    assert np.abs(np.array(losses(broken.path)) - np.array(losses(whole.path))).max() < 1e-4
    first, second = whole.result(), broken.result()
    assert first is not None and second is not None
    assert second["after"]["loss"] == pytest.approx(first["after"]["loss"], abs=1e-4)


def test_a_full_disk_ends_the_run_by_name_and_keeps_the_state_before(tmp_path: Path, tiny_base: Path) -> None:
    folder = tmp_path / "run"
    config = write_config(tmp_path, tiny_base, max_steps=4, validate_every=2)
    limit = 80_000  # the events fit, the weights do not
    done = run_command(
        str(folder), "--config", config, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert done.returncode == 2 and "The disk is full" in done.stderr and done.stderr.count("\n") == 1
    state = JobFolder(folder).state()
    assert (state.name, state.cause) == ("failed", "disk full")
    assert not list(folder.glob("states/*")) and not list(folder.glob("checkpoint*"))
    assert not [each for each in folder.rglob("*") if "draft" in each.name]
    assert run_command(str(folder), "--resume").returncode == 0
    assert JobFolder(folder).state().name == "finished"


def test_too_little_memory_ends_the_run_by_name(
    start: Callable[..., JobFolder], tmp_path: Path, tiny_base: Path
) -> None:
    small = start(epochs=500)
    wait_for(lambda: len(steps_of(small.path)) >= 2, "steps of a small run")
    assert small.mark is not None
    status = Path(f"/proc/{small.mark.pid}/status").read_text()
    small.mark.send(signal.SIGKILL)
    wait_for_state(small, "failed")
    taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmPeak")) * 1024
    allowed = taken + 100_000_000  # 20,000 films of 128 x 128 want three times that
    config = write_config(tmp_path, tiny_base, phantoms=20_000)
    done = run_command(
        str(tmp_path / "run"), "--config", config,
        before=lambda: resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed)),
    )  # fmt: skip
    assert done.returncode == 2 and "memory did not suffice" in done.stderr
    assert JobFolder(tmp_path / "run").state().cause == "out of memory"


def test_an_estimate_keeps_nothing(tmp_path: Path, tiny_base: Path) -> None:
    config = write_config(tmp_path, tiny_base)
    done = run_command(str(tmp_path / "run"), "--config", config, "--estimate", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] == STEPS and found["step_s"] > 0 and found["total_s"] > 0 and found["memory_mb"] > 50
    assert not (tmp_path / "run").exists()


def test_the_job_sees_no_secret_of_the_page(start: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-of-the-page")
    job = start(max_steps=2, validate_every=2)
    wait_for(lambda: job.mark is not None, "the process")
    assert job.mark is not None
    environ = Path(f"/proc/{job.mark.pid}/environ").read_bytes()
    assert b"canary-of-the-page" not in environ and b"EGMA_LOCKS" in environ
    wait_for_state(job, "finished")


def test_the_folder_of_a_job_is_closed_to_other_users(start: Callable[..., JobFolder]) -> None:
    job = start(max_steps=2, validate_every=2)
    assert job.path.stat().st_mode & 0o077 == 0
    wait_for_state(job, "finished")
