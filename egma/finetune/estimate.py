"""What a run would take: three real steps on a few of its films, timed, and its memory. Nothing is kept."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.finetune.rules import PHANTOMS
from egma.finetune.settings import FinetuneSettings
from egma.jobs.queue import name_device

if TYPE_CHECKING:
    from egma.finetune.run import Run

STEPS = 3
_FILMS = 16
_MEASURING = 8


@dataclass
class Timekeeper:
    """Stands in for the job: keeps the steps' events, and when preparing began to handle films."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    first_film: float | None = None

    def event(self, kind: str, **fields: Any) -> None:
        """Keep a step's event."""
        if kind == "step":
            self.steps.append(fields)

    def progress(self, done: int, total: int, text: str = "") -> None:  # noqa: ARG002 - the job's signature
        """Remember when the base was loaded and films came next."""
        self.first_film = self.first_film or time.perf_counter()

    def note(self, text: str) -> None:
        """Nothing is kept."""

    def should_stop(self) -> bool:
        """Never."""
        return False


def estimate_run(settings: FinetuneSettings) -> dict[str, Any]:
    """Time and memory of a run, from a dry one on a few films.

    Returns:
        device, films, steps, step_s, prepare_s, validate_s, total_s, memory_mb.

    Raises:
        EgmaError: what would stop the run too, in one sentence.
    """
    from egma.finetune.run import build_run

    few = max(_FILMS, settings.batch * settings.accumulation)
    small = replace(settings, validation_phantoms=min(settings.validation_phantoms, _MEASURING))
    if settings.data == PHANTOMS:
        small = replace(small, phantoms=min(settings.phantoms, few))
    keeper, started = Timekeeper(), time.perf_counter()
    run = build_run(small, name_device(settings.device), keeper.progress, most_films=few)
    ready = time.perf_counter()
    validate_s = _train(run, keeper)
    step_s = statistics.median(step["step_s"] for step in keeper.steps[1:] or keeper.steps)
    films, validation = _count_films(settings, run)
    looked = len(run.data.train) + (0 if run.validation is run.phantoms else len(run.data.validation))
    fixed_s = (keeper.first_film or ready) - started
    a_film_s = (ready - started - fixed_s) / (looked + len(run.data.phantoms))
    measured = settings.validation_phantoms + (0 if settings.data == PHANTOMS else validation)
    steps = _count_steps(settings, films)
    every = settings.validate_every or max(1, films // min(films, settings.batch * settings.accumulation))
    prepare_s = fixed_s + a_film_s * (films + measured)
    a_validation_s = validate_s / len(run.data.phantoms) * measured
    return {
        "device": str(run.device),
        "films": films,
        "steps": steps,
        "step_s": round(step_s, 4),
        "prepare_s": round(prepare_s, 1),
        "validate_s": round(a_validation_s, 1),
        "total_s": round(prepare_s + steps * step_s + (steps // every + 3) * a_validation_s, 1),
        "memory_mb": round(_memory_mb(run, films + measured), 0),
    }


def _train(run: Run, keeper: Timekeeper) -> float:
    """Take the steps; returns the seconds of one validation of the measuring phantoms."""
    from egma.finetune.loop import Loop
    from egma.finetune.validate import validate

    with tempfile.TemporaryDirectory(prefix="egma-estimate-") as folder:
        loop = Loop(replace(run, steps=STEPS), Path(folder), keeper)
        for _ in range(STEPS):
            loop.step()
    started = time.perf_counter()
    validate(run.learner, run.phantoms, run.phantoms, run.settings.batch)
    return time.perf_counter() - started


def _count_films(settings: FinetuneSettings, run: Run) -> tuple[int, int]:
    """(training, validation) films of the whole run."""
    if settings.data == PHANTOMS:
        return settings.phantoms, 0
    return int(run.data.counts["train_films"]), int(run.data.counts["validation_films"])


def _count_steps(settings: FinetuneSettings, films: int) -> int:
    a_step = settings.batch * settings.accumulation
    steps = max(1, films // min(a_step, films)) * settings.epochs
    return min(steps, settings.max_steps) if settings.max_steps else steps


def _memory_mb(run: Run, films: int) -> float:
    """Memory at its highest so far, and what the other films' features or pixels will add to it."""
    from egma.finetune.features import CACHE_BYTES

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / 1e6 if sys.platform == "darwin" else peak / 1e3
    if run.train.films is not None:
        a_film = sum(part[0].numel() for part in (*run.train.films.stages, run.train.films.pooled)) * 2
    else:
        a_film = run.base.config.image.input_px**2
    return peak_mb + min(CACHE_BYTES, a_film * films) / 1e6
