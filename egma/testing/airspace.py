"""Lesions inside the lungs: filled, scarred, collapsed or lost airspace, and lumps."""

from __future__ import annotations

import numpy as np

from egma.testing.frame import SIGN, Path, clouds, dome, ellipse, ramp
from egma.testing.scene import Lesion, Request, Scene
from egma.types import FloatArray


def draw_consolidation(scene: Scene, request: Request) -> Lesion:
    """Dense, well bounded, with air bronchograms."""
    size = 2.8 + 2.4 * request.severity
    center, zone = scene.pick_place(request.side, (1, 1, 1.6), 0.8 * size)
    filled = _patch(scene, request.side, center, size, unrest=0.2, border=(-0.05, 0.5))
    tubes = scene.frame.draw_lines(_bronchi(scene, request.side, center, size), [0.2] * 5)
    soft = scene.thorax.lung * (0.5 + 0.25 * request.severity) * filled * (1 - 0.25 * tubes)
    mask = (filled > 0.35) & scene.thorax.lungs[request.side]
    return Lesion(mask, soft=soft, markings=1 - 0.9 * filled, zone=zone)


def draw_pneumonia(scene: Scene, request: Request) -> Lesion:
    """Softer and patchier than consolidation."""
    size = 3.0 + 2.2 * request.severity
    center, zone = scene.pick_place(request.side, (0.7, 1, 1.8), 0.8 * size)
    filled = _patch(scene, request.side, center, size, unrest=0.3, border=(-0.15, 0.6))
    mottled = np.clip(1.0 + 0.16 * clouds(scene.frame, scene.rng, 1.6, 2), 0.5, 1.5)
    soft = scene.thorax.lung * np.clip((0.36 + 0.2 * request.severity) * filled * mottled, 0.0, 0.9)
    mask = (filled > 0.3) & scene.thorax.lungs[request.side]
    return Lesion(mask, soft=soft, markings=1 - 0.6 * filled, zone=zone)


def draw_infiltration(scene: Scene, request: Request) -> Lesion:
    """Several faint patches and streaks in one zone."""
    center, zone = scene.pick_place(request.side, (0.8, 1, 1.4), 2.5)
    size = 1.9 + request.severity
    filled = _patch(scene, request.side, center, size, unrest=0.3, border=(-0.2, 0.7))
    for _ in range(1 + round(2 * request.severity)):
        beside = (center[0] + scene.rng.normal(0, 1.6), center[1] + scene.rng.normal(0, 1.2))
        filled = np.maximum(filled, _patch(scene, request.side, beside, 0.85 * size, unrest=0.3, border=(-0.2, 0.7)))
    streaks = np.exp(-np.square(clouds(scene.frame, scene.rng, 1.0, 2) / 0.35))
    soft = scene.thorax.lung * np.clip((0.17 + 0.15 * request.severity) * filled * (0.75 + 0.6 * streaks), 0.0, 0.8)
    return Lesion((filled > 0.3) & scene.thorax.lungs[request.side], soft=soft, zone=zone)


def draw_mass(scene: Scene, request: Request) -> Lesion:
    """A lobulated lump of 3 to 6 cm."""
    return _lump(scene, request, 1.55 + 1.4 * request.severity, 0.09, 1.6)


def draw_nodule(scene: Scene, request: Request) -> Lesion:
    """A round lump under 3 cm, now and then calcified."""
    radius = 0.55 + 0.8 * request.severity
    calcified = bool(scene.rng.random() < 0.25)
    lesion = _lump(scene, request, radius, 0.04, 3.6 if calcified else 2.2)
    return Lesion(lesion.mask, lesion.soft, zone=lesion.zone, form="calcified" if calcified else "")


def draw_edema(scene: Scene, request: Request) -> Lesion:
    """Haze around both hila, wide vessels, short septal lines at the bases."""
    hilum, frame, thorax = scene.anatomy.hilum_y, scene.frame, scene.thorax
    wings = [ellipse(frame, (sign * 5.2, hilum + 1.8), (6.6, 8.6), sign * 12.0) for sign in SIGN.values()]
    haze = ramp(1.0 - np.minimum(*wings), -0.15, 0.75)
    mottled = np.clip(1.0 + 0.16 * clouds(frame, scene.rng, 2.6, 2), 0.6, 1.5)
    septa = frame.draw_lines(_septal_lines(scene), [0.09] * 24) * (thorax.lung > 1.0)
    soft = thorax.lung * np.clip((0.16 + 0.26 * request.severity) * haze * mottled, 0.0, 0.8)
    widened = 1.0 + 0.5 * ramp(frame.y, hilum + 4.0, hilum - 4.0) + 0.15 * request.severity
    mask = (haze > 0.3) & (thorax.lungs["left"] | thorax.lungs["right"])
    return Lesion(mask, soft + 0.55 * septa, markings=np.broadcast_to(widened, frame.size))


def draw_emphysema(scene: Scene, request: Request) -> Lesion:
    """Lungs that have lost tissue: dark, with few vessels, above all in the upper zones."""
    lungs = scene.thorax.lungs["left"] | scene.thorax.lungs["right"]
    top = scene.anatomy.apex_y
    upper = 0.7 + 0.3 * ramp(scene.frame.y, top + 18.0, top + 6.0)
    lost = upper * (0.3 + 0.3 * request.severity) * (1.0 + 0.2 * clouds(scene.frame, scene.rng, 3.0, 2))
    return Lesion(lungs, density=1 - np.clip(lost, 0.0, 0.8), markings=np.clip(1 - 1.1 * lost, 0.2, 1.0))


