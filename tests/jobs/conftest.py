"""Real jobs of real processes: started, awaited, and ended with the test."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from egma.jobs import JobFolder, launch, new_job_folder
from tests.conftest import REPOSITORY

PROGRAM = Path(__file__).with_name("program.py")
PATIENCE_S = 150.0


def program_argv(deed: str) -> list[str]:
    return [sys.executable, str(PROGRAM), "{folder}", deed]


def environment() -> dict[str, str]:
    """Of a process that finds the project from wherever its program lies."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def wait_for_state(job: JobFolder, *names: str) -> None:
    wait_for(lambda: job.state().name in names, f"{names}: it is {job.state()}")


@pytest.fixture
def start(runs: Path) -> Callable[[str], JobFolder]:
    """Launch a deed of the program in a new folder."""
    return lambda deed: launch(new_job_folder(runs), program_argv(deed), device="cpu", title=deed)
