"""A tiny real checkpoint on disk, and the command line on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from egma.__main__ import main
from egma.checkpoints import save_checkpoint
from egma.testing.models import build_tiny_config, build_tiny_model

Run = Any


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `--checkpoint` takes."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_checkpoint(build_tiny_model(), build_tiny_config(), folder, "# tiny\n")
    return folder


@pytest.fixture
def evaluate(tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line as a function: task and options in, (exit status, JSON or None, standard error) out."""

    def run(*words: str, checkpoint: str | None = None) -> tuple[int, dict[str, Any] | None, str]:
        status = main(["evaluate", *words, "--checkpoint", checkpoint or str(tiny_checkpoint), "--json"])
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out else None, printed.err

    return run


def value(found: dict[str, Any], model: str, metric: str, item: str = "all") -> Any:
    return next(row for row in found["figures"] if (row["model"], row["metric"], row["item"]) == (model, metric, item))
