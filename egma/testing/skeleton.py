"""The bones of a phantom: ribs as loops around the chest, clavicles, shoulder blades, upper arms and spine."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from egma.testing.anatomy import Anatomy, lateral_at
from egma.testing.frame import SIGN, Frame, Path, dome, ramp
from egma.types import FloatArray

_RIBS = 11
_RIB_SPACING_CM = 2.35
_SPINE_PIXEL_CM = 0.1
_CIRCLE = np.stack((np.cos(np.linspace(0, 2 * np.pi, 40)), np.sin(np.linspace(0, 2 * np.pi, 40))), axis=1)


def draw_skeleton(frame: Frame, anatomy: Anatomy, rng: Generator) -> FloatArray:
    """(H, W): bone along the beam, in cm of dense bone."""
    twist_cm = rng.normal(0.0, 0.25)
    ribs = _draw_ribs(frame, anatomy)
    return ribs + _draw_clavicles(frame, anatomy, twist_cm) + _draw_shoulders(frame, anatomy) + _draw_spine(frame, rng)


def rib_path(anatomy: Anatomy, side: str, number: int) -> Path:
    """The whole of rib `number` (1 to 11) from the spine round the side to its cartilage, seen from the front."""
    start_y = anatomy.apex_y - 1.7 + _RIB_SPACING_CM * number * (1.0 + 0.06 * anatomy.hyperinflation)
    drop = 2.6 + 0.95 * min(number, 7) + 0.25 * max(number - 7, 0)
    reach = 0.86 if number <= 7 else 0.86 - 0.09 * (number - 7)
    angle = np.linspace(0.012, reach, 40) * np.pi
    side_y = np.array(start_y + drop * 0.42, np.float32)
    wide = float(lateral_at(anatomy, side, side_y)) + 0.35
    wide = max(wide, 5.4) if number > 1 else 5.6
    y = start_y + drop * (1.0 - np.cos(angle)) / 2 - 0.85 * np.sin(angle) ** 2
    return np.stack((SIGN[side] * (0.6 + (wide - 0.6) * np.sin(angle) ** 0.9), y), axis=1)


def _draw_ribs(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Hollow bands: cortex seen twice at the borders. Front parts are flatter and fainter than back parts."""
    back, front, fading = [], [], []
    for side in SIGN:
        for number in range(1, _RIBS + 1):
            path = rib_path(anatomy, side, number)
            turn = int(np.abs(path[:, 0]).argmax())
            back.append(path[: turn + 2])
            for start in range(turn - 1, len(path) - 2, 3):  # cortex thins towards the cartilage
                front.append(path[start : start + 5])
                fading.append(1.0 - 0.75 * (start - turn) / (len(path) - turn))
    return _draw_tubes(frame, back, 1.0, (0.42, 0.30, 0.24)) + _draw_tubes(
        frame, front, 1.15, (0.26, 0.19, 0.15), fading
    )


def _draw_tubes(
    frame: Frame,
    paths: list[Path],
    width_cm: float,
    layers_cm: tuple[float, float, float],
    shares: list[float] | None = None,
) -> FloatArray:
    """Strokes `width_cm` wide: cortex at the border, then two steps of marrow, each in cm of dense bone."""
    shares = shares or [1.0] * len(paths)
    widths = [width_cm * part for part in (1.0, 0.76, 0.45) for _ in paths]
    values = [layer * share for layer in layers_cm for share in shares]
    return frame.draw_lines(paths * 3, widths, values)


def _draw_clavicles(frame: Frame, anatomy: Anatomy, twist_cm: float) -> FloatArray:
    paths = []
    for sign in SIGN.values():
        t = np.linspace(0.0, 1.0, 30)
        x = sign * (1.9 + 15.5 * t) + twist_cm * (1 - t)
        y = anatomy.apex_y + 3.6 - 4.4 * t + 0.75 * np.sin(t * 2 * np.pi)
        paths.append(np.stack((x, y), axis=1))
    return _draw_tubes(frame, paths, 1.25, (0.75, 0.55, 0.48))


def _draw_shoulders(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Shoulder blades outside the lungs, heads and shafts of the upper arms."""
    top = anatomy.apex_y
    blades, borders, shafts, heads = [], [], [], []
    for side, sign in SIGN.items():
        turn = np.array((sign, 1.0))
        out = anatomy.half_width[side] + 0.9
        blade = np.array(
            [(out - 2.2, top + 1), (out + 3.6, top + 2.4), (out + 1.7, top + 7.5), (out + 0.4, top + 12.5)]
        )
        blades.append(blade * turn)
        borders.append(np.concatenate((blade[[0]], blade[[3]], blade[[2]])) * turn)
        borders.append(np.array([(out - 2.0, top + 1.6), (out + 3.9, top + 0.1)]) * turn)
        shafts.append(np.array([(out + 4.4, top + 2.6), (out + 8.0, top + 14.0)]) * turn)
        heads.append((_CIRCLE * 2.2 + (out + 4.0, top + 1.9)) * turn)
    flat = 0.16 * frame.draw_polygons(blades) + 0.75 * frame.draw_polygons(heads)
    lines = frame.draw_lines(borders * 2, [0.4, 1.0] * 2 + [0.25, 0.7] * 2, [0.24, 0.34] * 2 + [0.2, 0.28] * 2)
    arms = frame.draw_lines(shafts * 2, [2.2] * 2 + [1.2] * 2, [0.7] * 2 + [0.5] * 2)
    return flat + lines + arms


def _draw_spine(frame: Frame, rng: Generator) -> FloatArray:
    """Vertebral bodies with discs between, pedicles and spinous processes: seen faintly through the mediastinum."""
    fine, phase_start = frame, np.float32(rng.uniform())
    frame = fine.coarsened(_SPINE_PIXEL_CM)
    phase = frame.y / 2.55 + phase_start
    within = np.abs(phase - np.floor(phase) - 0.5) * 2  # 0 in the middle of a vertebra, 1 in a disc
    x = np.abs(frame.x)
    half = 1.75 + 0.25 * within + 0.035 * np.clip(frame.y - 12.0, 0.0, 30.0)
    bodies = dome(x / half, 4.0) * (0.55 - 0.2 * ramp(within, 0.72, 0.98))
    pedicle = np.sqrt(np.square((x - 1.15) / 0.42) + np.square((within - 0.1) / 0.5))
    process = np.sqrt(np.square(x / 0.35) + np.square((within - 0.55) / 0.42))
    return fine.enlarged(bodies + 0.25 * dome(pedicle, 2.0) + 0.22 * dome(process, 2.0))
