"""How fast and how exact the fixation density is: `python benchmarks/density.py`.

1,000 fixations on a film of 2,500 x 2,500 pixels, with and without zoom, against the naive sum of the definition in
float64; then three million raw samples.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.gaze.density import fixation_density

SHAPE = (2500, 2500)
FIXATIONS = 1000
NAIVE_EVERY = 5  # rows and columns at which the naive sum is compared: it takes minutes on all of them
REPEATS = 7


def build_gaze(*, zoomed: bool) -> tuple[np.ndarray, ...]:
    """Positions, durations, degrees and shown rectangles of a reading; zoomed: every other fixation at 1 to 4 times."""
    random = np.random.default_rng(7)
    xy_px = np.clip(random.normal(1250, 500, (FIXATIONS, 2)), 0, 2499)
    zoom = np.ones(FIXATIONS)
    if zoomed:
        zoom[1::2] = random.uniform(1, 4, FIXATIONS // 2)
    half = (1250 / zoom)[:, None]
    centre = np.clip(xy_px, half, 2500 - half)
    degree = np.repeat((94 / zoom)[:, None], 2, axis=1)
    return xy_px, random.lognormal(-1.3, 0.4, FIXATIONS), degree, np.rint(np.hstack([centre - half, centre + half]))


def naive_density(xy_px: np.ndarray, duration_s: np.ndarray, degree: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The definition, one fixation at a time, in float64, on every NAIVE_EVERY-th row and column; not normalised."""
    rows = np.arange(0, SHAPE[0], NAIVE_EVERY, dtype=float)[:, None]
    columns = np.arange(0, SHAPE[1], NAIVE_EVERY, dtype=float)[None, :]
    total = np.zeros((rows.size, columns.size))
    for (x, y), weight, (sx, sy), (x0, y0, x1, y1) in zip(np.floor(xy_px), duration_s, degree, shown):
        blob = np.exp(-0.5 * (((columns - x) / sx) ** 2 + ((rows - y) / sy) ** 2)) / (sx * sy)
        blob *= (columns >= x0) & (columns < x1) & (rows >= y0) & (rows < y1)
        total += weight * blob
    return total


def measure(*, zoomed: bool) -> None:
    """Print the best and the median time, and the largest error over the naive sum's peak."""
    xy_px, duration_s, degree, shown = build_gaze(zoomed=zoomed)
    times, busy = [], []
    for _ in range(REPEATS):
        start, start_cpu = time.perf_counter(), time.process_time()
        heat = fixation_density(xy_px, duration_s, SHAPE, pixels_per_degree=degree, shown_px=shown)
        times.append((time.perf_counter() - start) * 1e3)
        busy.append((time.process_time() - start_cpu) * 1e3)
    start = time.perf_counter()
    naive = naive_density(xy_px, duration_s, degree, shown)
    naive_s = (time.perf_counter() - start) * NAIVE_EVERY**2
    ours = heat[::NAIVE_EVERY, ::NAIVE_EVERY].astype(np.float64)
    error = np.abs(ours / ours.sum() - naive / naive.sum()).max() / (naive / naive.sum()).max()
    print(
        f"{'zooming' if zoomed else 'one zoom':<9} {min(times):5.0f} ms best {np.median(times):5.0f} ms median, "
        f"{min(busy):.0f} ms of all cores' time   "
        f"naive about {naive_s:5.0f} s   largest error {error:.1e} of the peak"
    )


def measure_samples() -> None:
    """Print the time for three million raw samples."""
    random = np.random.default_rng(1)
    xy_px = random.normal(1250, 400, (3_000_000, 2))
    start = time.perf_counter()
    fixation_density(xy_px, np.full(len(xy_px), 0.001), SHAPE, pixels_per_degree=np.full(xy_px.shape, 94.0))
    print(f"3,000,000 samples at one zoom: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    print(f"{FIXATIONS} fixations on {SHAPE[0]} x {SHAPE[1]}, {os.cpu_count()} cores")
    measure(zoomed=False)
    measure(zoomed=True)
    measure_samples()
