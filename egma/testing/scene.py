"""What a lesion is drawn into and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.testing.anatomy import Anatomy, Thorax
from egma.testing.frame import Frame
from egma.types import FloatArray

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

    def pick_place(
        self, side: str, zone_odds: tuple[float, float, float], margin_cm: float
    ) -> tuple[tuple[float, float], str]:
        """A point (x, y) in cm in a lung, `margin_cm` from its borders where there is such room, and its zone."""
        lung = self.thorax.lungs[side]
        rows = np.nonzero(lung.any(axis=1))[0]
        if rows.size == 0:  # the film shows no lung: it is a strip of a few pixels
            return (0.0, float(self.frame.y.mean())), "mid"
        zone_of = np.clip((np.arange(len(lung)) - rows[0]) * 3 // (rows[-1] - rows[0] + 1), 0, 2)
        wanted = self.rng.choice(3, p=np.array(zone_odds) / sum(zone_odds))
        roomy = _with_room(lung, round(margin_cm / self.frame.pixel_cm))
        for room in (roomy & (zone_of == wanted)[:, None], roomy, lung):
            places = np.argwhere(room)
            if len(places):
                break
        row, column = places[self.rng.integers(len(places))]
        return (float(self.frame.x[row, column]), float(self.frame.y[row, 0])), ZONES[zone_of[row]]


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
    soft: FloatArray | None = None
    density: FloatArray | None = None
    markings: FloatArray | None = None
    zone: str = ""
    form: str = ""


def _with_room(mask: NDArray[np.bool_], margin_px: int) -> NDArray[np.bool_]:
    """The pixels of a mask whose neighbours `margin_px` above, below, left and right are in it too."""
    padded = np.pad(mask, margin_px)
    height, width = mask.shape
    roomy = mask.copy()
    for down, across in ((0, 1), (2, 1), (1, 0), (1, 2)):
        y0, x0 = down * margin_px, across * margin_px
        roomy &= padded[y0 : y0 + height, x0 : x0 + width]
    return roomy