def draw_fibrosis(scene: Scene, request: Request) -> Lesion:
    """A coarse net of lines at both bases, under the pleura."""
    top, bottom = scene.anatomy.apex_y, max(scene.anatomy.dome_y.values())
    lungs = scene.thorax.lungs["left"] | scene.thorax.lungs["right"]
    nearest = np.where(scene.frame.x > 0, scene.thorax.edge["left"], scene.thorax.edge["right"])
    where = ramp(scene.frame.y, top + 0.42 * (bottom - top), top + 0.75 * (bottom - top)) * ramp(nearest, 9.0, 3.0)
    net = np.exp(-np.square(clouds(scene.frame, scene.rng, 1.1, 2) / 0.22))
    net += np.exp(-np.square(clouds(scene.frame, scene.rng, 0.7, 1) / 0.3))
    return Lesion((where > 0.45) & lungs, soft=(0.7 + 0.9 * request.severity) * net * where * lungs, zone="lower")


def draw_atelectasis(scene: Scene, request: Request) -> Lesion:
    """Plates of collapsed lung above a raised dome."""
    sign, base = SIGN[request.side], scene.anatomy.dome_y[request.side]
    plates: list[Path] = []
    for _ in range(2 + round(2 * request.severity)):
        middle = np.array(
            (scene.rng.uniform(6.0, 9.0) + (1.5 if sign > 0 else 0.0), base - scene.rng.uniform(0.6, 3.8))
        )
        half = scene.rng.uniform(1.8, 3.2) * np.array((1.0, scene.rng.uniform(-0.35, 0.15)))
        bend = np.array((0.0, scene.rng.uniform(-0.3, 0.1)))
        plates.append(np.stack((middle - half, middle + bend, middle + half)) * (sign, 1.0))
    widths = [scene.rng.uniform(0.28, 0.6) for _ in plates]
    bands = scene.frame.draw_lines(plates, widths) * (scene.thorax.cavity[request.side] > 0.5)
    around = scene.frame.draw_lines(plates, [width + 0.6 for width in widths])
    mask = (around > 0.5) & scene.thorax.lungs[request.side]
    crowded = 0.12 * scene.thorax.lung * ramp(scene.frame.y, base - 5.0, base) * scene.thorax.lungs[request.side]
    return Lesion(mask, soft=np.minimum(1.9 * bands + crowded, scene.thorax.lung), zone="lower")


def _lump(scene: Scene, request: Request, radius: float, lobes: float, tissue: float) -> Lesion:
    """A sphere with a wavy border; `tissue` is its thickness over its radius."""
    (x_cm, y_cm), zone = scene.pick_place(request.side, (1.2, 1, 1), radius + 0.5)
    angle = np.arctan2(scene.frame.y - np.float32(y_cm), scene.frame.x - np.float32(x_cm))
    wave = sum(np.cos(k * angle + scene.rng.uniform(0, 6.3)) for k in (2, 3, 5))
    distance = ellipse(scene.frame, (x_cm, y_cm), (radius, radius)) / (1.0 + np.float32(lobes) * wave)
    inside = (distance < 1) & scene.thorax.lungs[request.side]
    return Lesion(inside, soft=tissue * radius * dome(distance) * (scene.thorax.lung > 0.5), zone=zone)


def _patch(
    scene: Scene,
    side: str,
    center_cm: tuple[float, float],
    size_cm: float,
    *,
    unrest: float,
    border: tuple[float, float],
) -> FloatArray:
    """(H, W) 0 to 1: a cloud in one lung. `border` is where it starts and is full, as a share of its radius."""
    wide, high = scene.rng.uniform(0.85, 1.2, 2)
    distance = ellipse(scene.frame, center_cm, (size_cm * wide, size_cm * high), scene.rng.uniform(-40, 40))
    distance += unrest * clouds(scene.frame, scene.rng, size_cm * 0.8, 2) * ramp(distance, 0.0, 0.7)
    return ramp(1.0 - distance, *border) * ramp(scene.thorax.cavity[side], 0.2, 1.5)


def _bronchi(scene: Scene, side: str, center_cm: tuple[float, float], size_cm: float) -> list[Path]:
    """Five airways that come from the hilum and fan out through a consolidation."""
    hilum = np.array((SIGN[side] * 3.2, scene.anatomy.hilum_y + 0.5))
    away = np.array(center_cm) - hilum
    away /= max(float(np.hypot(*away)), 1e-6)
    across = np.array((-away[1], away[0]))
    start = np.array(center_cm) - 0.8 * size_cm * away
    paths = []
    for spread in np.linspace(-0.55, 0.55, 5) + scene.rng.normal(0, 0.06, 5):
        end = np.array(center_cm) + size_cm * (0.55 * away + spread * across)
        middle = (start + end) / 2 + scene.rng.normal(0, 0.12 * size_cm, 2)
        paths.append(np.stack((start, middle, end)))
    return paths


def _septal_lines(scene: Scene) -> list[Path]:
    """Kerley's B lines: 24 short level strokes that touch the lateral pleura."""
    paths = []
    for index in range(24):
        side = tuple(SIGN)[index % 2]
        y_cm = scene.anatomy.dome_y[side] + scene.rng.uniform(-6.0, 1.5)
        wall = scene.anatomy.half_width[side] - 0.2
        inner = wall - scene.rng.uniform(0.9, 1.7)
        paths.append(np.array([(wall, y_cm), (inner, y_cm + scene.rng.normal(0, 0.08))]) * (SIGN[side], 1.0))
    return paths
