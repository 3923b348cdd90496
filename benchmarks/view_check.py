"""How often the not-a-frontal warning fires: on real frontal films, and on everything that it should catch.

    python benchmarks/view_check.py --data ../shared/data/cxr

Frontal films by source and split; laterals of the data set, which were never learned from; test films inverted, turned
and cut; photographs and DICOM slices that installed packages carry and that were not learned from; blank frames, noise.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from egma.evaluation.gate import list_laterals, list_strangers
from egma.imaging import load_study, study_from_array
from egma.imaging.view import check_view
from egma.testing.phantoms import build_phantoms
from egma.types import Float32


def list_frontals(data: Path) -> Iterator[tuple[str, Float32]]:
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield f"frontal {row['source']} {row['split']}", load_study(data / "images" / row["image"]).pixels


def spoil(films: Iterable[tuple[str, Float32]]) -> Iterator[tuple[str, Float32]]:
    """Test films as they should not come."""
    for _, film in films:
        height, width = film.shape
        yield "test film inverted", 1 - film
        yield "test film upside down", film[::-1, ::-1]
        yield "test film on its side", np.rot90(film)
        yield "one lung of a test film", film[:, : int(0.45 * width)]
        yield "abdomen of a test film", film[int(0.68 * height) :]


def list_empty() -> Iterator[tuple[str, Float32]]:
    """Blank frames and noise."""
    rng = np.random.default_rng(7)
    for index in range(20):
        yield "noise", rng.random((512, 400)).astype(np.float32)
        blank = np.full((512, 400), index / 19) + rng.normal(0, 0.004, (512, 400))
        yield "blank frame", blank.clip(0, 1).astype(np.float32)


def main() -> None:
    """Print one line a kind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cxr"))
    data = parser.parse_args().data
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    reasons: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    durations = []
    frontals = list(list_frontals(data))
    tests = [film for film in frontals if film[0] in ("frontal nih14 test", "frontal hannover test")]
    phantoms = (("phantom", phantom.study.pixels) for phantom in build_phantoms(60, seed=1))
    for films in (frontals, list_laterals(data), spoil(tests), list_strangers(), list_empty(), phantoms):
        for kind, pixels in films:
            start = time.perf_counter()
            said = check_view(study_from_array(np.clip(pixels, 0, 1)))
            durations.append(time.perf_counter() - start)
            counts[kind][0] += bool(said)
            counts[kind][1] += 1
            for sentence in said:
                reasons[kind][sentence.split(".")[0]] += 1
    print(f"{'kind':<34}{'warned':>8}{'of':>7}{'share':>9}")
    for kind, (warned, total) in counts.items():
        print(f"{kind:<34}{warned:>8}{total:>7}{100 * warned / total:>8.1f}%  {dict(reasons[kind])}")
    print(f"median time {1e3 * np.median(durations):.1f} ms on films of at most 512 px")


if __name__ == "__main__":
    main()
