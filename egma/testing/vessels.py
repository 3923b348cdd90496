"""The markings of a lung: vessels that leave the hila, fork, and thin out towards the pleura."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from egma.testing.anatomy import Anatomy
from egma.testing.frame import SIGN, Frame, Path, clouds
from egma.types import FloatArray

_TRUNKS_DEG = (-72, -50, -30, -12, 6, 22, 38, 52, 66, 80)
"""Directions of the large vessels from the hilum: 0 is lateral, 90 to the feet."""
_GENERATIONS = 5
_COARSE_PIXEL_CM = 0.15  # the last forks are not seen on such pixels


@dataclass(frozen=True)
class Tree:
    """Vessels that have grown so far.

    Attributes:
        rng: of their directions and forks.
        paths: strokes in body centimetres, lateral x positive.
        widths: of the strokes, in cm.
    """

    rng: Generator
    paths: list[Path] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def grow(self, start: Path, direction: float, width: float, generations: int) -> None:
        """One stretch of a vessel and, at its end, its two branches. `direction` in radians, 0 is lateral."""
        steps = 5
        turns = direction + np.cumsum(self.rng.normal(0.0, 0.10, steps))
        length = self.rng.uniform(2.0, 3.3) * (0.75 + 0.25 * generations / _GENERATIONS)
        moves = np.stack((np.cos(turns), np.sin(turns)), axis=1) * (length / steps)
        points = np.concatenate((start[None], start + np.cumsum(moves, axis=0)))
        self.paths.append(points)
        self.widths.append(width)
        if generations <= 1:
            return
        spread = self.rng.uniform(0.18, 0.5)
        for turn in (spread, -spread):
            self.grow(points[-1], turns[-1] + turn, width * self.rng.uniform(0.62, 0.84), generations - 1)


def draw_vessels(frame: Frame, anatomy: Anatomy, rng: Generator) -> FloatArray:
    """(H, W): soft tissue of the vessels along the beam, in cm; also drawn where no lung is, so mask it."""
    paths: list[Path] = []
    widths: list[float] = []
    generations = _GENERATIONS if frame.pixel_cm < _COARSE_PIXEL_CM else _GENERATIONS - 1
    for side, sign in SIGN.items():
        tree = Tree(rng)
        root = np.array((3.1, anatomy.hilum_y + (0.9 if side == "right" else 0.2)))
        for direction in _TRUNKS_DEG:
            width = rng.uniform(0.34, 0.5) * (1.15 if direction > 20 else 0.95)
            tree.grow(root + rng.normal(0.0, 0.5, 2), np.radians(direction + rng.normal(0, 6)), width, generations)
        paths += [path * (sign, 1.0) for path in tree.paths]
        widths += tree.widths
    order = np.argsort(widths)
    strokes, widths = [paths[i] for i in order], [widths[i] for i in order]
    vessels = frame.draw_lines(strokes, widths, [4.6 * width**1.5 for width in widths])
    return vessels + np.clip(0.12 + 0.07 * clouds(frame, rng, 0.9, 3), 0.0, None)
