"""Air, fluid and scars between lung and chest wall."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from egma.testing.anatomy import lateral_at
from egma.testing.frame import SIGN, Path, clouds, dome, ramp
from egma.testing.scene import Lesion, Request, Scene
from egma.types import FloatArray


@dataclass(frozen=True)
class Gap:
    """How far an outline lies inside the chest wall.

    Attributes:
        side: "left" or "right".
        apical: cm below the apex.
        lateral: cm from the side wall at the level of the hilum.
        lowest_y: where the outline meets the wall again.
    """

    side: str
    apical: float
    lateral: float
    lowest_y: float


def draw_pneumothorax(scene: Scene, request: Request) -> Lesion:
    """Air over the apex and along the wall; a fine pleural line, and no vessels beyond it."""
    severity, side = request.severity, request.side
    lowest_y = scene.anatomy.dome_y[side] - 7.0 * (1 - severity)
    gap = Gap(side, 1.8 + 4.2 * severity, 0.7 + 2.6 * severity, lowest_y)
    air = _fill_gap(scene, gap) * (scene.thorax.cavity[side] > 0.2)
    line = scene.frame.draw_lines([_gap_path(scene, gap)], (0.13,))
    collapsed = 1.0 + 0.3 * severity * scene.thorax.lungs[side] * (1 - air)
    return Lesion(
        mask=(air > 0.5) & scene.thorax.lungs[side],
        soft=0.75 * line * scene.thorax.lungs[side],
        density=collapsed * (1 - 0.85 * air),
        markings=1 - air,
        zone="upper",
    )


def draw_effusion(scene: Scene, request: Request) -> Lesion:
    """Fluid that blunts the costophrenic angle and climbs the wall in a meniscus."""
    thorax, side = scene.thorax, request.side
    level = scene.anatomy.dome_y[side] + 1.8 - 8.5 * request.severity
    edge = np.clip(thorax.edge[side], 0.0, None)
    surface = level + 0.8 * (1 - request.severity) - 2.4 * np.exp(-edge / 1.9) - 0.6 * ramp(edge, 6.0, 12.0)
    surface += 0.12 * clouds(scene.frame, scene.rng, 4.0, 1)
    fluid = thorax.cavity[side] * dome(1.0 - np.clip((scene.frame.y - surface) / 3.0, 0.0, 1.0))
    seen = (thorax.cavity[side] > 0.5) & (scene.frame.y > surface) & (scene.frame.y < thorax.dome_line[side] + 1.0)
    return Lesion(seen & (thorax.heart < 2.0), soft=np.minimum(fluid, thorax.lung), zone="lower")


def draw_thickening(scene: Scene, request: Request) -> Lesion:
    """A band of scar under the ribs, over the apex or along the side."""
    apical = bool(scene.rng.random() < 0.5)
    thick = 0.7 + 0.9 * request.severity
    top, bottom = scene.anatomy.apex_y, scene.anatomy.dome_y[request.side]
    middle = top
    uneven = 1.0 + 0.2 * clouds(scene.frame, scene.rng, 3.5, 1)
    if apical:
        band = _fill_gap(scene, Gap(request.side, thick * 1.4, thick * 0.9, top + 8.0))
        band *= ramp(scene.frame.y, top + 7.0, top + 3.5)
    else:
        middle = scene.rng.uniform(top + 9.0, bottom - 4.0)
        band = ramp(thick * uneven - scene.thorax.edge[request.side], 0.0, 0.15)
        band *= ramp(np.abs(scene.frame.y - middle), 6.0, 3.5)
    band = band * (scene.thorax.cavity[request.side] > 0.05)
    mask = (band > 0.5) & (scene.thorax.cavity[request.side] > 0.3)
    zone = "upper" if apical else ("mid" if middle < (top + bottom) / 2 + 3 else "lower")
    return Lesion(mask, soft=2.9 * band * uneven, zone=zone, form="apical" if apical else "lateral")


def _fill_gap(scene: Scene, gap: Gap) -> FloatArray:
    """(H, W) 0 to 1: between the chest wall and the outline."""
    across = SIGN[gap.side] * scene.frame.x
    top = scene.anatomy.apex_y + gap.apical + 0.14 * np.square(np.clip(5.2 - across, 0.0, None))
    soften = scene.frame.pixel_cm * 1.5
    lateral = ramp(across - _outline(scene, gap, scene.frame.y), -soften, soften)
    outside = np.maximum(lateral, ramp(top - scene.frame.y, -soften, soften))
    return outside * (across > 0) * (scene.frame.y < gap.lowest_y + 1.0)


def _outline(scene: Scene, gap: Gap, y_cm: FloatArray) -> FloatArray:
    """Distance of the outline from the midline at heights `y_cm`."""
    lowered = replace(scene.anatomy, apex_y=scene.anatomy.apex_y + gap.apical)
    narrowing = gap.lateral * ramp(y_cm, gap.lowest_y - 3.0, scene.anatomy.apex_y + 9.0)
    return lateral_at(lowered, gap.side, y_cm) - narrowing + 0.4 * ramp(y_cm, gap.lowest_y - 6.0, gap.lowest_y)


def _gap_path(scene: Scene, gap: Gap) -> Path:
    """The outline itself, from the mediastinum over the top and down."""
    top = scene.anatomy.apex_y + gap.apical
    medial = np.linspace(2.2, 5.2, 12)[:-1]
    over = np.stack((medial, top + 0.14 * np.square(5.2 - medial)), axis=1)
    y_cm = np.linspace(top, max(gap.lowest_y, top + 1.0), 60)
    down = np.stack((_outline(scene, gap, y_cm.astype(np.float32)), y_cm), axis=1)
    return np.concatenate((over, down)) * (SIGN[gap.side], 1.0)
