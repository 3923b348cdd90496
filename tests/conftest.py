"""What every test may ask for: the data beside the project, or a skip that says what is missing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real films beside the project ($EGMA_SHARED, or ../shared)."""
    folder = Path(os.environ.get("EGMA_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no shared data beside the project: set EGMA_SHARED to try these tests on real films")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Jobs of the tests take turns among themselves, not with those of the machine."""
    os.environ["EGMA_LOCKS"] = str(tmp_path_factory.mktemp("locks"))


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A runs root whose jobs end with the test."""
    from egma.jobs import list_jobs

    root = tmp_path / "runs"
    root.mkdir()
    yield root
    for job in list_jobs(root):
        if job.mark is not None:
            job.mark.send(signal.SIGKILL)
