"""What a library can be asked without changing it, apart from searching: its records, ids, notes and values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from egma.index.database import Database
from egma.index.matching import read_sentences
from egma.index.records import ReportRecord
from egma.index.rows import RECORDS, count_records, find_rows, read_meta, read_records, read_vectors
from egma.index.stats import Facets, gather_facets
from egma.index.writing import ModelStamp
from egma.types import Float32

if TYPE_CHECKING:
    from egma.checkpoints import Checkpoint


class LibraryReader:
    """The part of `ReportIndex` that only reads.

    Attributes:
        folder: where the library lies.
    """

    def __init__(self, database: Database) -> None:
        self.folder = database.folder
        self._database = database

    def __len__(self) -> int:
        with self._database.reading() as connection:
            return count_records(connection)

    def __contains__(self, name: object) -> bool:
        with self._database.reading() as connection:
            return bool(find_rows(connection, [str(name)]))

    def __iter__(self) -> Iterator[str]:
        """Every id, in the order in which the records were added."""
        after = 0
        while True:
            with self._database.reading() as connection:
                found = connection.execute(
                    "SELECT row, id FROM records WHERE row > ? ORDER BY row LIMIT 10000", (after,)
                ).fetchall()
            if not found:
                return
            after = found[-1][0]
            yield from (name for _, name in found)

    def get(self, ids: Sequence[str]) -> dict[str, ReportRecord]:
        """The records of these ids, as they were added; ids that are not there are left out."""
        with self._database.reading() as connection:
            rows = find_rows(connection, [str(name) for name in ids])
            return {each.id: each.record for each in read_records(connection, list(rows.values())).values()}

    def vectors_of(self, ids: Sequence[str]) -> dict[str, Float32]:
        """The unit vectors (D,) of these ids: to search by a report, give one to `search`."""
        with self._database.reading() as connection:
            names = {row: name for name, row in find_rows(connection, [str(name) for name in ids]).items()}
            width = int(read_meta(connection).get("width", "1"))
            rows, vectors = read_vectors(connection, RECORDS, list(names), width)
        return {names[int(row)]: vector for row, vector in zip(rows, vectors)}

    def sentence_vectors_of(self, ids: Sequence[str]) -> dict[str, Float32]:
        """Unit vectors (S, D) of the different sentences of these reports, as they were embedded."""
        found: dict[str, Float32] = {}
        with self._database.reading() as connection:
            width = int(read_meta(connection).get("width", "1"))
            for name, row in find_rows(connection, [str(each) for each in ids]).items():
                distinct = {each.text: each.vector for each in read_sentences(connection, row, width)}
                vectors = [vector for vector in distinct.values() if vector is not None]
                found[name] = np.stack(vectors) if vectors else np.zeros((0, width), np.float32)
        return found

    def digests_of(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The digest (`ReportRecord.digest`) of each of these ids that is there."""
        with self._database.reading() as connection:
            marked = json.dumps(list(ids))
            there = "SELECT id, digest FROM records WHERE id IN (SELECT value FROM json_each(?))"
            return dict(connection.execute(there, (marked,)))

    def ids_of_digests(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """An id for each of these digests that is there."""
        with self._database.reading() as connection:
            there = "SELECT id FROM records WHERE digest = ? ORDER BY row LIMIT 1"
            found = [(digest, connection.execute(there, (digest,)).fetchone()) for digest in digests]
        return {digest: row[0] for digest, row in found if row is not None}

    def note(self, key: str) -> str:
        """What `write_note` kept under a key, "" where nothing was."""
        with self._database.reading() as connection:
            return read_meta(connection).get(f"note:{key}", "")

    def facets(self) -> Facets:
        """What a search can be narrowed to: the values that are there, counted."""
        with self._database.reading() as connection:
            return gather_facets(connection)

    @property
    def generation(self) -> int:
        """Grows with every change, by whichever process: what was computed of the library is good while it stays."""
        with self._database.reading() as connection:
            return int(read_meta(connection)["generation"])

    def check_model(self, checkpoint: Checkpoint) -> None:
        """Refuse a checkpoint that did not make this library's vectors, by name and with what to do."""
        with self._database.reading() as connection:
            ModelStamp.read(connection).check(checkpoint, self.folder)

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection that sees one state of the library, for the library's own tools."""
        return self._database.reading()
