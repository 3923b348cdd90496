"""`ReportIndex`: a library of reports in one folder, searched by vectors or by words."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from egma.errors import LibraryError
from egma.index.database import Database
from egma.index.embedding import embed_reports, split_reports
from egma.index.filters import Filters
from egma.index.hybrid import HybridSearch
from egma.index.keeper import SPACES, Keeper
from egma.index.lock import WriterLock
from egma.index.policy import IndexPolicy
from egma.index.reader import LibraryReader
from egma.index.records import Hit, ReportRecord, read_id, read_record
from egma.index.rows import (
    delete_rows,
    find_rows,
    read_meta,
    read_phrases,
    write_meta,
)
from egma.index.spaces import VectorSpace
from egma.index.stats import IndexStats, gather_stats
from egma.index.vectors import check_vectors
from egma.index.writing import ModelStamp, write_embedded, write_given

if TYPE_CHECKING:
    from egma.checkpoints import Checkpoint
    from egma.inference.engine import Engine

MAX_HITS = 1_000


class ReportIndex(LibraryReader):
    """One library. Built by `open`; any number of threads may search, one process at a time may write.

    The right to write is taken at the first write and kept until `close`; a second writer is told so in one sentence.
    A write that returned is on the disk. Use it as a context manager, or call `close`.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, database: Database, policy: IndexPolicy) -> None:
        super().__init__(database)
        self._policy = policy
        self._lock = WriterLock(database.folder)
        self._writing = threading.RLock()
        self._spaces = {name: VectorSpace(database.folder, name) for name in SPACES}
        self._keeper = Keeper(database, policy, self._writing)
        self._mended: list[str] = []
        self._tried_to_mend = False
        self._search = HybridSearch(database, self._spaces)
        self._closing = weakref.finalize(self, _close, self._keeper, self._database, self._lock)

    @classmethod
    def open(cls, folder: str | Path, *, create: bool = True, policy: IndexPolicy | None = None) -> ReportIndex:
        """Open the library in a folder; where there is none, make an empty one if `create`."""
        return cls(Database(Path(folder).expanduser(), create=create), policy or IndexPolicy())

    def __enter__(self) -> ReportIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        ids: Sequence[str],
        vectors: ArrayLike,
        records: Sequence[Any] | None = None,
        *,
        model: Checkpoint | None = None,
    ) -> None:
        """Add records with vectors that were made elsewhere; on return they are on the disk. All of them or none.

        An id that is there already gets the new vector and record in place of the old ones.

        Args:
            ids: one a record, none twice.
            vectors: (N, D), any length but 0; they are kept with length 1.
            records: texts, mappings (see `read_record`) or `ReportRecord`s; None for ids alone.
            model: the checkpoint that made the vectors, so that others are refused later and words can be searched by
                meaning; all of a library's vectors come from one.
        """
        names, checked = self._check_batch(ids, records)
        rows = check_vectors(vectors, len(names))
        with self._write() as connection:
            write_given(connection, names, rows, checked, ModelStamp.of(model))
        self._after_write()

    def add_reports(
        self,
        engine: Engine,
        ids: Sequence[str],
        records: Sequence[Any],
        *,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Split reports into sentences, embed those that are new, and add the reports; all of them or none.

        Args:
            notes: see `write_note`; written in the same transaction.
        """
        names, checked = self._check_batch(ids, records)
        self.check_model(engine.checkpoint)
        with self._writing:  # a sentence that is found here must still be there when the reports are written
            reports = split_reports(checked)
            with self._database.reading() as connection:
                known = read_phrases(connection, reports.phrases, engine.checkpoint.config.embed_dim)
            embedded = embed_reports(engine, reports, known)
            with self._write() as connection:
                write_embedded(connection, names, embedded, ModelStamp.of(engine.checkpoint))
                for key, value in (notes or {}).items():
                    write_meta(connection, f"note:{key}", value)
        self._after_write()

    def update(self, ids: Sequence[str], vectors: ArrayLike, records: Sequence[Any] | None = None) -> None:
        """As `add`, for ids that are all there already."""
        missing = [name for name in map(read_id, ids) if name not in self]
        if missing:
            raise LibraryError(f"there is no record {missing[0][:60]!r} to update in {self.folder.name!r}; add it")
        self.add(ids, vectors, records)

    def delete(self, ids: Sequence[str] | str) -> int:
        """Take records away, and say how many of the ids were there. Their words and vectors go from the database at
        once; the FAISS file keeps their bare codes, never shown, until it is built again or `compact` runs."""
        names = [read_id(name) for name in ([ids] if isinstance(ids, str) else ids)]
        with self._write() as connection:
            rows = find_rows(connection, names)
            delete_rows(connection, list(rows.values()))
        return len(rows)

    def compact(self) -> None:
        """Build the vector indexes anew without what was deleted, and give the space back to the disk."""
        self.rebuild()
        with self._writing:
            self._database.vacuum()

    def search(self, vectors: ArrayLike, k: int = 10, filters: Filters | None = None) -> list[Hit] | list[list[Hit]]:
        """The k records nearest to each vector, best first; `Hit.score` is the cosine.

        Args:
            vectors: (Q, D) for a list of lists, or one (D,) for one list.
        """
        queries = np.asarray(vectors, np.float32)
        checked = check_vectors(queries[None] if queries.ndim == 1 else queries, None)
        found = [self._search.by_vector(query, _check_k(k), filters or Filters()) for query in checked]
        self._mend()
        return found[0] if queries.ndim == 1 else found

    def search_text(
        self,
        engine: Engine | None,
        words: str,
        k: int = 10,
        filters: Filters | None = None,
        *,
        negation: bool = True,
    ) -> list[Hit]:
        """The k reports that answer the words best, by meaning and by words joined.

        Args:
            engine: of the checkpoint that made the library; None to compare words alone.
            words: free text; what stands in double quotes must be in the report word for word.
            negation: put reports that say the opposite behind all others.
        """
        if engine is not None:
            self.check_model(engine.checkpoint)
        hits = self._search.by_words(engine, words, _check_k(k), filters or Filters(), negation=negation)
        self._mend()
        return hits

    def write_note(self, key: str, value: str) -> None:
        """Keep a short text with the library, such as how far a build came; "" forgets it."""
        with self._write() as connection:
            write_meta(connection, f"note:{key}", value)

    def notes(self) -> list[str]:
        """What a reader should know: vector indexes that were built again, or are not used, and why."""
        return self._mended + [
            f"the vector index of the {name} is not used, all are scanned instead: {space.problem}; "
            "python -m egma index compact makes it anew"
            for name, space in self._spaces.items()
            if space.problem
        ]

    def stats(self) -> IndexStats:
        """The library in figures."""
        with self._database.reading() as connection:
            return gather_stats(connection, self._database, self._spaces, self._policy)

    def catch_up(self, *, labels: bool = True) -> None:
        """Index every vector that waits, now; `labels`: also read the findings of records that came with vectors."""
        with self._writing:
            self._check_writable()
            self._lock.acquire()
        self._keeper.catch_up(labels=labels)

    def rebuild(self) -> None:
        """Build the vector indexes anew, now."""
        with self._writing:  # not held below: the keeper takes it itself, after its own lock
            self._check_writable()
            self._lock.acquire()
        self._keeper.catch_up(whole=True)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction of the library's only writer, for the library's own tools."""
        return self._write()

    def close(self) -> None:
        """Let go of the folder; may be called twice."""
        self._closing()

    def _check_batch(self, ids: Sequence[str], records: Sequence[Any] | None) -> tuple[list[str], list[ReportRecord]]:
        if isinstance(ids, str):
            raise LibraryError("wanted a list of ids, got one text; put it in a list")
        names = [read_id(name) for name in ids]
        if len(set(names)) != len(names):
            twice = Counter(names).most_common(1)[0][0]
            raise LibraryError(f"the id {twice[:60]!r} stands twice in one addition; give every record its own")
        given = [None] * len(names) if records is None else list(records)
        if len(given) != len(names):
            raise LibraryError(f"{len(names):,} ids came with {len(given):,} records; wanted one a record")
        return names, [read_record(each, name) for each, name in zip(given, names)]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            self._check_writable()
            self._lock.acquire()
            with self._database.writing() as connection:
                yield connection

    def _mend(self) -> None:
        """Build a FAISS file that is missing or damaged again, once, if nobody writes and it takes no time."""
        broken = [space for space in self._spaces.values() if space.problem]
        if not broken or self._tried_to_mend or not self._database.writable:
            return
        largest = self.stats().largest
        with self._writing:
            held = self._lock.held
            if self._tried_to_mend or largest > self._policy.flat_up_to or not self._lock.try_acquire():
                return
            self._tried_to_mend = True
        problems = [space.problem for space in broken]
        try:
            self._keeper.catch_up(labels=False)
        finally:
            with self._writing:
                if not held:
                    self._lock.release()
        self._mended = [f"{problem}; it was built again from the records, nothing is lost" for problem in problems]
        with self._database.reading() as connection:
            for space in broken:
                space.sync(connection, int(read_meta(connection)["width"]))

    def _check_writable(self) -> None:
        if not self._database.writable:
            raise LibraryError(
                f"the library {self.folder.name!r} is read-only; nothing was changed: copy it to where you may write"
            )

    def _after_write(self) -> None:
        self._keeper.request()


def _check_k(k: int) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= MAX_HITS:
        raise LibraryError(f"k is how many reports are wanted, 1 to {MAX_HITS}, got {str(k)[:20]}")
    return int(k)


def _close(keeper: Keeper, database: Database, lock: WriterLock) -> None:
    keeper.stop()
    database.close()
    lock.release()
