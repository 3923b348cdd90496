"""Lesions with known places: what each finding does to a phantom's chest, and the mask of where it is.

A lesion never paints on the finished film: it changes what the beam passes through, so ribs and vessels stay in front
of it and the exposure follows. Findings are named as in `egma.findings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from numpy.random import Generator

from egma.testing import airspace, pleura
from egma.testing.anatomy import Anatomy
from egma.testing.frame import dome, ellipse
from egma.testing.scene import Lesion, Request, Scene

BILATERAL = frozenset({"Edema", "Emphysema", "Fibrosis"})
"""Findings of both lungs: they have no side."""
MIDLINE = frozenset({"Cardiomegaly", "Hernia"})
"""Findings of the mediastinum: they have no side."""


@dataclass(frozen=True)
class Finding:
    """How one finding is made.

    Attributes:
        draw: the lesion in a built chest.
        adapt: the patient's anatomy with it.
    """

    draw: Callable[[Scene, Request], Lesion]
    adapt: Callable[[Anatomy, Request], Anatomy] = lambda anatomy, _request: anatomy


def adapt_anatomy(anatomy: Anatomy, requests: tuple[Request, ...]) -> Anatomy:
    """The patient's anatomy with all requested findings."""
    for request in requests:
        anatomy = LESIONS[request.finding].adapt(anatomy, request)
    return anatomy


def draw_lesion(scene: Scene, request: Request) -> Lesion:
    """One requested finding in a built chest."""
    return LESIONS[request.finding].draw(scene, request)


def draw_side(finding: str, rng: Generator) -> str:
    """ "left", "right", or "" where the finding has no side."""
    return "" if finding in BILATERAL | MIDLINE else str(rng.choice(("left", "right")))


def _large_heart(anatomy: Anatomy, request: Request) -> Anatomy:
    return replace(anatomy, heart_scale=1.22 + 0.2 * request.severity)


def _draw_heart(scene: Scene, _request: Request) -> Lesion:
    return Lesion(scene.thorax.heart_mask)


def _draw_hernia(scene: Scene, request: Request) -> Lesion:
    """Stomach behind the heart, with an air-fluid level."""
    radius = 2.6 + 1.5 * request.severity
    base = max(scene.anatomy.dome_y.values())
    center = (1.6 + scene.rng.normal(0, 0.5), base - 0.55 * radius)
    distance = ellipse(scene.frame, center, (radius * 1.1, radius))
    gas = 5.0 * dome(ellipse(scene.frame, center, (radius * 0.95, radius * 0.85)))
    gas = gas * (scene.frame.y < center[1] - 0.1 * radius)
    return Lesion((distance < 1) & (scene.frame.y < base + 1.0), soft=4.5 * dome(distance) - 0.8 * gas)


def _raised_dome(anatomy: Anatomy, request: Request) -> Anatomy:
    lift = 0.8 + 1.4 * request.severity
    heights = {side: y - (lift if side == request.side else 0.0) for side, y in anatomy.dome_y.items()}
    return replace(anatomy, dome_y=heights)


def _small_lungs(anatomy: Anatomy, request: Request) -> Anatomy:
    heights = {side: y - 0.6 - 1.2 * request.severity for side, y in anatomy.dome_y.items()}
    return replace(anatomy, dome_y=heights)


def _large_lungs(anatomy: Anatomy, request: Request) -> Anatomy:
    grow = 1.2 + 1.6 * request.severity
    return replace(
        anatomy,
        apex_y=anatomy.apex_y - 0.4,
        dome_y={side: y + grow for side, y in anatomy.dome_y.items()},
        hyperinflation=0.6 + 0.4 * request.severity,
        heart_scale=0.84,
    )


LESIONS: dict[str, Finding] = {
    "Atelectasis": Finding(airspace.draw_atelectasis, _raised_dome),
    "Cardiomegaly": Finding(_draw_heart, _large_heart),
    "Consolidation": Finding(airspace.draw_consolidation),
    "Edema": Finding(airspace.draw_edema),
    "Effusion": Finding(pleura.draw_effusion),
    "Emphysema": Finding(airspace.draw_emphysema, _large_lungs),
    "Fibrosis": Finding(airspace.draw_fibrosis, _small_lungs),
    "Hernia": Finding(_draw_hernia),
    "Infiltration": Finding(airspace.draw_infiltration),
    "Mass": Finding(airspace.draw_mass),
    "Nodule": Finding(airspace.draw_nodule),
    "Pleural Thickening": Finding(pleura.draw_thickening),
    "Pneumonia": Finding(airspace.draw_pneumonia),
    "Pneumothorax": Finding(pleura.draw_pneumothorax),
}
"""All findings a phantom can have: the keys of `egma.findings` but "No Finding"."""
