"""What a lesion is drawn into and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.testing.anatomy import Anatomy, Thorax
from egma.testing.frame import Frame
from egma.types import Float32

ZONES = ("upper", "mid", "lower")
"""Thirds of a lung's height."""


@dataclass(frozen=True)
class Request:
    """A finding that a phantom shall have.

    Attributes:
        finding: a key of `egma.findings`.
        side: "left", "right", or "" for findings without a side.
        severity: 0 just visible to 1 extensive.
    """

    finding: str
    side: str
    severity: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A chest to draw in.

    Attributes:
        frame: the film.
        anatomy: the patient.
        thorax: the patient's thicknesses.
        rng: for what the request leaves open.
    """

    frame: Frame
    anatomy: Anatomy
    thorax: Thorax
    rng: Generator

    def pick_place(self, side: str, zone: str, margin_cm: float) -> tuple[float, float]:
        """A point (x, y) in cm in a zone of a lung, where there is room `margin_cm` from the chest wall."""
        lung = self.thorax.lungs[side]
        rows = np.nonzero(lung.any(axis=1))[0]
        if rows.size == 0:  # the film shows no lung: a strip of a few pixels
            return 0.0, float(self.frame.y.mean())
        third = (rows[-1] - rows[0] + 1) / 3
        start = int(rows[0] + third * ZONES.index(zone))
        inside = np.zeros_like(lung)
        inside[start : int(start + third) + 1] = True
        for room in (lung & inside & (self.thorax.edge[side] > margin_cm), lung & inside, lung):
            places = np.argwhere(room)
            if len(places):
                row, column = places[self.rng.integers(len(places))]
                return float(self.frame.x[row, column]), float(self.frame.y[row, 0])
        return 0.0, float(self.frame.y.mean())

    def pick_zone(self, shares: tuple[float, float, float] = (1, 1, 1)) -> str:
        """A zone, drawn with these odds."""
        return str(self.rng.choice(ZONES, p=np.array(shares) / sum(shares)))


@dataclass(frozen=True, eq=False)
class Lesion:
    """What a finding adds to the beam's way.

    Attributes:
        mask: bool (H, W), where a reader sees it.
        soft: cm of soft tissue in place of lung; negative for gas in soft tissue. None for none.
        density: share of the lung's own density that is left. None for all.
        markings: share of the vessels that is left. None for all.
        zone: "upper", "mid", "lower" or "".
        form: a word that the report needs: "apical", "calcified", "".
    """

    mask: NDArray[np.bool_]
    soft: Float32 | None = None
    density: Float32 | None = None
    markings: Float32 | None = None
    zone: str = ""
    form: str = ""
