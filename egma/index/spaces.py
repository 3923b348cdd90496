"""Nearest vectors of one space: the FAISS file, and beside it, scanned exactly, whatever came after it.

All that comes out was read from the database just now: rows that were deleted are not there, and scores are cosines
with the stored vectors.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from egma.errors import LibraryError
from egma.index.policy import FLAT
from egma.index.recall import candidates_wanted
from egma.index.rows import read_vectors, scan_vectors
from egma.index.vector_files import SCAN_ROWS, BuiltIndex, load_file, read_built
from egma.types import Float32

TAIL_CACHE_ROWS = 200_000  # 200 MB of 256-d vectors; what waits beyond them is read from the database by each search
_EXACT_ROWS = 2_000  # a filter that leaves at most this many rows is answered exactly, by reading them one by one
_SPARSE = 0.05
_WIDEN = 4
_SMALL_CHUNK = 1_024
Rows = NDArray[np.int64]
Allowed = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Loaded:
    """What is in memory: an index with its description, and the rows after it up to `last`, in chunks."""

    built: BuiltIndex | None = None
    index: Any = None
    tail: tuple[tuple[Rows, Float32], ...] = ()
    last: int = 0

    @property
    def indexed_to(self) -> int:
        return self.built.last_row if self.built is not None and self.index is not None else 0


class VectorSpace:
    """The vectors of records or of sentences; any number of threads may search.

    Attributes:
        name: "records" or "sentences".
        problem: why the FAISS file is not used, "" where it is or where there is none.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.problem = ""
        self._folder = folder
        self._loaded = _Loaded()
        self._lock = threading.Lock()

    def nearest(
        self, connection: sqlite3.Connection, query: Float32, k: int, allowed: Allowed | None = None
    ) -> tuple[Rows, Float32]:
        """The k nearest live rows and their cosines, best first.

        Args:
            query: unit vector (D,).
            allowed: bool by row number; rows beyond its end are not allowed.
        """
        width = len(query)
        loaded = self.sync(connection, width)
        if allowed is not None and int(allowed.sum()) <= _EXACT_ROWS:
            return self._rank(connection, query, np.flatnonzero(allowed), k)
        wanted = candidates_wanted(loaded.built.kind if loaded.built else FLAT, k)
        while True:
            near, more_there = self._candidates(connection, loaded, query, wanted, allowed)
            rows, scores = self._rank(connection, query, near, k)
            if len(rows) >= k or not more_there:
                return rows, scores
            wanted *= _WIDEN

    def sync(self, connection: sqlite3.Connection, width: int) -> _Loaded:
        """Bring what is in memory up to the state that the connection sees."""
        with self._lock:
            loaded = self._loaded
            built = read_built(connection, self.name)
            if built != loaded.built:
                loaded = self._load(built, loaded)
            loaded = self._read_tail(connection, loaded, width)
            self._loaded = loaded
            return loaded

    def forget(self) -> None:
        """Let go of everything in memory."""
        with self._lock:
            self._loaded = _Loaded()

    def _load(self, built: BuiltIndex | None, before: _Loaded) -> _Loaded:
        self.problem = ""
        if built is None:
            return _Loaded()
        try:
            index = load_file(self._folder, built)
        except LibraryError as error:
            self.problem = str(error)
            return _Loaded(built=built)
        tail = [(rows, vectors) for rows, vectors in before.tail if rows[-1] > built.last_row]
        if tail and tail[0][0][0] <= built.last_row:
            keep = tail[0][0] > built.last_row
            tail[0] = (tail[0][0][keep], tail[0][1][keep])
        return _Loaded(built, index, tuple(tail), max(built.last_row, before.last) if tail else built.last_row)

    def _read_tail(self, connection: sqlite3.Connection, loaded: _Loaded, width: int) -> _Loaded:
        held = sum(len(rows) for rows, _ in loaded.tail)
        chunks, last = list(loaded.tail), loaded.last
        while held < TAIL_CACHE_ROWS:
            rows, vectors = scan_vectors(connection, self.name, last, SCAN_ROWS, width)
            if not len(rows):
                break
            if chunks and len(chunks[-1][0]) < _SMALL_CHUNK:
                before = chunks.pop()
                chunks.append((np.concatenate([before[0], rows]), np.concatenate([before[1], vectors])))
            else:
                chunks.append((rows, vectors))
            held, last = held + len(rows), int(rows[-1])
        return replace(loaded, tail=tuple(chunks), last=last) if last != loaded.last else loaded

    def _candidates(
        self, connection: sqlite3.Connection, loaded: _Loaded, query: Float32, wanted: int, allowed: Allowed | None
    ) -> tuple[Rows, bool]:
        """Row numbers that may be among the nearest, and whether asking for more would give more."""
        found: list[Rows] = []
        more = False
        if loaded.index is not None and loaded.built is not None:
            near = _search_index(loaded.index, loaded.built, query, wanted, allowed)
            more = len(near) >= wanted or _reads_some(loaded.built, wanted)
            found.append(near)
        for rows, vectors in loaded.tail:
            found.append(_best(rows, vectors @ query, wanted, allowed))
            more |= len(found[-1]) >= wanted
        if sum(len(rows) for rows, _ in loaded.tail) >= TAIL_CACHE_ROWS:
            near = self._scan_rest(connection, loaded.last, query, wanted, allowed)
            more |= len(near) >= wanted
            found.append(near)
        return np.concatenate(found) if found else np.zeros(0, np.int64), more

    def _scan_rest(
        self, connection: sqlite3.Connection, after: int, query: Float32, wanted: int, allowed: Allowed | None
    ) -> Rows:
        """The nearest of what is not in memory, read from the database."""
        best_rows, best_scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
        while True:
            rows, vectors = scan_vectors(connection, self.name, after, SCAN_ROWS, len(query))
            if not len(rows):
                return best_rows
            after = int(rows[-1])
            rows = np.concatenate([best_rows, rows])
            scores = np.concatenate([best_scores, vectors @ query])
            kept = _best(np.arange(len(rows)), scores, wanted, None if allowed is None else _allows(allowed, rows))
            best_rows, best_scores = rows[kept], scores[kept]

    def _rank(self, connection: sqlite3.Connection, query: Float32, near: Rows, k: int) -> tuple[Rows, Float32]:
        """The k best of these rows, live ones only, by their stored vectors."""
        kept_rows, kept_scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for start in range(0, len(near), SCAN_ROWS):
            rows, vectors = read_vectors(connection, self.name, near[start : start + SCAN_ROWS], len(query))
            kept_rows.append(rows)
            kept_scores.append(vectors @ query)
        rows, scores = np.concatenate(kept_rows), np.concatenate(kept_scores)
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]


