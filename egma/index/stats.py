"""What a library is made of, for people and for `index stats`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from egma.findings import FINDINGS
from egma.index.database import STORE_NAME, Database
from egma.index.policy import FLAT, IndexPolicy
from egma.index.rows import SENTENCES, count_after, count_records, count_vectors, read_meta
from egma.index.spaces import VectorSpace
from egma.index.vector_files import read_built


@dataclass(frozen=True)
class SpaceStats:
    """The vectors of the records, or of the sentences.

    Attributes:
        vectors: how many there are.
        kind: "flat", "ivf-sq8", "ivf-pq", or "none" while all are scanned.
        reason: why that kind, as a sentence.
        indexed: vectors in the FAISS file; tombstones: those of them that were deleted since.
        waiting: vectors that are scanned exactly beside it.
        recall: recall@10 against exact, measured on a sample when the file was built; 1 where flat, None where none.
        nlist, nprobe: lists of an inverted file, and how many a search reads.
        file_bytes: size of the FAISS file.
        build_s: seconds that building it took.
    """

    vectors: int
    kind: str
    reason: str
    indexed: int
    tombstones: int
    waiting: int
    recall: float | None
    nlist: int
    nprobe: int
    file_bytes: int
    build_s: float


@dataclass(frozen=True)
class Facets:
    """What the records of a library can be narrowed to.

    Attributes:
        view, sex, source: how many records have each value, "" left out.
        finding: how many records name each finding as present, those that none names left out.
        age: (least, most) years, None where no record has one; date: (first, last), ("", "") likewise.
    """

    view: dict[str, int]
    sex: dict[str, int]
    source: dict[str, int]
    finding: dict[str, int]
    age: tuple[float, float] | None
    date: tuple[str, str]


@dataclass(frozen=True)
class IndexStats:
    """A library in figures.

    Attributes:
        records, sentences: how many; a sentence that many reports say is counted once.
        width: of the vectors, None while there is none.
        model, model_hash, policy: the checkpoint that made the vectors and how a report was turned into them; "" where
            vectors were given without one.
        generation: number of changes since the library was made.
        sources: records by source.
        store_bytes: size of the database, its log included.
        spaces: by "records" and "sentences".
    """

    records: int
    sentences: int
    width: int | None
    model: str
    model_hash: str
    policy: str
    generation: int
    sources: dict[str, int]
    store_bytes: int
    spaces: dict[str, SpaceStats]

    @property
    def largest(self) -> int:
        """How many vectors the larger space has."""
        return max(space.vectors for space in self.spaces.values())

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def gather_stats(
    connection: sqlite3.Connection, database: Database, spaces: Mapping[str, VectorSpace], policy: IndexPolicy
) -> IndexStats:
    """Count what the connection sees."""
    meta = read_meta(connection)
    width = int(meta.get("width", "0"))
    files = [database.folder / name for name in (STORE_NAME, f"{STORE_NAME}-wal")]
    return IndexStats(
        records=count_records(connection),
        sentences=count_vectors(connection, SENTENCES),
        width=width or None,
        model=meta.get("model", ""),
        model_hash=meta.get("model_hash", ""),
        policy=meta.get("policy", ""),
        generation=int(meta.get("generation", "0")),
        sources=dict(connection.execute("SELECT source, count(*) FROM records GROUP BY source ORDER BY source")),
        store_bytes=sum(path.stat().st_size for path in files if path.is_file()),
        spaces={name: _gather_space(connection, space, width, policy) for name, space in spaces.items()},
    )


def gather_facets(connection: sqlite3.Connection) -> Facets:
    """Count the values that records have."""
    values = {
        column: dict(
            connection.execute(
                f"SELECT {column}, count(*) FROM records WHERE {column} <> '' GROUP BY {column} ORDER BY 2 DESC, 1"  # noqa: S608
            ).fetchall()
        )
        for column in ("view", "sex", "source")
    }
    masks = connection.execute("SELECT present, count(*) FROM records WHERE present <> 0 GROUP BY present").fetchall()
    named = {finding: sum(count for mask, count in masks if mask >> bit & 1) for bit, finding in enumerate(FINDINGS)}
    ages = connection.execute("SELECT min(age), max(age) FROM records").fetchone()
    dates = connection.execute("SELECT min(date), max(date) FROM records WHERE date <> ''").fetchone()
    return Facets(
        **values,
        finding={finding: count for finding, count in named.items() if count},
        age=None if ages[0] is None else ages,
        date=("", "") if dates[0] is None else dates,
    )


def _gather_space(connection: sqlite3.Connection, space: VectorSpace, width: int, policy: IndexPolicy) -> SpaceStats:
    if width:
        space.sync(connection, width)
    built = read_built(connection, space.name)
    vectors = count_vectors(connection, space.name)
    if built is None or space.problem:
        why = f"the vector index is not used ({space.problem}): " if space.problem else ""
        reason = f"{why}{vectors:,} vectors, all scanned exactly"
        return SpaceStats(vectors, "none", reason, 0, 0, vectors, None, 0, 0, 0, 0.0)
    waiting = count_after(connection, space.name, built.last_row)
    return SpaceStats(
        vectors=vectors,
        kind=built.kind,
        reason=policy.reason_for(built.kind, built.rows),
        indexed=built.rows,
        tombstones=built.rows - (vectors - waiting),
        waiting=waiting,
        recall=1.0 if built.kind == FLAT else built.recall,
        nlist=built.nlist,
        nprobe=built.nprobe,
        file_bytes=built.bytes,
        build_s=built.seconds,
    )
