"""How fast a folder of films is embedded: `python benchmarks/embed_archive.py [--films 48] [--px 2048]`.

Writes DICOM films (12 bits, JPEG-LS lossless, noise over a phantom's shapes so that nothing compresses to nothing) and
embeds them twice with the same engine: one after the other, which is the baseline, and with the next films decoded in
other processes while the model works. The order is turned round in every second of three rounds; medians are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _subject import load_subject
from pydicom.uid import JPEGLSLossless

from egma.archive import embed_folder
from egma.archive.build import AHEAD
from egma.inference.engine import Engine
from egma.testing.dicom import write_dicom

ROUNDS = 3


def write_films(folder: Path, count: int, side_px: int) -> int:
    """`count` films of `side_px` squared; returns their bytes."""
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px
    shape = 1800 + 900 * np.sin(9 * x) * np.cos(7 * y)
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 25, (side_px, side_px))
        pixels = np.clip(shape + noise, 0, 4095).astype(np.uint16)
        write_dicom(folder / f"film{number:04}.dcm", pixels, syntax=JPEGLSLossless, bits_stored=12)
    return sum(path.stat().st_size for path in folder.iterdir())


def measure(engine: Engine, films: Path, ahead: int) -> float:
    """Films a second into a fresh store; the engine remembers no film."""
    engine._films.clear()
    with tempfile.TemporaryDirectory() as store:
        return embed_folder(engine, films, Path(store) / "store", ahead=ahead).films_a_second


def main() -> None:
    """Write, warm up, measure both ways by turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--films", type=int, default=48)
    parser.add_argument("--px", type=int, default=2048)
    arguments = parser.parse_args()
    engine = load_subject(arguments.checkpoint)
    engine.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        films = Path(folder)
        size = write_films(films, arguments.films, arguments.px)
        measure(engine, films, AHEAD)
        found: dict[int, list[float]] = {0: [], AHEAD: []}
        for turn in range(ROUNDS):
            for ahead in (0, AHEAD) if turn % 2 == 0 else (AHEAD, 0):
                found[ahead].append(measure(engine, films, ahead))
    slow, fast = (statistics.median(found[ahead]) for ahead in (0, AHEAD))
    print(
        f"{os.cpu_count()} cores, {engine.device}: {arguments.films} films of {arguments.px} px, "
        f"{size / arguments.films / 2**20:.1f} MiB each\n"
        f"one after the other (baseline) {slow:.2f} films/s; decoding overlapped {fast:.2f} films/s, "
        f"{fast / slow:.2f} times"
    )


if __name__ == "__main__":
    main()
