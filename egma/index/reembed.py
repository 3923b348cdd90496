"""Embeds a library again with another checkpoint: resumable, and searched as it was until the last moment.

New vectors gather in a table beside the old ones; one transaction at the end puts them in their place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from egma.errors import LibraryError
from egma.index.embedding import POLICY, embed_phrases, mean_vector
from egma.index.rows import insert_vectors, write_meta
from egma.index.store import ReportIndex
from egma.index.writing import ModelStamp
from egma.types import Float32

if TYPE_CHECKING:
    from egma.inference.engine import Engine

_AT_ONCE = 1_000
_TABLE = "next_phrase_vectors"


def reembed_library(
    index: ReportIndex,
    engine: Engine,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Give every sentence and report a vector of this checkpoint; returns whether it was finished.

    Raises:
        LibraryError: the library holds records whose vectors were given with them, which no text can replace.
    """
    stamp = ModelStamp.of(engine.checkpoint)
    with index.transaction() as connection:
        _check(connection, index.folder.name)
        _prepare(connection, stamp)
    total, done = _counts(index)
    while done < total and not should_stop():
        with index.reading() as connection:
            batch = connection.execute(
                f"SELECT row, text FROM phrases WHERE row NOT IN (SELECT row FROM {_TABLE}) ORDER BY row LIMIT ?",  # noqa: S608
                (_AT_ONCE,),
            ).fetchall()
        vectors = embed_phrases(engine, [text for _, text in batch])
        with index.transaction() as connection:
            insert_vectors(connection, _TABLE, [row for row, _ in batch], vectors)
        total, done = _counts(index)
        if on_progress is not None:
            on_progress(done, total, "sentences embedded again")
    if done < total:
        return False
    with index.transaction() as connection:
        _swap(connection, stamp)
    index.rebuild()
    return True


def _check(connection: sqlite3.Connection, name: str) -> None:
    given = connection.execute(
        "SELECT count(*) FROM vectors WHERE row NOT IN (SELECT record FROM sentences WHERE ordinal = 0)"
    ).fetchone()[0]
    if given:
        raise LibraryError(
            f"the library {name!r} holds {given:,} records whose vectors were given with them; embed their films or "
            "texts again into a new library"
        )


def _prepare(connection: sqlite3.Connection, stamp: ModelStamp) -> None:
    """Keep what an interrupted run with the same checkpoint left; throw away another's."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'next_hash'").fetchone()
    if row is None or row[0] != stamp.hash:
        connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (row INTEGER PRIMARY KEY, v BLOB NOT NULL)")
    connection.execute(f"DELETE FROM {_TABLE} WHERE row NOT IN (SELECT row FROM phrases)")  # noqa: S608
    write_meta(connection, "next_hash", stamp.hash)


def _counts(index: ReportIndex) -> tuple[int, int]:
    with index.reading() as connection:
        total = connection.execute("SELECT count(*) FROM phrases").fetchone()[0]
        return total, connection.execute(f"SELECT count(*) FROM {_TABLE}").fetchone()[0]  # noqa: S608


def _swap(connection: sqlite3.Connection, stamp: ModelStamp) -> None:
    connection.execute("DROP TABLE phrase_vectors")
    connection.execute(f"ALTER TABLE {_TABLE} RENAME TO phrase_vectors")
    connection.execute("DELETE FROM vectors")
    connection.execute("DELETE FROM indexes")
    connection.execute("UPDATE counts SET n = 0 WHERE name = 'vectors'")
    records = connection.execute("SELECT DISTINCT record FROM sentences ORDER BY record").fetchall()
    for start in range(0, len(records), _AT_ONCE):
        rows = [row for (row,) in records[start : start + _AT_ONCE]]
        means = [(row, _mean(connection, row)) for row in rows]
        kept = [(row, mean) for row, mean in means if mean is not None]
        if kept:
            insert_vectors(connection, "vectors", [row for row, _ in kept], np.stack([mean for _, mean in kept]))
    for key, value in (("model", stamp.name), ("model_hash", stamp.hash), ("width", str(stamp.width))):
        write_meta(connection, key, value)
    write_meta(connection, "policy", POLICY)
    write_meta(connection, "next_hash", "")


def _mean(connection: sqlite3.Connection, record: int) -> Float32 | None:
    found = connection.execute(
        "SELECT v FROM phrase_vectors WHERE row IN (SELECT phrase FROM sentences WHERE record = ?) ORDER BY row",
        (record,),
    ).fetchall()
    return mean_vector(np.stack([np.frombuffer(blob, "<f4") for (blob,) in found]))
