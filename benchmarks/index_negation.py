"""Does "no pleural effusion" find denials? `python benchmarks/index_negation.py [--library LIB] [--k 10]`.

Precision at k on the Open-i library, with negation handling and without, for questions that assert a finding and for
questions that deny it. The truth is the indexers' MeSH headings and does not know the rules that rank: a report answers
"pleural effusion" where its headings name it; it answers "no pleural effusion" where its text uses the finding's words
and its headings do not name it. Findings that fewer than 20 reports have are left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.data.labels import label_mesh, load_vocabulary
from egma.data.openi import load_openi
from egma.findings import FINDINGS
from egma.index import ReportIndex
from egma.index.build import build_library
from egma.index.sources.openi import OpeniSource
from egma.inference.engine import Engine, load_engine

LEAST_REPORTS = 20
WORDS = {"Effusion": "pleural effusion", "Edema": "pulmonary edema", "Infiltration": "infiltrate", "Mass": "lung mass"}
ASSERTIONS = ("{}", "there is {}", "findings consistent with {}")
DENIALS = ("no {}", "no evidence of {}", "without {}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--k", type=int, default=10)
    options = parser.parse_args()
    engine = load_engine(options.checkpoint)
    with tempfile.TemporaryDirectory() as folder, ReportIndex.open(options.library or Path(folder) / "open-i") as index:
        if not len(index):
            build_library(index, engine, OpeniSource())
        report(index, engine, options.k)


def report(index: ReportIndex, engine: Engine, k: int) -> None:
    """A line for each finding, a mean below."""
    asserted, denied = read_truth()
    print(f"precision@{k} on Open-i, truth from MeSH; in brackets without negation handling")
    print(f"{'finding':20s} {'reports':>7s}   {'asserted':>15s}   {'denied':>15s}   opposite in the first {k}")
    rows: list[list[float]] = []
    for finding in FINDINGS[1:]:
        if min(len(asserted[finding]), len(denied[finding])) < LEAST_REPORTS:
            continue
        row: list[float] = []
        for forms, truth, opposite in (
            (ASSERTIONS, asserted[finding], denied[finding]),
            (DENIALS, denied[finding], asserted[finding]),
        ):
            for negation in (True, False):
                row += precision(index, engine, finding, forms, truth, opposite, k, negation)
        rows.append(row)
        print_row(finding, len(asserted[finding]), row)
    print_row("mean", 0, np.mean(rows, axis=0).tolist())


def precision(
    index: ReportIndex,
    engine: Engine,
    finding: str,
    forms: tuple[str, ...],
    truth: set[str],
    opposite: set[str],
    k: int,
    negation: bool,
) -> tuple[float, float]:
    """The share of the first k that answer, and of those that say the opposite, over all forms of the question."""
    right = wrong = 0
    for form in forms:
        words = form.format(WORDS.get(finding, finding.lower()))
        found = {hit.id for hit in index.search_text(engine, words, k, negation=negation)}
        right += len(found & truth)
        wrong += len(found & opposite)
    return right / (k * len(forms)), wrong / (k * len(forms))


def read_truth() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """(ids whose headings name the finding, ids that use its words though no heading names it), by finding."""
    terms = load_vocabulary().terms
    asserted: dict[str, set[str]] = {finding: set() for finding in FINDINGS}
    denied: dict[str, set[str]] = {finding: set() for finding in FINDINGS}
    for each in load_openi():
        named = label_mesh(each.mesh)
        text = f"{each.findings} {each.impression}".lower()
        for place, finding in enumerate(FINDINGS):
            if named[place]:
                asserted[finding].add(each.uid)
            elif finding in terms and terms[finding].search(text):
                denied[finding].add(each.uid)
    return asserted, denied


def print_row(name: str, reports: int, row: list[float]) -> None:
    """`row`: (precision, opposite) for asserted with, without, denied with, without."""
    a, a_wrong, a_plain, a_plain_wrong, d, d_wrong, d_plain, d_plain_wrong = row
    print(
        f"{name:20s} {reports or '':>7}   {a:7.2f} ({a_plain:.2f})   {d:7.2f} ({d_plain:.2f})   "
        f"asserted {a_wrong:.2f} ({a_plain_wrong:.2f}), denied {d_wrong:.2f} ({d_plain_wrong:.2f})"
    )


if __name__ == "__main__":
    main()
