"""Whether a large `eye_gaze.csv` opens with flat memory: `python benchmarks/gaze_stream.py [--gigabytes 2]`.

Writes an EyeGaze file of many recordings, then, in a process of its own, indexes it and reads recordings from its
start, middle and end; prints times and the peak of resident memory, beside that of a file a tenth the size. Then one
REFLACX recording of three million samples.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.gaze import load_gaze
from egma.testing.gaze import EYEGAZE, REFLACX_GAZE, build_track, eyegaze_rows, invented_dicom_id

SAMPLES_A_RECORDING = 6000
MEGABYTE = 1 << 20


def write_large(path: Path, size_bytes: int) -> int:
    """An `eye_gaze.csv` of about that size; returns the number of recordings."""
    from egma.gaze.simulate import simulate_samples

    samples = simulate_samples(build_track(1, sentences=["one two three four five six"] * 40), rate_hz=60, seed=1)
    rows = eyegaze_rows(samples.select(slice(0, SAMPLES_A_RECORDING)), "DICOM", 1)
    block = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()
    count = 0
    with path.open("wb") as stream:
        stream.write(",".join(EYEGAZE).encode() + b"\n")
        while stream.tell() < size_bytes:
            stream.write(block.replace(b"DICOM", invented_dicom_id(count).encode()))
            count += 1
    return count


def open_large(path: Path) -> None:
    """Index the file and read three recordings; print times and the peak of memory."""
    load_gaze(path.parent / "small.csv")[0]  # what the libraries take is not what the file takes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    recordings = load_gaze(path)
    indexed = time.perf_counter() - start
    start = time.perf_counter()
    rows = [len(recordings[at]) for at in (0, len(recordings) // 2, -1)]
    read = (time.perf_counter() - start) / len(rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{path.stat().st_size / MEGABYTE:7.0f} MiB, {len(recordings)} recordings: indexed in {indexed:.1f} s, "
        f"one of {rows[0]} samples read in {read * 1e3:.0f} ms, "
        f"peak memory {peak:.0f} MiB ({peak - before:+.0f} for this file)"
    )


def read_three_million(folder: Path) -> None:
    """One recording of three million samples: read, made a density, and its fixations detected."""
    path = folder / "gaze.csv"
    time_s = np.arange(3_000_000) / 1000
    x, y = 300 + 100 * np.sin(np.floor(time_s * 3)), 400 + 100 * np.cos(np.floor(time_s * 3) * 2)
    rest = "1.000,20.0,20.0,1.00000,0.50000,0.0,0.0,700.0,800.0,661.0,0.0,3180.0,2160.0"
    with path.open("w") as stream:
        stream.write(",".join(REFLACX_GAZE) + "\n")
        stream.writelines(f"{t:.3f},{a:.1f},{b:.1f},{rest}\n" for t, a, b in zip(time_s, x, y))
    start = time.perf_counter()
    track = load_gaze(path)
    read = time.perf_counter()
    track.density((800, 700))
    dense = time.perf_counter()
    fixations = track.fixations()
    done = time.perf_counter()
    print(
        f"{len(track)} samples ({path.stat().st_size / MEGABYTE:.0f} MiB): read in {read - start:.1f} s, density in "
        f"{dense - read:.1f} s, {len(fixations)} fixations in {done - dense:.1f} s"
    )


def main() -> None:
    """Write the files, then measure each in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        open_large(arguments.open)
        return
    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        write_large(Path(folder) / "small.csv", 2 * MEGABYTE)
        for share in (0.1, 1.0):
            path = Path(folder) / "eye_gaze.csv"
            write_large(path, int(arguments.gigabytes * share * 1e9))
            subprocess.run([sys.executable, __file__, "--open", str(path)], check=True)
            path.unlink()
        read_three_million(Path(folder))


if __name__ == "__main__":
    main()