def allow_rows(rows: Rows) -> Allowed:
    """A mask by row number, as `nearest` takes it."""
    allowed = np.zeros(int(rows.max(initial=0)) + 1, bool)
    allowed[rows] = True
    return allowed


def _search_index(index: Any, built: BuiltIndex, query: Float32, wanted: int, allowed: Allowed | None) -> Rows:
    import faiss

    options: dict[str, Any] = {}
    if allowed is not None:
        options["sel"] = cast(Any, faiss).IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if built.kind == FLAT:
        parameters = faiss.SearchParameters(**options)
    else:
        parameters = cast(Any, faiss).SearchParametersIVF(nprobe=_lists_read(built, wanted, allowed), **options)
    _, found = index.search(query[None], min(wanted, built.rows), params=parameters)
    return found[0][found[0] >= 0]


def _lists_read(built: BuiltIndex, wanted: int, allowed: Allowed | None) -> int:
    """More lists where much is asked for or a filter leaves little of each; all where it leaves a few rows of most."""
    share = 1.0 if allowed is None else max(int(allowed.sum()), 1) / max(len(allowed), 1)
    if share < _SPARSE:  # the nearest that pass may be in any list; looking through the mask costs milliseconds
        return built.nlist
    needed = built.nprobe / max(share, 1e-3)
    per_list = built.rows / built.nlist
    return int(min(built.nlist, max(needed, built.nprobe * wanted / (4 * per_list))))


def _reads_some(built: BuiltIndex, wanted: int) -> bool:
    """Whether an inverted file was read in part, so that a wider question would find more."""
    return built.kind != FLAT and wanted < built.rows


def _best(rows: Rows, scores: Float32, wanted: int, allowed: Allowed | None) -> Rows:
    if allowed is not None:
        inside = _allows(allowed, rows)
        rows, scores = rows[inside], scores[inside]
    if len(rows) <= wanted:
        return rows
    return rows[np.argpartition(-scores, wanted - 1)[:wanted]]


def _allows(allowed: Allowed, rows: Rows) -> Allowed:
    inside = rows < len(allowed)
    inside[inside] = allowed[rows[inside]]
    return inside
