"""What the benchmarks measure: the checkpoint that is asked for, or egma-mini untrained, which costs the same time."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from egma.checkpoints import list_checkpoints, save_checkpoint
from egma.inference.engine import Engine, load_engine
from egma.model import build_initialized_model, build_mini_config
from egma.types import Study


def load_subject(name: str) -> Engine:
    """The engine of a checkpoint; where egma-mini is not there, the same network untrained, saved and loaded alike."""
    if name != "egma-mini" or name in [info.name for info in list_checkpoints()]:
        return load_engine(name)
    print("no checkpoint egma-mini here: measuring the same network with untrained heads")
    torch.manual_seed(0)
    model = build_initialized_model(build_mini_config())
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    save_checkpoint(model, model.config, folder / "untrained", "")
    return load_engine(folder / "untrained")


def random_film(side: int, seed: int) -> Study:
    """A film of noise, never seen before: nothing about it can be remembered."""
    return Study(np.random.default_rng(seed).random((side, side), dtype=np.float32), None)
