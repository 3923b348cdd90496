"""The FAISS files of a library: built from the database, measured against exact search, swapped in as a whole.

A file carries row numbers and codes only. What a search shows is always read from the database, with its score
computed from the stored vector, so that a stale or foreign file can cost recall but never show a wrong report.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.errors import LibraryError
from egma.index.database import Database
from egma.index.policy import FLAT, IVF_SQ8, IndexPolicy
from egma.index.recall import SampledTruth
from egma.index.rows import count_vectors, read_vectors, scan_vectors
from egma.types import Float32

SCAN_ROWS = 20_000  # 20 MB of 256-d vectors at a time
_TRAIN_A_LIST = 48
_KMEANS_STEPS = 8
_QUERIES = 200
_DIMENSIONS_A_CODE = 4  # of product quantisation: 64 bytes for 256 numbers


@dataclass(frozen=True)
class BuiltIndex:
    """A FAISS file as the database knows it; a file that does not fit is not used.

    Attributes:
        space, file, bytes, crc: whose it is, its name in the folder, its size and CRC-32.
        kind: "flat", "ivf-sq8" or "ivf-pq".
        rows, trained_rows: vectors in it, and how many there were when it was last trained.
        last_row: every row up to this one is in it.
        nlist, nprobe: lists, and how many a search reads; 0 where flat.
        recall: recall@10 against exact at `nprobe`; None where flat.
        seconds: that building took.
    """

    space: str
    file: str
    bytes: int
    crc: int
    kind: str
    rows: int
    trained_rows: int
    last_row: int
    nlist: int
    nprobe: int
    recall: float | None
    seconds: float


def read_built(connection: Any, space: str) -> BuiltIndex | None:
    """The space's file as the database names it."""
    columns = ", ".join(field.name for field in fields(BuiltIndex))
    row = connection.execute(f"SELECT {columns} FROM indexes WHERE space = ?", (space,)).fetchone()  # noqa: S608
    return BuiltIndex(*row) if row else None


def write_built(connection: Any, built: BuiltIndex) -> None:
    """Name the file in the database: from this transaction on it is the one that is used."""
    marks = ",".join("?" * len(fields(BuiltIndex)))
    connection.execute(f"INSERT OR REPLACE INTO indexes VALUES ({marks})", astuple(built))  # noqa: S608


def load_file(folder: Path, built: BuiltIndex) -> Any:
    """The FAISS index of a file that fits; raises LibraryError with the reason where it does not."""
    import faiss

    path = folder / built.file
    try:
        if path.stat().st_size != built.bytes or _crc(path) != built.crc:
            raise LibraryError(f"{built.file} is not the file the library was left with")
        mapped = 0 if built.kind == FLAT else faiss.IO_FLAG_MMAP
        return faiss.read_index(str(path), mapped)
    except OSError as error:
        raise LibraryError(f"{built.file} cannot be read ({error.strerror})") from None
    except RuntimeError:  # FAISS's own refusal
        raise LibraryError(f"{built.file} is no FAISS file") from None


def build_file(
    database: Database, space: str, policy: IndexPolicy, width: int, stopped: Callable[[], bool]
) -> BuiltIndex | None:
    """Index every vector of a space anew; None if it was stopped or there is nothing to index."""
    start = time.perf_counter()
    with database.reading() as connection:
        rows = count_vectors(connection, space)
    if not rows:
        return None
    kind = policy.kind_for(rows, width)
    index, nlist, sample = _train(database, space, kind, rows, width)
    truth = SampledTruth(sample) if sample is not None else None
    added, last = 0, 0
    for numbers, vectors in _stream(database, space, 0, width):
        if stopped():
            return None
        index.add_with_ids(vectors, numbers)
        if truth is not None:
            truth.see(numbers, vectors)
        added, last = added + len(numbers), int(numbers[-1])
    nprobe, recall = truth.choose_nprobe(index, kind, nlist, policy.wanted_recall) if truth is not None else (0, None)
    file, size, crc = _write(database.folder, space, index)
    seconds = round(time.perf_counter() - start, 3)
    return BuiltIndex(space, file, size, crc, kind, added, added, last, nlist, nprobe, recall, seconds)


