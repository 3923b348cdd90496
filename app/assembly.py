"""The page's services, put together from its settings: no web framework, no weights yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.examples import Examples
from app.films import FilmStore, OpenFilm, example_key
from app.gaze.example import open_example
from app.gaze.library import GazeLibrary
from app.gaze.store import EXAMPLE_MARK, GazeStore
from app.private import PrivateFolder
from app.services import Models, ModelSlot, Services
from app.settings import Settings
from egma.errors import EgmaError

if TYPE_CHECKING:
    from pathlib import Path

    from egma.catalogue import CheckpointEntry
    from egma.checkpoints import CheckpointInfo
    from egma.inference.engine import Engine
    from egma.types import Study

_WARM_UP_PHRASE = "pleural effusion"


def build_services(settings: Settings, folder: PrivateFolder) -> Services:
    """Everything handlers are given; the model is not started.

    Raises:
        CheckpointError: there is no such checkpoint, or it is incomplete.
    """
    from egma.checkpoints import CheckpointInfo, find_checkpoint, load_checkpoint

    checkpoint = load_checkpoint(settings.checkpoint, verify=False)  # the weights are verified when they are read
    films = FilmStore(folder.views)
    examples = Examples(films, settings.data / "examples" if settings.data is not None else None)
    films.reopen = examples.reopen
    own = CheckpointInfo(checkpoint.name, checkpoint.folder or find_checkpoint(settings.checkpoint))
    default = ModelSlot(checkpoint.name, lambda: _load_engine(own.folder))
    models = Models(default, lambda: list_with(own), _load_engine)
    return Services(settings, folder, films, examples, models, *build_gaze(settings, examples))


def list_with(own: CheckpointInfo) -> list[CheckpointEntry]:
    """Every checkpoint by name, and the one the page was started with, which may lie elsewhere and then goes first."""
    from egma.catalogue import list_entries, read_entry

    return [read_entry(own), *(entry for entry in list_entries() if entry.name != own.name)]


def build_gaze(settings: Settings, examples: Examples) -> tuple[GazeStore, GazeLibrary]:
    """The store of open recordings, and the data sets in the reader's own folder."""
    store = GazeStore(reopen=lambda key: open_example(examples, key.removeprefix(EXAMPLE_MARK)))
    return store, GazeLibrary(settings.data / "gaze" if settings.data is not None else None)


def first_film(services: Services) -> OpenFilm:
    """The film on screen when the page opens: the first example that can be read. It stays open for good."""
    failure: EgmaError | None = None
    for example in services.examples.list_examples():
        services.films.pinned.add(example_key(example.name))
        try:
            return services.examples.open(example.name)
        except EgmaError as error:
            services.films.pinned.discard(example_key(example.name))
            failure = error
    raise failure or EgmaError("There is no example film to show.")


def ask_once(engine: Engine, study: Study) -> None:
    """One real question of each kind, so that the first reader's is not the slow one."""
    engine.classify(study)
    engine.ground(study, [_WARM_UP_PHRASE])


def _load_engine(folder: Path) -> Engine:
    from egma.inference.engine import load_engine

    return load_engine(folder)
