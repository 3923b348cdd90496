"""A page's services around the tiny engine: real films, real store, no download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.assembly import build_gaze
from app.examples import Examples
from app.films import FilmStore, OpenFilm
from app.private import build_private_folder
from app.services import Models, ModelSlot, Services
from app.settings import Settings
from egma.catalogue import CheckpointEntry
from egma.inference.engine import Engine
from egma.testing import tiny_engine
from egma.types import Study


def make_study(seed: int = 0, shape: tuple[int, int] = (160, 120)) -> Study:
    """A film of smooth noise, bright in the middle."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    wave = 0.5 + 0.3 * np.sin(x / 9 + seed) * np.cos(y / 11) + rng.normal(0, 0.02, shape)
    return Study(np.clip(wave, 0, 1).astype(np.float32), (0.2, 0.2), ["The film is small."])


def send(**values: object) -> SimpleNamespace:
    """What a browser sends along with an event of a component of ours."""
    return SimpleNamespace(**values)


@pytest.fixture(scope="session")
def engine() -> Engine:
    return tiny_engine()


def build_models(default: ModelSlot, *others: Engine) -> Models:
    """The checkpoints of a page: tiny engines by name, each with a card; their folders are never looked into."""
    by_name = {engine.checkpoint.name: engine for engine in others}

    def list_entries() -> list[CheckpointEntry]:
        return [
            CheckpointEntry(
                name, Path(name), hash=each.checkpoint.hash, card="# A card\n\nWords.", config=each.checkpoint.config
            )
            for name, each in by_name.items()
        ]

    return Models(default, list_entries, lambda folder: by_name[folder.name])


@contextmanager
def opened_services(folder: Path, engine: Engine) -> Iterator[Services]:
    """Services whose private folder lies in `folder`, with the tiny engine ready."""
    private = build_private_folder(folder)
    films = FilmStore(private.views)
    examples = Examples(films, None)
    films.reopen = examples.reopen
    model = ModelSlot(engine.checkpoint.name, lambda: engine)
    model.start()
    model.engine(10)
    models = build_models(model, engine)
    try:
        settings = Settings(data=folder)
        yield Services(settings, private, films, examples, models, *build_gaze(settings, examples))
    finally:
        private.remove()


@pytest.fixture
def services(tmp_path: Path, engine: Engine) -> Iterator[Services]:
    with opened_services(tmp_path, engine) as services:
        yield services


@pytest.fixture
def film(services: Services) -> OpenFilm:
    return services.films.add(make_study(), "Your film")
