"""kill -9 at many instants of every kind of write: nothing acknowledged is lost, no wrong record is ever shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.index.crashing import steps


def run(folder: Path, mode: str, count: int) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.index.crashing", str(folder), mode, str(count)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("mode", "count"), [("calls", 30), ("times", 13)])
def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path, mode: str, count: int) -> None:
    found = run(tmp_path, mode, count)
    assert found["failed"] == []
    assert found["killed"] >= count // 3 and len(found["steps_reached"]) >= len(steps()) // 2


@pytest.mark.long
@pytest.mark.parametrize(("mode", "count"), [("calls", 400), ("times", 200)])
def test_a_writer_killed_at_hundreds_of_instants_loses_nothing(tmp_path: Path, mode: str, count: int) -> None:
    found = run(tmp_path, mode, count)
    assert found["failed"] == []
    assert found["killed"] >= count // 3 and len(found["steps_reached"]) >= len(steps()) - 2
