"""What the page works with, built once per process. The only place that loads weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from app.incidents import log_incident
from egma.errors import CheckpointError, EgmaError

if TYPE_CHECKING:
    from app.examples import Examples
    from app.films import FilmStore
    from app.private import PrivateFolder
    from app.settings import Settings
    from egma.inference.engine import Engine

MAX_WAIT_S = 120.0
"""How long a question waits for a model that is still loading: beyond that, something is wrong."""
State = Literal["loading", "ready", "failed"]


@dataclass(eq=False)
class ModelSlot:
    """The model, loaded in the background and called ready once it has answered a question.

    Attributes:
        name: the checkpoint's name, as asked for.
        load: builds the engine.
        warm_up: asks it one real question.
    """

    name: str
    load: Callable[[], Engine]
    warm_up: Callable[[Engine], object] | None = None
    state: State = field(default="loading", init=False)
    failure: str = field(default="", init=False)
    _engine: Engine | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _abandoned: bool = field(default=False, init=False)
    _settled: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        """Begin to load, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="load-model", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            engine = self.load()
            if self.warm_up is not None:
                self.warm_up(engine)
        except EgmaError as error:
            self.failure, self.state = str(error), "failed"
        except Exception as error:
            if self._abandoned:  # the interpreter is being taken apart under this thread
                return
            reference = log_incident(error)
            self.failure = f"The model {self.name} could not be loaded; reference {reference} is in the log."
            self.state = "failed"
        else:
            self._engine, self.state = engine, "ready"
        self._settled.set()

    def abandon(self) -> bool:
        """Forget a model that is still loading, because the page ends. Returns whether one is."""
        self._abandoned = True
        return self._thread is not None and self._thread.is_alive()

    def ready(self) -> Engine | None:
        """The engine where it is ready, None otherwise; never waits."""
        return self._engine if self.state == "ready" else None

    def engine(self, timeout_s: float = MAX_WAIT_S) -> Engine:
        """The engine, waited for while it loads.

        Raises:
            CheckpointError: it failed to load, or is still loading after `timeout_s`.
        """
        if not self._settled.wait(timeout_s):
            raise CheckpointError("The model is still loading. Ask again in a moment.")
        if self._engine is None:
            raise CheckpointError(self.failure)
        return self._engine


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself.

    Attributes:
        name: its name.
        hash: SHA-256 that names its weights and settings.
        text: `card.md`.
    """

    name: str
    hash: str
    text: str


@dataclass(frozen=True, eq=False)
class Services:
    """Everything handlers are given."""

    settings: Settings
    folder: PrivateFolder
    films: FilmStore
    examples: Examples
    model: ModelSlot
    card: Card
