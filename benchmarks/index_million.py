"""A library of a million: `python benchmarks/index_million.py [--sizes 10000 100000 1000000] [--out build]`.

For each size, in processes of their own so that memory can be told apart: records with generated text and generated
256-d vectors (clusters of unequal size) are added; the index catches up; the library is opened again and asked one
question at a time on one core. The baseline, flat exact search over the same vectors in memory, runs in the same run on
the same questions and is the truth that recall is measured against. Draws the growth curve as index_growth.png.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.index import ReportIndex
from egma.index.rows import scan_vectors

WIDTH, CLUSTERS, SPREAD = 256, 2_000, 0.7
BATCH, QUESTIONS, K = 10_000, 300, 10
TARGETS = {"recall": 0.95, "query_ms": 5.0, "add_per_s": 10_000, "open_s": 2.0, "memory_mib": 2_000}
_ORGANS = ("lungs", "heart", "mediastinum", "left base", "right base", "left apex", "right apex", "hila")
_STATES = ("clear", "normal in size", "unremarkable", "hazy", "enlarged", "opacified", "stable", "indistinct")


def main() -> None:
    """Measure every size, print the table, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--step", choices=("add", "ask", "exact"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        steps = {"add": add_records, "ask": ask_library, "exact": ask_exact}
        print(json.dumps(steps[arguments.step](arguments.folder, arguments.sizes[0])))
        return
    rows = [measure(size) for size in arguments.sizes]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "index_growth.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    draw(rows, arguments.out / "index_growth.png")
    print(f"drawn: {arguments.out / 'index_growth.png'}; targets at a million: {TARGETS}")


