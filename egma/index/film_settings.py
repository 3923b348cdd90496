"""How search by film ranks with a checkpoint and how well that was measured: film_search.json beside its weights."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from egma.checkpoints import Checkpoint
from egma.types import Float32

FILE_NAME = "film_search.json"
_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Measured:
    """P@k of search by film on held-out films.

    Attributes:
        films, reports: how many asked, how many could be found.
        p_at: depth -> (value, low, high), 95 % interval.
        chance: what a random order gives.
    """

    films: int
    reports: int
    p_at: dict[int, tuple[float, float, float]]
    chance: float


@dataclass(frozen=True, eq=False)
class FilmSearchSettings:
    """How films are compared with reports.

    Attributes:
        film_mean: float32 (D,), the mean film that is taken off, or None where none is.
        patch_weight: how much the look at patches weighs among the first 100; 0 for not at all.
        measured: the figures, or None where this checkpoint was not measured.
    """

    film_mean: Float32 | None = None
    patch_weight: float = 0.0
    measured: Measured | None = None


def load_film_settings(checkpoint: Checkpoint) -> FilmSearchSettings:
    """What the checkpoint's own film_search.json says; the plain cosine where it has none, or one of other weights."""
    if checkpoint.folder is None:
        return FilmSearchSettings()
    try:
        raw = _read(checkpoint.folder / FILE_NAME)
        if raw["weights_sha256"] != checkpoint.config.weights_sha256:
            return FilmSearchSettings()
        return _settings(raw, checkpoint.config.embed_dim)
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not what the command wrote: as good as absent
        return FilmSearchSettings()


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("too large")
    return json.loads(path.read_text(encoding="utf-8"))


def _settings(raw: dict[str, Any], width: int) -> FilmSearchSettings:
    mean = np.asarray(raw["film_mean"], np.float32)
    if mean.shape != (width,) or not np.isfinite(mean).all():
        raise ValueError("film_mean")
    found = raw["test"]["by_text"]
    figures = {
        int(k): tuple(float(each[name]) for name in ("value", "low", "high")) for k, each in found["p_at"].items()
    }
    weight = float(raw["patch_weight"])
    if not all(math.isfinite(value) for row in figures.values() for value in row) or not math.isfinite(weight):
        raise ValueError("figures")
    measured = Measured(int(raw["test"]["films"]), int(raw["library"]["reports"]), figures, float(found["chance"]))  # type: ignore[arg-type]
    return FilmSearchSettings(mean if raw["centred"] else None, weight, measured)
