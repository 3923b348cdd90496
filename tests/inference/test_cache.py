"""The cache of embeddings: bounded, least recently used first, one computation a key at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from egma.inference.cache import EmbeddingCache


def kilobytes(count: int) -> np.ndarray:
    return np.zeros(256 * count, np.float32)


def test_the_bound_holds_and_the_least_recently_used_leaves_first() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(3 * 1024)
    computed: list[str] = []

    def ask(key: str) -> None:
        cache.fetch([key], lambda places: computed.append(key) or [kilobytes(1) for _ in places])

    for key in "abcadab":
        ask(key)
        assert cache.status.bytes <= 3 * 1024
    assert computed == list("abcdb")
    assert cache.status.entries == 3


def test_what_is_larger_than_the_bound_is_given_but_not_kept() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(1024)
    (value,) = cache.fetch(["big"], lambda places: [kilobytes(2)])
    assert value.nbytes == 2048
    assert cache.status.entries == cache.status.bytes == 0


def test_repeated_keys_are_computed_once_and_order_is_kept() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(10_000)
    keys = ["a", "b", "a", "c"]
    values = cache.fetch(keys, lambda places: [np.array([place]) for place in places])
    assert [int(value[0]) for value in values] == [0, 1, 0, 3]


def test_a_key_that_is_being_computed_is_waited_for() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(10_000)
    started, go, calls = threading.Event(), threading.Event(), []

    def compute(places: list[int]) -> list[np.ndarray]:
        calls.append(places)
        started.set()
        assert go.wait(10)
        return [kilobytes(1) for _ in places]

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.fetch, ["a"], compute)
        assert started.wait(10)
        others = [pool.submit(cache.fetch, ["a"], compute) for _ in range(3)]
        go.set()
        values = [future.result()[0] for future in (first, *others)]
    assert len(calls) == 1
    assert all(value is values[0] for value in values)


def test_a_failure_reaches_the_caller_and_is_not_remembered() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(10_000)

    def fail(places: list[int]) -> list[np.ndarray]:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        cache.fetch(["a"], fail)
    (value,) = cache.fetch(["a"], lambda places: [kilobytes(1)])
    assert value.nbytes == 1024


def test_clearing_forgets_everything() -> None:
    cache: EmbeddingCache[np.ndarray] = EmbeddingCache(10_000)
    cache.fetch(["a"], lambda places: [kilobytes(1)])
    cache.clear()
    assert cache.status.entries == cache.status.bytes == 0
