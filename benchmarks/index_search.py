"""Warm text search on the Open-i library: `python benchmarks/index_search.py [--library LIB] [--rounds 60]`.

Target: 40 ms at the median, text tower included. The baseline, in the same run and interleaved: the text tower alone,
and a search by words alone. Every question is new, so that no embedding is remembered. Without --library the library is
built first, which is timed too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.index import Filters, ReportIndex
from egma.index.build import build_library
from egma.index.sources.openi import OpeniSource
from egma.inference.engine import Engine, load_engine

TARGET_MS = 40.0
_SIDES = ("left", "right", "bilateral", "basal", "apical", "retrocardiac", "perihilar")
_FINDINGS = ("pleural effusion", "atelectasis", "nodule", "pneumothorax", "rib fracture", "cardiomegaly", "opacity")
_FORMS = ("{} {}", "no {} {}", "small {} {}", "there is a new {} {} compared to the prior study", "patient with {} {}")


def main() -> None:
    """Print the library, the baselines, the product and the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    engine = load_engine(options.checkpoint)
    engine.warm_up()
    with tempfile.TemporaryDirectory() as folder, ReportIndex.open(options.library or Path(folder) / "open-i") as index:
        if not len(index):
            built = build_library(index, engine, OpeniSource())
            print(f"built: {built.added:,} reports in {built.seconds:.1f} s")
        measure(index, engine, options.rounds)


def measure(index: ReportIndex, engine: Engine, rounds: int) -> None:
    """Ask new questions; interleaved, so that a busy machine weighs on all alike."""
    index.search_text(engine, "warm", 10)
    filters = Filters(finding=("Effusion",))
    calls: dict[str, Callable[[str], object]] = {
        "text tower alone": lambda words: engine.embed_texts([f"{words} tower"]),
        "words alone": lambda words: index.search_text(None, words, 10),
        "meaning and words": lambda words: index.search_text(engine, words, 10),
        "the same, one finding": lambda words: index.search_text(engine, f"{words} filtered", 10, filters),
        'the same, "quoted"': lambda words: index.search_text(engine, f'"pleural" {words} quoted', 10),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            times[name].append(milliseconds(lambda call=call, number=number: call(question(number))))
    print(f"{len(index):,} reports, {index.stats().sentences:,} distinct sentences, {rounds} new questions, ms")
    for name, each in times.items():
        print(f"{name:24s} median {median(each):6.1f}   95 % below {quantiles(each, n=20)[-1]:6.1f}")
    print(f"target: meaning and words at most {TARGET_MS:.0f} at the median")


def question(number: int) -> str:
    """A question of its own for every number."""
    side = _SIDES[number % len(_SIDES)]
    finding = _FINDINGS[number // len(_SIDES) % len(_FINDINGS)]
    return _FORMS[number % len(_FORMS)].format(side, finding) + f" {number}"


def milliseconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
