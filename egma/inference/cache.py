"""A bounded memory of embeddings: least recently used leaves first, and nothing is ever computed twice at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """A value that knows how many bytes it keeps."""

    @property
    def nbytes(self) -> int: ...


V = TypeVar("V", bound=Sized)


@dataclass(frozen=True)
class CacheStatus:
    """What a cache holds, for a status page."""

    entries: int
    bytes: int
    max_bytes: int


class EmbeddingCache(Generic[V]):
    """Values by key, at most `max_bytes` of them. Safe to use from many threads.

    A key that one thread is computing is waited for by the others (single flight). A failure reaches all who waited
    and is not remembered.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._bytes = 0
        self._running: dict[Hashable, Future[V]] = {}
        self._lock = threading.Lock()

    @property
    def status(self) -> CacheStatus:
        """Entries and bytes now."""
        with self._lock:
            return CacheStatus(len(self._values), self._bytes, self._max_bytes)

    def fetch(self, keys: Sequence[Hashable], compute: Callable[[list[int]], Sequence[V]]) -> list[V]:
        """The values of `keys`, in order; `compute(places)` makes those that nobody has, given their first places."""
        futures, mine = self._claim(keys)
        if mine:
            self._compute(keys, mine, futures, compute)
        return [futures[key].result() for key in keys]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _claim(self, keys: Sequence[Hashable]) -> tuple[dict[Hashable, Future[V]], list[int]]:
        """A future a key: done for what is remembered, another thread's for what runs, ours for the rest."""
        futures: dict[Hashable, Future[V]] = {}
        mine: list[int] = []
        with self._lock:
            for place, key in enumerate(keys):
                if key in futures:
                    continue
                if key in self._values:
                    self._values.move_to_end(key)
                    futures[key] = Future()
                    futures[key].set_result(self._values[key])
                elif key in self._running:
                    futures[key] = self._running[key]
                else:
                    futures[key] = self._running[key] = Future()
                    mine.append(place)
        return futures, mine

    def _compute(
        self,
        keys: Sequence[Hashable],
        mine: list[int],
        futures: dict[Hashable, Future[V]],
        compute: Callable[[list[int]], Sequence[V]],
    ) -> None:
        try:
            values = compute(mine)
        except BaseException as error:
            with self._lock:
                for place in mine:
                    del self._running[keys[place]]
            for place in mine:
                futures[keys[place]].set_exception(error)
            raise
        with self._lock:
            for place, value in zip(mine, values, strict=True):
                del self._running[keys[place]]
                self._remember(keys[place], value)
        for place, value in zip(mine, values, strict=True):
            futures[keys[place]].set_result(value)

    def _remember(self, key: Hashable, value: V) -> None:
        if value.nbytes > self._max_bytes:
            return
        self._values[key] = value
        self._bytes += value.nbytes
        while self._bytes > self._max_bytes:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= oldest.nbytes
