"""Filters, BM25 and hybrid search on a large library: `python benchmarks/index_filters.py [--size 1000000]`.

A library of generated reports (as benchmarks/index_million.py makes them, with views, sexes, ages, dates and sources)
is asked through filters that leave most, some and few of the records. The baseline, in the same run on the same
questions: flat exact search over the vectors of the records that pass, which is the truth that recall is measured
against, and the same search without a filter. Words are asked alone (BM25) and joined with vectors by reciprocal rank;
a double stands in for the text tower, whose time is not counted. A question's first filtered search, which reads the
facts of every record, is told apart from those after it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.index_million import BATCH, WIDTH, batches, questions
from egma.index import Filters, ReportIndex
from egma.index.hybrid import _Asked, _order, _rank_by_words
from egma.index.meaning import rank_by_meaning
from egma.index.rows import scan_vectors
from egma.index.stance import Stance
from egma.index.words import read_question

K, ROUNDS = 10, 20
VIEWS, SEXES, SOURCES = ("PA", "AP", "LATERAL"), ("F", "M"), ("generated", "archive", "ward")
FILTERS = {
    "view PA (70 %)": Filters(view=("PA",)),
    "sex F (50 %)": Filters(sex=("F",)),
    "age 60 to 80 (22 %)": Filters(age=(60, 80)),
    "one year's dates (10 %)": Filters(date=("2015-01-01", "2015-12-31")),
    "ward, lateral, F (1 %)": Filters(source=("ward",), view=("LATERAL",), sex=("F",)),
    "two days (0.05 %)": Filters(date=("2015-03-03", "2015-03-04")),
}
WORDS = ("left base opacified", "enlarged heart", "right apex hazy and the hila indistinct", "study 12345")


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keep the library here, or use the one that is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="egma-filters-") as scratch:
        folder = options.folder or Path(scratch) / "library"
        if not (folder / "store.sqlite").is_file():
            build(folder, options.size)
        with ReportIndex.open(folder, create=False) as index:
            print(f"{len(index):,} records, {index.stats().spaces['records'].kind}; medians of {ROUNDS} questions")
            ask_filters(index)
            ask_words(index)


def build(folder: Path, size: int) -> None:
    """A library with facts to filter by; equal sizes give equal libraries."""
    rng = np.random.default_rng(7)
    start = time.perf_counter()
    with ReportIndex.open(folder) as index:
        for ids, vectors, records in batches(size):
            index.add(ids, vectors, [{**record, **draw_facts(rng)} for record in records])
        index.catch_up(labels=False)
    print(f"built in {time.perf_counter() - start:.0f} s", flush=True)


def draw_facts(rng: np.random.Generator) -> dict[str, Any]:
    """View, sex, age, date and source of one record."""
    day = np.datetime64("2010-01-01") + int(rng.integers(0, 3652))
    return {
        "view": VIEWS[int(np.searchsorted((0.7, 0.9), rng.random()))],
        "sex": SEXES[int(rng.random() < 0.5)],
        "age": float(rng.integers(0, 95)),
        "date": str(day),
        "source": SOURCES[int(np.searchsorted((0.6, 0.8), rng.random()))],
    }


def ask_filters(index: ReportIndex) -> None:
    """Vector search through each filter: time, and recall against flat exact search of what passes."""
    asked = questions()[:ROUNDS]
    rows, vectors = read_all(index)
    plain = [timed(lambda question=question: index.search(question, K))[0] for question in asked]
    print(f"{'no filter':<26} {median(plain):8.1f} ms")
    for name, filters in FILTERS.items():
        passing = np.isin(rows, passing_rows(index, filters))
        kept_rows, kept = rows[passing], vectors[passing]
        first_ms, _ = timed(lambda filters=filters: index.search(asked[0], K, filters))
        times, recalls, exact = [], [], []
        for question in asked:
            ms, hits = timed(lambda question=question, filters=filters: index.search(question, K, filters))
            times.append(ms)
            exact_ms, best = timed(lambda question=question, kept=kept: np.argsort(-(kept @ question))[:K])
            exact.append(exact_ms)
            truth = {f"r{row - 1}" for row in kept_rows[best].tolist()}
            recalls.append(len(truth & {hit.id for hit in hits}) / max(1, len(truth)))
        print(
            f"{name:<26} {median(times):8.1f} ms (first {first_ms:.0f}; flat exact of the {len(kept):,} that pass "
            f"{median(exact):.1f})  recall@{K} {np.mean(recalls):.4f}",
            flush=True,
        )


def ask_words(index: ReportIndex) -> None:
    """BM25 alone, and joined with the vectors, with and without a filter."""
    asked = questions()
    filters = Filters(view=("PA",), age=(60, 80))
    for words in WORDS:
        for name, chosen in (("", Filters()), (", PA of 60 to 80", filters)):
            alone, joined = [], []
            for query in asked[:5]:
                alone.append(timed(lambda words=words, chosen=chosen: index.search_text(None, words, K, chosen))[0])
                both = timed(lambda words=words, chosen=chosen, query=query: join(index, words, query, chosen))
                joined.append(both[0])
            print(f"{words + name:<55} BM25 {median(alone):8.1f} ms  joined {median(joined):8.1f} ms", flush=True)


def join(index: ReportIndex, words: str, query: Any, filters: Filters) -> list[Any]:
    """What `search_text` does once the words are a vector."""
    search = index._search
    question = read_question(words)
    with index.reading() as connection:
        allowed = search.allowed(connection, filters, question.quoted)
        asked = _Asked(connection, question, Stance.of(question), query, allowed, 200, True)
        found = rank_by_meaning(search._spaces, connection, query, asked.stance, asked.pool, allowed, True)
        return _order(asked, found, _rank_by_words(asked))[:K]


def passing_rows(index: ReportIndex, filters: Filters) -> Any:
    """int64, the rows that pass, asked of the database directly."""
    condition, values = filters.sql()
    with index.reading() as connection:
        found = connection.execute(f"SELECT row FROM records WHERE {condition}", values).fetchall()
    return np.array([row for (row,) in found], np.int64)


def read_all(index: ReportIndex) -> tuple[Any, Any]:
    """Every row and its vector."""
    rows, vectors, after = [], [], 0
    while True:
        with index.reading() as connection:
            some, found = scan_vectors(connection, "records", after, BATCH, WIDTH)
        if not len(some):
            return np.concatenate(rows), np.concatenate(vectors)
        rows.append(some)
        vectors.append(found)
        after = int(some[-1])


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time in milliseconds, and the answer."""
    start = time.perf_counter()
    answer = call()
    return 1000 * (time.perf_counter() - start), answer


if __name__ == "__main__":
    main()
