"""What is measured: checkpoints opened by name, and what their image towers say of a list of films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError, FilmError, SettingsError
from egma.evaluation.result import ModelFacts
from egma.evaluation.sets.films import Film
from egma.inference.engine import Engine, load_engine
from egma.types import Study

Progress = Callable[[int, int, str], None]
"""Told (done, total, what): may raise to stop."""
MAX_CHECKPOINTS = 6


@dataclass(frozen=True, eq=False)
class Embedded:
    """What one checkpoint says of F films.

    Attributes:
        globals: float32 (F, D), unit norm.
        own: float64 (F, K) probabilities of the checkpoint's findings by its own prompts; (F, 0) where it has none.
        findings: the K findings.
    """

    globals: NDArray[np.float32]
    own: NDArray[np.float64]
    findings: tuple[str, ...]


def open_engines(names: str, device: str = "auto") -> list[Engine]:
    """Every checkpoint of "A,B", in order; the first is what the others are compared with."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise SettingsError("--checkpoint: name at least one checkpoint, with commas between")
    if len(wanted) > MAX_CHECKPOINTS:
        raise SettingsError(f"--checkpoint: at most {MAX_CHECKPOINTS} can be measured at once, got {len(wanted)}")
    engines = [load_engine(name, device=device) for name in wanted]
    names_found = [engine.checkpoint.name for engine in engines]
    for place, name in enumerate(names_found):
        if name in names_found[:place]:
            raise SettingsError(f"--checkpoint: {name} is named twice; name each checkpoint once")
    return engines


def facts_of(engine: Engine) -> ModelFacts:
    """Name, hash and image size."""
    checkpoint = engine.checkpoint
    return ModelFacts(checkpoint.name, "checkpoint", checkpoint.hash, checkpoint.config.image.input_px)


def load_films(films: Sequence[Film], progress: Progress, what: str) -> Iterator[tuple[Film, Study]]:
    """Films one after another, so that any number of them takes the memory of one."""
    from egma.imaging import load_study

    for place, film in enumerate(films):
        progress(place, len(films), what)
        try:
            study = load_study(film.path)
        except FilmError as error:
            raise DataError(f"the film {film.name[-60:]} cannot be read: {error}") from None
        yield film, study
    progress(len(films), len(films), what)


def embed_films(engines: Sequence[Engine], films: Sequence[Film], progress: Progress) -> list[Embedded]:
    """What each checkpoint says of the films; a film is read once for all of them."""
    vectors: list[list[NDArray[np.float32]]] = [[] for _ in engines]
    own: list[list[list[float]]] = [[] for _ in engines]
    for _, study in load_films(films, progress, "films embedded"):
        for place, engine in enumerate(engines):
            vectors[place].append(engine.embed_studies([study]).globals[0])
            own[place].append(list(engine.classify(study).values()) if engine.findings else [])
    return [
        Embedded(np.stack(vectors[place]), np.array(own[place], np.float64), engine.findings)
        for place, engine in enumerate(engines)
    ]