def extend_file(database: Database, built: BuiltIndex, width: int, stopped: Callable[[], bool]) -> BuiltIndex | None:
    """The same index with the rows that came after it, under a new name; None if it was stopped."""
    import faiss

    start = time.perf_counter()
    index = faiss.read_index(str(database.folder / built.file))
    added, last = 0, built.last_row
    for numbers, vectors in _stream(database, built.space, built.last_row, width):
        if stopped():
            return None
        index.add_with_ids(vectors, numbers)
        added, last = added + len(numbers), int(numbers[-1])
    file, size, crc = _write(database.folder, built.space, index)
    seconds = round(built.seconds + time.perf_counter() - start, 3)
    return BuiltIndex(
        built.space, file, size, crc, built.kind, built.rows + added, built.trained_rows, last,
        built.nlist, built.nprobe, built.recall, seconds,
    )  # fmt: skip


def remove_other_files(folder: Path, space: str, keep: str) -> None:
    """Delete what builds before this one left, finished or not. Readers that have one open keep it."""
    for path in [*folder.glob(f"{space}-*.faiss"), *folder.glob(f".{space}-*.draft")]:
        if path.name != keep:
            path.unlink(missing_ok=True)


def _train(
    database: Database, space: str, kind: str, rows: int, width: int
) -> tuple[Any, int, tuple[NDArray[np.int64], Float32] | None]:
    """An empty index of the kind, trained; its lists; and the sample its recall is measured on."""
    import faiss

    if kind == FLAT:
        return faiss.IndexIDMap2(faiss.IndexFlatIP(width)), 0, None
    nlist = 2 ** max(4, round(np.log2(2 * np.sqrt(rows))))
    numbers, sample = _sample(database, space, min(rows, _TRAIN_A_LIST * nlist), width)
    pieces = width // _DIMENSIONS_A_CODE if width % _DIMENSIONS_A_CODE == 0 else 1
    # "np": no polysemous codes, whose training takes minutes and which nothing here uses.
    coding = "SQ8" if kind == IVF_SQ8 or pieces == 1 else f"PQ{pieces}np"
    index: Any = faiss.index_factory(width, f"IVF{nlist},{coding}", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _KMEANS_STEPS
    index.cp.min_points_per_centroid = 1
    if hasattr(index, "pq"):
        index.pq.cp.niter, index.pq.cp.min_points_per_centroid = _KMEANS_STEPS, 1
    index.train(sample)
    chosen = np.random.default_rng(0).permutation(len(numbers))[:_QUERIES]
    return index, nlist, (numbers[chosen], sample[chosen])


def _sample(database: Database, space: str, wanted: int, width: int) -> tuple[NDArray[np.int64], Float32]:
    """About `wanted` vectors from all over the space."""
    with database.reading() as connection:
        table = "vectors" if space == "records" else "phrase_vectors"
        first, last = connection.execute(f"SELECT min(row), max(row) FROM {table}").fetchone()  # noqa: S608
        rng = np.random.default_rng(0)
        share = max(1.0, (last - first + 1) / max(count_vectors(connection, space), 1))  # of deleted rows in between
        span = last - first + 1
        rows = first + rng.choice(span, min(span, int(wanted * share)), replace=False)
        found = [
            read_vectors(connection, space, np.sort(rows)[at : at + SCAN_ROWS], width)
            for at in range(0, len(rows), SCAN_ROWS)
        ]
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


def _stream(database: Database, space: str, after: int, width: int) -> Iterator[tuple[NDArray[np.int64], Float32]]:
    """Every vector after a row, in chunks, each read in a transaction of its own so that the log can be folded."""
    while True:
        with database.reading() as connection:
            rows, vectors = scan_vectors(connection, space, after, SCAN_ROWS, width)
        if not len(rows):
            return
        yield rows, vectors
        after = int(rows[-1])


def _write(folder: Path, space: str, index: Any) -> tuple[str, int, int]:
    """Write under a temporary name, bring it to the disk, then rename: (name, bytes, CRC-32)."""
    import faiss

    number = time.time_ns()
    draft, path = folder / f".{space}-{number}.draft", folder / f"{space}-{number}.faiss"
    try:
        faiss.write_index(index, str(draft))
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        size, crc = draft.stat().st_size, _crc(draft)
        draft.rename(path)
    except (OSError, RuntimeError):
        raise LibraryError(
            f"the library {folder.name!r}: the vector index could not be written, the disk may be full; no report is "
            "lost and searching goes on without it: make room, then run `python -m egma index compact`"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return path.name, size, crc


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 22):
            value = zlib.crc32(block, value)
    return value
