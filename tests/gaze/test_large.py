"""Large files: memory stays flat, and nothing is kept that is not asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import egma
from egma.testing.gaze import EYEGAZE, build_track, eyegaze_rows, invented_dicom_id, write_csv
from tests.conftest import REPOSITORY


def test_indexing_keeps_places_and_not_rows(tmp_path: Path) -> None:
    track = build_track(1, sentences=["one two three four five six"] * 40)
    rows = (row for number in range(150) for row in eyegaze_rows(track, invented_dicom_id(number), 1))
    path = write_csv(tmp_path / "fixations.csv", EYEGAZE, rows)
    found = egma.load_gaze(path)
    tracemalloc.start()
    found = egma.load_gaze(path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 150 and path.stat().st_size > 5_000_000
    assert kept < 500_000


@pytest.mark.long
def test_two_gigabytes_open_with_flat_memory() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/gaze_stream.py", "--gigabytes", "2"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    grown = [int(each) for each in re.findall(r"\(([+-]\d+) for this file\)", done.stdout)]
    assert len(grown) == 2 and max(grown) < 64
