"""A library of a million keeps its promises; takes minutes and two gigabytes of disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.long
def test_a_million_records_fit_in_bounded_memory_and_are_found(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/index_million.py", "--sizes", "1000000", "--out", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (row,) = json.loads((tmp_path / "index_growth.json").read_text())
    assert row["recall"] >= 0.95 and row["ask"]["kind"] == "ivf-sq8"
    assert row["add"]["memory_mib"] < 2_000 and row["ask"]["memory_mib"] < 2_000
    assert (tmp_path / "index_growth.png").stat().st_size > 10_000
