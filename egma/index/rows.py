"""Rows of a library's tables: written, read and deleted inside a transaction that somebody else opened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.index.records import ReportRecord
from egma.types import Float32

RECORDS, SENTENCES = "records", "sentences"
VECTORS_OF = {RECORDS: "vectors", SENTENCES: "phrase_vectors"}
_FACTS = "row, id, text, view, sex, age, date, source, present, absent, extra"


@dataclass(frozen=True)
class StoredRecord:
    """A record as it lies in the library; `present` and `absent` are masks of findings, None where not read yet."""

    row: int
    id: str
    record: ReportRecord
    present: int | None
    absent: int | None


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Everything in `meta`."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def write_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one key of `meta`; an empty value takes it away."""
    if value:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
    else:
        connection.execute("DELETE FROM meta WHERE key = ?", (key,))


def insert_records(
    connection: sqlite3.Connection,
    ids: Sequence[str],
    records: Sequence[ReportRecord],
    masks: Sequence[tuple[int, int] | None],
) -> range:
    """Write records and their words; returns their new rows. The ids must not be there."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'").fetchone()
    rows = range(last + 1, last + 1 + len(ids))
    connection.executemany(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (row, name, each.text, *each.facets, each.digest, *(mask or (None, None)), _dump(each.extra))
            for row, name, each, mask in zip(rows, ids, records, masks)
        ),
    )
    _count(connection, "records", len(rows))
    connection.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)", zip(rows, (each.text for each in records), strict=True)
    )
    return rows


def insert_vectors(connection: sqlite3.Connection, table: str, rows: Sequence[int], vectors: Float32) -> None:
    """Write unit vectors (N, D) of new rows as float32 bytes, little-endian."""
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?)",  # noqa: S608 - a name of ours
        zip(rows, (row.tobytes() for row in vectors.astype("<f4", copy=False)), strict=True),
    )
    _count(connection, table, len(rows))


def delete_rows(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Take records away with their words, vectors and every phrase that no other record says."""
    marked = json.dumps(list(rows))
    of_rows = "IN (SELECT value FROM json_each(?))"
    connection.execute(
        f"INSERT INTO words (words, rowid, text) SELECT 'delete', row, text FROM records WHERE row {of_rows}",  # noqa: S608
        (marked,),
    )
    phrases = connection.execute(f"SELECT DISTINCT phrase FROM sentences WHERE record {of_rows}", (marked,)).fetchall()  # noqa: S608
    for table, column in (("records", "row"), ("vectors", "row"), ("sentences", "record")):
        gone = connection.execute(f"DELETE FROM {table} WHERE {column} {of_rows}", (marked,)).rowcount  # noqa: S608
        _count(connection, table, -gone)
    orphans = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT phrase FROM sentences)"
    for table in ("phrase_vectors", "phrases"):
        gone = connection.execute(
            f"DELETE FROM {table} WHERE row IN ({orphans})",  # noqa: S608
            (json.dumps([row for (row,) in phrases]),),
        ).rowcount
        _count(connection, table, -gone)


def find_rows(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The rows of the ids that are there."""
    marked = json.dumps(list(ids))
    return dict(
        connection.execute("SELECT id, row FROM records WHERE id IN (SELECT value FROM json_each(?))", (marked,))
    )


def read_phrases(connection: sqlite3.Connection, phrases: Sequence[str], width: int) -> dict[str, Float32]:
    """The vectors (D,) of those phrases that the library knows."""
    found = connection.execute(
        "SELECT p.text, v.v FROM phrases p JOIN phrase_vectors v ON v.row = p.row "
        "WHERE p.text IN (SELECT value FROM json_each(?))",
        (json.dumps(list(phrases)),),
    )
    return {text: np.frombuffer(blob, "<f4", count=width) for text, blob in found}


def read_records(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, StoredRecord]:
    """The records of these rows; those that are gone are left out."""
    found = connection.execute(
        f"SELECT {_FACTS} FROM records WHERE row IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps([int(row) for row in rows]),),
    )
    return {row[0]: _stored(row) for row in found}


def read_vectors(
    connection: sqlite3.Connection, space: str, rows: Sequence[int] | NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], Float32]:
    """Vectors of the rows that are still there: (rows (N,), vectors float32 (N, D))."""
    found = connection.execute(
        f"SELECT row, v FROM {VECTORS_OF[space]} WHERE row IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps([int(row) for row in rows]),),
    )
    return _as_arrays(found.fetchall(), width)


def scan_vectors(
    connection: sqlite3.Connection, space: str, after: int, most: int, width: int
) -> tuple[NDArray[np.int64], Float32]:
    """The next vectors in the order of their rows, at most `most`, as (rows (N,), vectors float32 (N, D))."""
    found = connection.execute(
        f"SELECT row, v FROM {VECTORS_OF[space]} WHERE row > ? ORDER BY row LIMIT ?",  # noqa: S608
        (after, most),
    )
    return _as_arrays(found.fetchall(), width)


def count_records(connection: sqlite3.Connection) -> int:
    """How many records there are; kept beside them, because counting a million takes a second."""
    return connection.execute("SELECT n FROM counts WHERE name = 'records'").fetchone()[0]


def count_vectors(connection: sqlite3.Connection, space: str) -> int:
    """How many vectors a space has."""
    return connection.execute("SELECT n FROM counts WHERE name = ?", (VECTORS_OF[space],)).fetchone()[0]


def count_after(connection: sqlite3.Connection, space: str, row: int) -> int:
    """How many vectors a space has after a row."""
    return connection.execute(f"SELECT count(*) FROM {VECTORS_OF[space]} WHERE row > ?", (row,)).fetchone()[0]  # noqa: S608


def last_row(connection: sqlite3.Connection, space: str) -> int:
    """The last row of a space's vectors, 0 where there is none."""
    return connection.execute(f"SELECT coalesce(max(row), 0) FROM {VECTORS_OF[space]}").fetchone()[0]  # noqa: S608


def _count(connection: sqlite3.Connection, table: str, by: int) -> None:
    connection.execute("UPDATE counts SET n = n + ? WHERE name = ?", (by, table))


def _as_arrays(found: list[tuple[int, bytes]], width: int) -> tuple[NDArray[np.int64], Float32]:
    rows = np.array([row for row, _ in found], np.int64)
    vectors = np.frombuffer(b"".join(blob for _, blob in found), "<f4").reshape(len(found), width)
    return rows, vectors


def _stored(row: tuple[Any, ...]) -> StoredRecord:
    number, name, text, view, sex, age, date, source, present, absent, extra = row
    record = ReportRecord(text, view, sex, age, date, source, json.loads(extra) if extra else {})
    return StoredRecord(number, name, record, present, absent)


def _dump(extra: dict[str, Any]) -> str:
    return json.dumps(extra, ensure_ascii=False) if extra else ""
