"""The page's models: every checkpoint there is, loaded in the background when asked for, two at most in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.incidents import log_incident
from egma.errors import CheckpointError, EgmaError

if TYPE_CHECKING:
    from egma.catalogue import CheckpointEntry
    from egma.inference.engine import Engine

MAX_WAIT_S = 120.0
"""How long a question waits for a model that is still loading: beyond that, something is wrong."""
MAX_LOADED = 2
"""The one in use and one to compare it with; published towers take half a gigabyte each."""
State = Literal["loading", "ready", "failed", "asleep"]


@dataclass(eq=False)
class Room:
    """Memory for so many engines: whoever loads one more sends the least recently used to sleep first."""

    most: int = MAX_LOADED
    loading: threading.Lock = field(default_factory=threading.Lock)
    _used: list[ModelSlot] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def touch(self, slot: ModelSlot) -> None:
        """Count a slot as used just now."""
        with self._lock:
            if not self._used or self._used[-1] is not slot:
                if slot in self._used:
                    self._used.remove(slot)
                self._used.append(slot)

    def make_for(self, slot: ModelSlot) -> None:
        """Send others to sleep until one more engine fits beside what `slot` itself still holds."""
        with self._lock:
            held = [each for each in self._used if each is not slot and each.is_loaded]
        fitting = max(self.most - 1 - int(slot.is_loaded), 0)
        for each in held[: max(len(held) - fitting, 0)]:
            each.release()


@dataclass(eq=False)
class ModelSlot:
    """One model, loaded in the background and called ready once it has answered a question.

    Attributes:
        name: the checkpoint's name, as asked for.
        load: builds the engine.
        warm_up: asks it one real question.
        room: what bounds the engines of all slots.
        has_answered: whether it was ever ready; a model that sleeps to save memory has not failed.
    """

    name: str
    load: Callable[[], Engine]
    warm_up: Callable[[Engine], object] | None = None
    room: Room = field(default_factory=Room)
    state: State = field(default="loading", init=False)
    failure: str = field(default="", init=False)
    has_answered: bool = field(default=False, init=False)
    _engine: Engine | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _abandoned: bool = field(default=False, init=False)
    _settled: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def is_loaded(self) -> bool:
        """Whether its engine is in memory."""
        return self._engine is not None

    @property
    def is_loading(self) -> bool:
        """Whether it loads now, for the first time or anew."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def hash(self) -> str:
        """Of the checkpoint in memory; "" while there is none."""
        engine = self._engine
        return engine.checkpoint.hash if engine is not None else ""

    def start(self) -> None:
        """Begin to load, in a thread of its own, unless that is going on already.

        An engine that is there already, because its checkpoint was written anew, answers until the new one is ready.
        """
        with self._lock:
            if self.is_loading:
                return
            self.failure = ""
            if self._engine is None:
                self.state = "loading"
                self._settled.clear()
            self._thread = threading.Thread(target=self._run, name="load-model", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            with self.room.loading:
                self.room.make_for(self)
                engine = self.load()
                if self.warm_up is not None:
                    self.warm_up(engine)
                with self._lock:
                    self._engine, self.state, self.has_answered = engine, "ready", True
                self.room.touch(self)  # before the next one counts who is in memory
        except EgmaError as error:
            self._fail(str(error))
        except Exception as error:
            if self._abandoned:  # the interpreter is being taken apart under this thread
                return
            reference = log_incident(error)
            self._fail(f"The model {self.name} could not be loaded; reference {reference} is in the log.")
        self._settled.set()

    def _fail(self, sentence: str) -> None:
        with self._lock:
            self.failure = sentence
            if self._engine is None:
                self.state = "failed"

    def release(self) -> None:
        """Give the engine's memory back; the next question loads it again."""
        with self._lock:
            if self._engine is not None:
                self._engine, self.state = None, "asleep"
                self._settled.clear()

    def abandon(self) -> bool:
        """Forget a model that is still loading, because the page ends. Returns whether one is."""
        self._abandoned = True
        return self.is_loading

    def ready(self) -> Engine | None:
        """The engine where it is ready, None otherwise; never waits, but wakes a model that sleeps."""
        with self._lock:
            engine = self._engine
            if engine is None:
                if self.state == "asleep":
                    self.start()
                return None
        self.room.touch(self)
        return engine

    def engine(self, timeout_s: float = MAX_WAIT_S) -> Engine:
        """The engine, waited for while it loads.

        Raises:
            CheckpointError: it failed to load, or is still loading after `timeout_s`.
        """
        until = time.monotonic() + timeout_s
        while True:
            engine = self.ready()
            if engine is not None:
                return engine
            if not self._settled.wait(max(until - time.monotonic(), 0.0)):
                raise CheckpointError("The model is still loading. Ask again in a moment.")
            if self.state == "failed":
                raise CheckpointError(self.failure)


@dataclass(eq=False)
class Models:
    """Every checkpoint of the page by name. Names come from its own list: what a browser sends never becomes a path.

    Attributes:
        default: the slot of the checkpoint the page was started with; `""` asks for it.
        list_entries: finds what there is now.
        load: builds an engine from a checkpoint's folder.
    """

    default: ModelSlot
    list_entries: Callable[[], list[CheckpointEntry]]
    load: Callable[[Path], Engine]
    _slots: dict[str, ModelSlot] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def entries(self) -> list[CheckpointEntry]:
        """What there is now, the default first; broken ones too, each with its sentence."""
        return sorted(self.list_entries(), key=lambda entry: (entry.name != self.default.name, entry.name))

    def entry(self, name: str = "") -> CheckpointEntry:
        """One of them.

        Raises:
            CheckpointError: there is none of that name.
        """
        entries = self.entries()
        for entry in entries:
            if entry.name == (name or self.default.name):
                return entry
        there = ", ".join(entry.name for entry in entries) or "none"
        raise CheckpointError(f"There is no checkpoint {name[:80]!r} any more; there are: {there}.")

    def choices(self) -> list[tuple[str, str]]:
        """(label, name) of each, for a menu."""
        return [
            (f"{each.name} (cannot be opened)" if each.problem else each.name, each.name) for each in self.entries()
        ]

    def start(self, name: str = "", keep: str = "") -> ModelSlot:
        """Begin to load a checkpoint that is not loaded, was written anew since, or failed before.

        Args:
            name: which.
            keep: one that answers meanwhile, so that it is not the one sent to sleep.

        Raises:
            CheckpointError: there is none of that name, or it is broken.
        """
        entry = self.entry(name)
        if entry.problem:
            raise CheckpointError(entry.problem)
        if keep in self._slots or keep == self.default.name:
            self._slot(keep).ready()
        slot = self._slot(entry.name)
        if not slot.is_loaded or slot.hash != entry.hash:
            slot.start()
        return slot

    def ready(self, name: str = "") -> Engine | None:
        """The engine where it is ready; None otherwise, and then it begins to load."""
        return self.slot(name).ready()

    def engine(self, name: str = "", timeout_s: float = MAX_WAIT_S) -> Engine:
        """The engine, waited for while it loads.

        Raises:
            CheckpointError: there is no such checkpoint, or it cannot be loaded; one sentence.
        """
        return self.slot(name).engine(timeout_s)

    def slot(self, name: str = "") -> ModelSlot:
        """Where a checkpoint is loaded, for its state and its failure; one that nobody asked yet begins to load.

        Raises:
            CheckpointError: there is none of that name, or it is broken.
        """
        return self._known(name) or self.start(name)

    def abandon(self) -> bool:
        """Forget what is still loading, because the page ends. Returns whether something is."""
        with self._lock:
            slots = [self.default, *self._slots.values()]
        loading = [slot.abandon() for slot in slots]  # each of them, not only up to the first
        return any(loading)

    def _known(self, name: str) -> ModelSlot | None:
        if not name or name == self.default.name:
            return self.default
        with self._lock:
            return self._slots.get(name)

    def _slot(self, name: str) -> ModelSlot:
        """The slot of a name that is in the list."""
        if name == self.default.name:
            return self.default
        with self._lock:
            if name not in self._slots:
                default = self.default
                self._slots[name] = ModelSlot(name, lambda: self._load(name), default.warm_up, default.room)
            return self._slots[name]

    def _load(self, name: str) -> Engine:
        return self.load(self.entry(name).folder)
