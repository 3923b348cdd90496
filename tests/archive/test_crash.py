"""kill -9 of `python -m egma embed` at several instants: what was in the store stays, the next run ends the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from egma.archive import FilmArchive
from egma.checkpoints import save_checkpoint
from egma.imaging import load_study
from egma.inference import load_engine
from egma.testing.models import build_tiny_config, build_tiny_model
from tests.archive.crashing import INSTANTS
from tests.archive.test_archive import write_png
from tests.conftest import REPOSITORY

FILMS = 26


def test_a_killed_run_loses_no_film_and_goes_on_where_it_was(tmp_path: Path) -> None:
    films = [write_png(tmp_path / "films" / f"{seed:02}.png", seed) for seed in range(FILMS)]
    checkpoint = tmp_path / "tiny"
    save_checkpoint(build_tiny_model(), build_tiny_config(), checkpoint, "# tiny\n")
    done = subprocess.run(
        [sys.executable, "-m", "tests.archive.crashing", tmp_path / "films", tmp_path, checkpoint],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["killed"]) == len(INSTANTS)
    assert all(after >= seen for seen, after in found["killed"])  # what a reader saw is never lost
    assert any(0 < after < FILMS for _, after in found["killed"])  # and some were killed on the way
    for (_, after), (added, kept, there, pictures) in zip(found["killed"], found["ends"], strict=True):
        assert (added, kept, there, pictures) == (FILMS - max(after, 0), max(after, 0), FILMS, FILMS)
    engine = load_engine(checkpoint)
    archive = FilmArchive.open(found["store"])
    assert all(archive.search_film(engine, load_study(film), 1)[0].is_same for film in films)
    archive.close()