def measure(size: int) -> dict[str, Any]:
    """Every step of one size, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="egma-million-") as folder:
        row: dict[str, Any] = {"size": size}
        for step in ("add", "ask", "exact"):
            command = [sys.executable, __file__, "--step", step, "--folder", folder, "--sizes", str(size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row[step] = json.loads(done.stdout)
    truth, found = np.array(row["exact"].pop("rows")), np.array(row["ask"].pop("rows"))
    row["recall"] = float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(truth, found)]))
    add, ask, exact = row["add"], row["ask"], row["exact"]
    print(
        f"{size:9,d} records  add {add['per_s']:8,.0f}/s  caught up {add['catch_up_s']:6.1f} s later  "
        f"{ask['kind']:8s} recall@10 {row['recall']:.4f} (build said {ask['recall']})  open {ask['open_s']:.2f} s  "
        f"one question {ask['query_ms']:.2f} ms (flat exact {exact['query_ms']:.2f} ms, behind while indexing "
        f"{add['tail_query_ms']:.1f} ms)  memory: adding {add['memory_mib']:.0f}, asking {ask['memory_mib']:.0f} MiB  "
        f"disk {ask['disk_mib']:.0f} MiB",
        flush=True,
    )
    return row


def add_records(folder: Path, size: int) -> dict[str, Any]:
    """Add in batches; the clock runs while `add` does. Then wait until the index has caught up."""
    index = ReportIndex.open(folder / "library")
    added_s, tail_ms = 0.0, []
    question = questions()[0]
    for number, (ids, vectors, records) in enumerate(batches(size)):
        start = time.perf_counter()
        index.add(ids, vectors, records)
        added_s += time.perf_counter() - start
        if number % 10 == 4:
            tail_ms.append(milliseconds(lambda: index.search(question, K)))
    start = time.perf_counter()
    index.catch_up(labels=False)
    caught_up_s = time.perf_counter() - start
    index.close()
    return {
        "per_s": size / added_s,
        "catch_up_s": caught_up_s,
        "tail_query_ms": median(tail_ms) if tail_ms else 0.0,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def ask_library(folder: Path, _: int) -> dict[str, Any]:
    """Open the library and ask one question at a time."""
    start = time.perf_counter()
    index = ReportIndex.open(folder / "library", create=False)
    index.search(questions()[0], K)
    open_s = time.perf_counter() - start
    times, rows = [], []
    for question in questions():
        start = time.perf_counter()
        hits = index.search(question, K)
        times.append(1000 * (time.perf_counter() - start))
        rows.append([int(hit.id[1:]) for hit in hits])
    space = index.stats().spaces["records"]
    index.close()
    return {
        "open_s": open_s,
        "query_ms": median(times),
        "query_p95_ms": float(np.percentile(times, 95)),
        "rows": rows,
        "kind": space.kind,
        "recall": space.recall,
        "nprobe": space.nprobe,
        "build_s": space.build_s,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "disk_mib": sum(path.stat().st_size for path in (folder / "library").iterdir()) / 2**20,
    }


def ask_exact(folder: Path, _: int) -> dict[str, Any]:
    """The baseline: every vector in memory, flat, one question at a time."""
    import faiss

    flat = faiss.IndexFlatIP(WIDTH)
    index, after = ReportIndex.open(folder / "library", create=False), 0
    while True:
        with index.reading() as connection:
            rows, vectors = scan_vectors(connection, "records", after, BATCH, WIDTH)
        if not len(rows):
            break
        flat.add(vectors)
        after = int(rows[-1])
    index.close()
    times, found = [], []
    for question in questions():
        start = time.perf_counter()
        _, near = flat.search(question[None], K)
        times.append(1000 * (time.perf_counter() - start))
        found.append(near[0].tolist())
    return {"query_ms": median(times), "rows": found}


def batches(size: int) -> Iterator[tuple[list[str], Any, list[dict[str, Any]]]]:
    """Ids "r0", "r1", ..., vectors and records; equal sizes give equal batches."""
    rng = np.random.default_rng(0)
    for start in range(0, size, BATCH):
        count = min(BATCH, size - start)
        yield (
            [f"r{number}" for number in range(start, start + count)],
            draw_vectors(rng, count),
            [write_record(number, rng) for number in range(start, start + count)],
        )


def draw_vectors(rng: np.random.Generator, count: int) -> Any:
    """float32 (count, 256), unit norm, around centres of which some are far commoner than others."""
    centres = np.random.default_rng(1).standard_normal((CLUSTERS, WIDTH), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    chances = 1 / np.arange(1, CLUSTERS + 1) ** 0.5
    chosen = centres[rng.choice(CLUSTERS, count, p=chances / chances.sum())]
    noise = rng.standard_normal((count, WIDTH), dtype=np.float32) * (SPREAD / np.sqrt(WIDTH))
    vectors = chosen + noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def questions() -> Any:
    """float32 (300, 256) from the same clusters, none of them in the library."""
    return draw_vectors(np.random.default_rng(2), QUESTIONS)


def write_record(number: int, rng: np.random.Generator) -> dict[str, Any]:
    """A report of about forty words."""
    pairs = rng.integers(0, 8, (6, 2))
    said = " ".join(f"The {_ORGANS[organ]} appear {_STATES[state]}." for organ, state in pairs)
    return {"text": f"FINDINGS: {said} IMPRESSION: Study {number} as described.", "view": "PA", "source": "generated"}


def milliseconds(call: Any) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Four panels over the number of records."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = [row["size"] for row in rows]
    figure, panels = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    plots = (
        ("one question, ms (median)", {"library": ("ask", "query_ms"), "flat exact": ("exact", "query_ms")}, 5.0),
        ("recall@10 against exact", {"library": (None, "recall")}, 0.95),
        ("records added a second", {"durable, words indexed": ("add", "per_s")}, 10_000),
        ("peak memory, MiB", {"adding": ("add", "memory_mib"), "asking": ("ask", "memory_mib")}, 2_000),
    )
    for panel, (title, lines, target) in zip(panels.flat, plots):
        for label, (step, key) in lines.items():
            panel.plot(sizes, [(row[step] if step else row)[key] for row in rows], marker="o", label=label)
        panel.axhline(target, color="grey", linestyle=":", label="target at 1,000,000")
        panel.set(title=title, xscale="log", xlabel="records")
        panel.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
