"""A base that trains in seconds: the tiny model as a checkpoint, and runs on a few small phantoms."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from egma.checkpoints import save_checkpoint
from egma.finetune.settings import FinetuneSettings, build_settings, settings_values
from egma.jobs import read_events
from egma.testing.models import build_tiny_model
from tests.conftest import REPOSITORY

SMALL: dict[str, Any] = {
    "phantoms": 16,
    "validation_phantoms": 8,
    "batch": 4,
    "epochs": 10,
    "validate_every": 10,
    "precision": "float32",
    "device": "cpu",
    "learning_rate": 2e-3,
    "patience": 0,
}


def save_tiny_base(folder: Path) -> Path:
    """The tiny model as a checkpoint folder."""
    model = build_tiny_model(seed=3)
    save_checkpoint(model, model.config, folder, "# tiny\n\nA test double.\n")
    return folder


def small_settings(base: Path, preset: str = "demo", **changes: Any) -> FinetuneSettings:
    """A run of seconds on the tiny base."""
    return build_settings(preset, {**SMALL, "base": str(base), **changes})


def write_config(folder: Path, base: Path, **changes: Any) -> str:
    """A file of settings for the command; returns its path."""
    path = folder / "settings.json"
    path.write_text(json.dumps(settings_values(small_settings(base, **changes))))
    return str(path)


def steps_of(folder: Path) -> dict[int, dict[str, Any]]:
    """The step events of a run by step; a step that was taken again counts as it was taken last."""
    return {event["step"]: event for event in kinds_of(folder, "step")}


def kinds_of(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The events of one kind."""
    return (event for event in read_events(folder / "events.jsonl").events if event["kind"] == kind)


def command(*words: str) -> list[str]:
    """`python -m egma ...` as a process."""
    return [sys.executable, "-m", "egma", *words]


def environment() -> dict[str, str]:
    """Of such a process."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
