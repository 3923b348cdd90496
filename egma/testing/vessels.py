"""The markings of a lung: vessels that leave the hila, fork, and thin out towards the pleura."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from egma.testing.anatomy import Anatomy
from egma.testing.frame import SIGN, Frame, Path, clouds
from egma.types import Float32

_TRUNKS_DEG = (-72, -50, -30, -12, 6, 22, 38, 52, 66, 80)
"""Directions of the large vessels from the hilum: 0 is lateral, 90 to the feet."""
_GENERATIONS = 5


def draw_vessels(frame: Frame, anatomy: Anatomy, rng: Generator) -> Float32:
    """(H, W): soft tissue of the vessels along the beam, in cm; also drawn where no lung is, so mask it."""
    paths: list[Path] = []
    widths: list[float] = []
    for side, sign in SIGN.items():
        root = np.array((3.1, anatomy.hilum_y + (0.9 if side == "right" else 0.2)))
        for direction in _TRUNKS_DEG:
            width = rng.uniform(0.34, 0.5) * (1.15 if direction > 20 else 0.95)
            start = root + rng.normal(0.0, 0.5, 2)
            _grow(paths, widths, rng, start, np.radians(direction + rng.normal(0, 6)), width, _GENERATIONS, sign)
    order = np.argsort(widths)
    paths, widths = [paths[i] for i in order], [widths[i] for i in order]
    vessels = frame.draw_lines(paths, widths, [2.6 * width for width in widths])
    return vessels + np.clip(0.12 + 0.07 * clouds(frame, rng, 0.9, 3), 0.0, None)


def _grow(
    paths: list[Path],
    widths: list[float],
    rng: Generator,
    start: Path,
    direction: float,
    width: float,
    left: int,
    sign: float,
) -> None:
    """One stretch of a vessel and, at its end, its two branches."""
    steps = 5
    turns = direction + np.cumsum(rng.normal(0.0, 0.10, steps))
    length = rng.uniform(2.0, 3.3) * (0.75 + 0.25 * left / _GENERATIONS)
    moves = np.stack((np.cos(turns), np.sin(turns)), axis=1) * (length / steps)
    points = np.concatenate((start[None], start + np.cumsum(moves, axis=0)))
    paths.append(points * (sign, 1.0))
    widths.append(width)
    if left <= 1:
        return
    spread = rng.uniform(0.18, 0.5)
    for turn, share in ((spread, rng.uniform(0.62, 0.84)), (-spread, rng.uniform(0.62, 0.84))):
        _grow(paths, widths, rng, points[-1], turns[-1] + turn, width * share, left - 1, sign)
