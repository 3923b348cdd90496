"""A run's checkpoint among the reader's own: whole, under a fit name, never a second time, never through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from egma.checkpoints import load_checkpoint
from egma.errors import CheckpointError, JobError
from egma.finetune.publish import publish_checkpoint
from tests.finetune.bases import save_tiny_base


@pytest.fixture
def run(tmp_path: Path) -> Path:
    save_tiny_base(tmp_path / "run" / "checkpoint")
    return tmp_path / "run"


def test_a_checkpoint_is_copied_once_under_its_name(run: Path, tmp_path: Path) -> None:
    assert publish_checkpoint(run, tmp_path / "own", "mine") == "mine"
    assert publish_checkpoint(run, tmp_path / "own", "mine") == "mine"
    assert [each.name for each in (tmp_path / "own").iterdir()] == ["mine"]
    assert load_checkpoint(tmp_path / "own" / "mine").hash == load_checkpoint(run / "checkpoint").hash


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../x", "x"), ("a b/c", "a-b-c"), (".hidden", "hidden"), ("", "run-run"), ("é" * 90, "run-run")],
)
def test_a_name_never_leads_out_of_the_folder(run: Path, tmp_path: Path, name: str, kept: str) -> None:
    assert publish_checkpoint(run, tmp_path / "own", name) == kept
    assert (tmp_path / "own" / kept / "model.safetensors").is_file()


def test_another_checkpoint_of_that_name_stays(run: Path, tmp_path: Path) -> None:
    (tmp_path / "own" / "mine").mkdir(parents=True)
    assert publish_checkpoint(run, tmp_path / "own", "mine") == "mine-2"


def test_a_link_in_a_runs_checkpoint_is_not_followed(run: Path, tmp_path: Path) -> None:
    (run / "checkpoint" / "notes.txt").symlink_to("/etc/passwd")
    with pytest.raises(JobError, match="symbolic links"):
        publish_checkpoint(run, tmp_path / "own", "mine")
    assert not (tmp_path / "own").exists()


def test_a_damaged_checkpoint_is_not_published(run: Path, tmp_path: Path) -> None:
    weights = run / "checkpoint" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(CheckpointError):
        publish_checkpoint(run, tmp_path / "own", "mine")
    assert not (tmp_path / "own" / "mine").exists()


def test_a_run_without_a_checkpoint_says_when_it_gets_one(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="finishes or is stopped"):
        publish_checkpoint(tmp_path, tmp_path / "own")
