"""Resumable states and the best weights of a run: whole or not there, the last few kept, never on a full disk.

    states/step-00000120/   weights.safetensors (what is trained), optimizer.pt, state.json
    best/                   weights.safetensors, state.json

A folder is written under another name and renamed when it is complete, so that a half of one is never found.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from egma.errors import JobFailedError, SettingsError
from egma.jobs.files import read_json, write_json

STATES, BEST = "states", "best"
_STEP = re.compile(r"step-[0-9]{8,}")
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.pt", "state.json"
_SPARE_BYTES = 50_000_000
_ADAM = 3  # weights and two moments


@dataclass(frozen=True)
class RunState:
    """Where a run stands, beside its weights.

    Attributes:
        step: optimiser steps done.
        best_step, best_score: of the best validation so far; None before the first.
        worse: validations since then.
        best_by: what it is chosen by.
        before: figures before the first step.
        start_score: what the base scored by `best_by`; None where it could not be measured.
    """

    step: int = 0
    best_step: int | None = None
    best_score: float | None = None
    worse: int = 0
    best_by: str = ""
    before: dict[str, Any] | None = None
    start_score: float | None = None


def save_state(
    folder: Path, weights: dict[str, Tensor], optimizer: dict[str, Any], state: RunState, keep_last: int
) -> None:
    """Write a resumable state, then let go of all but the last `keep_last`."""
    check_disk(folder, state_bytes(weights))
    target = folder / STATES / f"step-{state.step:08d}"
    draft = _draft(target)
    try:
        _write_weights(weights, draft)
        torch.save(optimizer, draft / _OPTIMIZER)
        write_json(draft / _STATE, asdict(state), durable=True)
        _replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for old in _list_states(folder)[:-keep_last]:
        shutil.rmtree(old, ignore_errors=True)


def load_last_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any], RunState] | None:
    """The newest complete state: weights, the optimiser's state, where the run stood; None where there is none.

    Raises:
        SettingsError: there is one that cannot be read.
    """
    found = _list_states(folder)
    if not found:
        return None
    raw = read_json(found[-1] / _STATE)
    try:
        optimizer = torch.load(found[-1] / _OPTIMIZER, map_location="cpu", weights_only=True)
        return _read_weights(found[-1]), optimizer, RunState(**(raw or {}))
    except Exception as error:
        raise SettingsError(
            f"the state {found[-1].name} of this run cannot be read ({type(error).__name__}); delete that folder to go "
            "on from the one before"
        ) from None


def save_best(folder: Path, weights: dict[str, Tensor], state: RunState) -> None:
    """Keep the weights as the best so far."""
    check_disk(folder, _bytes_of(weights))
    target = folder / BEST
    draft = _draft(target)
    try:
        _write_weights(weights, draft)
        write_json(draft / _STATE, asdict(state), durable=True)
        _replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_best(folder: Path) -> dict[str, Tensor] | None:
    """The best weights so far; None before the first validation."""
    return _read_weights(folder / BEST) if (folder / BEST / _WEIGHTS).is_file() else None


def has_state(folder: Path) -> bool:
    """Whether there is anything to resume from."""
    return bool(_list_states(folder))


def state_bytes(weights: dict[str, Tensor]) -> int:
    """What one resumable state takes on disk."""
    return _ADAM * _bytes_of(weights)


def check_disk(folder: Path, wanted: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        JobFailedError: there is less free than wanted and a reserve.
    """
    free = shutil.disk_usage(folder).free
    if free < wanted + _SPARE_BYTES:
        raise JobFailedError(
            "disk full",
            f"the disk has {free / 1e6:.0f} MB free, and {(wanted + _SPARE_BYTES) / 1e6:.0f} MB are wanted for "
            "the next state of the run; free some space, then resume it",
        )


def _list_states(folder: Path) -> list[Path]:
    root = folder / STATES
    found = [each for each in root.iterdir() if _STEP.fullmatch(each.name)] if root.is_dir() else []
    return sorted((each for each in found if (each / _STATE).is_file()), key=lambda each: int(each.name[5:]))


def _draft(target: Path) -> Path:
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    return draft


def _replace(draft: Path, target: Path) -> None:
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.rename(target)


def _write_weights(weights: dict[str, Tensor], folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}, folder / _WEIGHTS)


def _read_weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / _WEIGHTS)


def _bytes_of(weights: dict[str, Tensor]) -> int:
    return sum(value.numel() * value.element_size() for value in weights.values())
