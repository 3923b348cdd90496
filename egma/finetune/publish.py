"""Puts a run's checkpoint where every page and command finds it by name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from egma.checkpoints import CONFIG_NAME, WEIGHTS_NAME, load_checkpoint
from egma.errors import CheckpointError, JobError

CHECKPOINT = "checkpoint"
"""Where in a run's folder its checkpoint lies."""

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def publish_checkpoint(run: Path, root: Path, name: str = "") -> str:
    """Copy RUN_DIR/checkpoint to ROOT/NAME, as a whole or not at all, and return the name.

    Args:
        run: a run folder whose run finished or was stopped.
        root: the reader's own checkpoints.
        name: of the checkpoint; "" is the run's own. One that another checkpoint has gets a number.

    Raises:
        JobError: the run has no checkpoint yet.
        CheckpointError: it is damaged, or the disk is full.
    """
    source = run / CHECKPOINT
    if not ((source / CONFIG_NAME).is_file() and (source / WEIGHTS_NAME).is_file()):
        raise JobError(f"run {run.name} has no checkpoint yet; it gets one when it finishes or is stopped")
    if source.is_symlink() or any(each.is_symlink() for each in source.rglob("*")):
        raise JobError(
            f"the checkpoint of run {run.name} holds symbolic links, which may lead anywhere; copy the files"
        )
    found = load_checkpoint(source.resolve())
    wanted = (_UNFIT.sub("-", name).strip("-._") or f"run-{run.name}")[:60]
    target = _free_place(root, wanted, found.hash)
    if target.exists():
        return target.name
    draft = root / f".{target.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        root.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, draft)
        draft.rename(target)
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {target.name} cannot be written ({error.strerror}); nothing was kept"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target.name


def _free_place(root: Path, name: str, digest: str) -> Path:
    """ROOT/NAME where nothing or the very same checkpoint is, else ROOT/NAME-2 and so on."""
    for number in range(1, 1000):
        place = root / (name if number == 1 else f"{name}-{number}")
        if not place.exists() or _holds(place, digest):
            return place
    raise CheckpointError(f"there are a thousand checkpoints called {name}; give this one another name")


def _holds(place: Path, digest: str) -> bool:
    try:
        return load_checkpoint(place.resolve(), verify=False).hash == digest
    except CheckpointError:
        return False
