"""How large and how fast the sentence maps of a whole data set are: `python benchmarks/gaze_cache.py [--studies 3700]`.

Writes a REFLACX root of that many readings on films of full size, each simulated anew (equal ones would compress to
nothing), builds its data folder, opens it again fresh, and prints times, sizes and the peak of resident memory. The
target is 60 MB for 3,700 studies; beside it stands what film-sized densities cost, which the maps are made without.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.data import Grid, Reading, Source, build_data, open_data
from egma.data.store import FILES
from egma.gaze.transcript import sentence_gaze, split_words
from egma.testing.gaze import build_track
from egma.testing.gaze_roots import Reading as Written
from egma.testing.gaze_roots import write_reflacx_root
from egma.testing.mimic_files import invented_film

FILM_HW = (3056, 2544)
SENTENCES = (
    "There is a small left pleural effusion",
    "The heart is mildly enlarged",
    "No pneumothorax is seen",
    "There is atelectasis at the left base",
    "The right lung is clear",
    "The mediastinal contour is normal",
)


def write_root(root: Path, studies: int) -> None:
    """A REFLACX root of `studies` readings of four sentences, each with its gaze."""
    readings = {
        f"P300R{number:06d}": Written(
            invented_film(number), build_track(number, FILM_HW, SENTENCES[number % 3 : 4 + number % 3])
        )
        for number in range(studies)
    }
    write_reflacx_root(root, readings)


def measure_whole_maps() -> float:
    """Seconds that one reading's sentences cost as film-sized densities."""
    track = build_track(1, FILM_HW, SENTENCES)
    start = time.perf_counter()
    for sentence in split_words(track.words):
        sentence_gaze(track, sentence).density(FILM_HW)
    return time.perf_counter() - start


def main() -> None:
    """Write, build, open; print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=3700)
    parser.add_argument("--grid", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "reflacx", Path(folder) / "data"
        write_root(root, arguments.studies)
        grid = Grid(arguments.grid, arguments.grid)
        start = time.perf_counter()
        build_data(Source(root), out, grid=grid)
        built = time.perf_counter() - start
        start = time.perf_counter()
        data = open_data(out, Reading(grid=grid))
        opened = time.perf_counter() - start
        size = {name: (out / name).stat().st_size / 1e6 for name in FILES}
        sentences = sum(len(sample.sentences) for sample in data)
        gazed = sum(each is not None for sample in data for each in sample.gaze)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(data)} studies, {sentences} sentences, {gazed} with gaze, maps of {grid.rows} x {grid.columns}: "
        f"{sum(size.values()):.1f} MB on disk ({', '.join(f'{name} {mb:.1f}' for name, mb in size.items())}; target 60)"
    )
    print(
        f"built in {built:.0f} s ({built / len(data) * 1e3:.0f} ms a study; its film-sized densities alone would take "
        f"{measure_whole_maps() * 1e3:.0f} ms), opened and checked in {opened:.1f} s, peak memory {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
