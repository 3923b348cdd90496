"""A chest as thicknesses: body, lungs, heart, mediastinum, abdomen and air, in cm along the beam.

Sizes are those of adults on PA films: a cavity 26 to 30 cm wide, a right dome above the left, a heart under half the
chest's width that leans to the left. Every patient is drawn from a seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.testing.frame import SIGN, Frame, dome, ellipse, ramp
from egma.types import FloatArray

_DEEPEST_CM = 15.5  # of the lung along the beam
_RECESS_CM = 6.0  # below a dome's top the abdomen fills the whole depth
_APEX_X_CM = 5.2
_FIELD_PIXEL_CM = 0.12  # thicknesses have no finer detail: their edges are rounded bodies


@dataclass(frozen=True)
class Anatomy:
    """One patient, in body centimetres.

    Attributes:
        apex_y: top of the lungs.
        dome_y: top of the diaphragm by side.
        half_width: of the cavity at its widest, by side.
        heart_scale: 1 gives a cardiothoracic ratio of about 0.45.
        thickness: of the body along the beam.
        body_half_width: of the trunk below the armpits.
        hyperinflation: 0 normal, 1 long lungs over flat domes.
        breasts: thickness of breast shadows, 0 for none.
        stomach_gas: whether a gas bubble lies under the left dome.
        hilum_y: height of the lung roots.
    """

    apex_y: float
    dome_y: dict[str, float]
    half_width: dict[str, float]
    heart_scale: float
    thickness: float
    body_half_width: float
    hyperinflation: float
    breasts: float
    stomach_gas: bool
    hilum_y: float


@dataclass(frozen=True, eq=False)
class Thorax:
    """Thickness fields (H, W) in cm, and where the lungs are seen.

    Attributes:
        body: all tissue and what it encloses.
        lung: aerated lung.
        air: gas in the trachea and stomach.
        heart: heart and pericardium.
        cavity: the room for lungs, whatever fills it, by side.
        lungs: bool (H, W): the lungs as a reader sees them, by side: beside the mediastinum, above the domes.
        heart_mask: bool (H, W): the cardiac silhouette above the diaphragm.
        dome_line: (H, W): y of the diaphragm's contour at each x, by side.
        edge: (H, W): cm from the lateral chest wall inwards, by side.
    """

    body: FloatArray
    lung: FloatArray
    air: FloatArray
    heart: FloatArray
    cavity: dict[str, FloatArray]
    lungs: dict[str, NDArray[np.bool_]]
    heart_mask: NDArray[np.bool_]
    dome_line: dict[str, FloatArray]
    edge: dict[str, FloatArray]


def draw_anatomy(rng: Generator) -> Anatomy:
    """A patient without findings."""
    apex_y = rng.uniform(5.0, 7.0)
    right_dome = apex_y + rng.uniform(19.5, 22.5)
    width = rng.uniform(13.0, 14.6)
    return Anatomy(
        apex_y=apex_y,
        dome_y={"right": right_dome, "left": right_dome + rng.uniform(0.6, 1.7)},
        half_width={"right": width, "left": width - rng.uniform(0.0, 0.6)},
        heart_scale=rng.uniform(0.9, 1.06),
        thickness=rng.uniform(20.5, 24.0),
        body_half_width=width + rng.uniform(2.2, 4.5),
        hyperinflation=0.0,
        breasts=float(rng.choice([0.0, 0.0, rng.uniform(1.0, 3.0)])),
        stomach_gas=bool(rng.random() < 0.7),
        hilum_y=apex_y + rng.uniform(9.3, 10.6),
    )


def build_thorax(frame: Frame, anatomy: Anatomy) -> Thorax:
    """The patient's thickness fields."""
    coarse = frame.coarsened(_FIELD_PIXEL_CM)
    heart = _heart(coarse, anatomy)
    outline = heart + _mediastinum(coarse, anatomy)
    middle = outline + _lung_roots(coarse, anatomy)
    cavity = {side: _cavity(coarse, anatomy, side) for side in SIGN}
    lung = np.zeros(coarse.size, np.float32)
    for side in SIGN:
        below = np.clip((coarse.y - dome_line(coarse, anatomy, side)) / _RECESS_CM, 0.0, 1.0)
        lung += np.clip(cavity[side] - np.maximum(middle, cavity[side] * dome(1.0 - below)), 0.0, None)
    gas = _stomach(frame, anatomy)
    lines = {side: dome_line(frame, anatomy, side) for side in SIGN}
    cavity = {side: frame.enlarged(cavity[side]) for side in SIGN}
    heart, outline = frame.enlarged(heart), frame.enlarged(outline)
    return Thorax(
        body=frame.enlarged(_body(coarse, anatomy)),
        lung=np.clip(frame.enlarged(lung), 0.0, None),
        air=_trachea(frame, anatomy) + gas,
        heart=heart,
        cavity=cavity,
        lungs={side: (cavity[side] > 0.5) & (frame.y < lines[side]) & (outline < 2.5) for side in SIGN},
        heart_mask=(heart > 1.0) & (frame.y < np.minimum(lines["left"], lines["right"]) + 3.0),
        dome_line=lines,
        edge={side: lateral_at(anatomy, side, frame.y) - SIGN[side] * frame.x for side in SIGN},
    )


def dome_line(frame: Frame, anatomy: Anatomy, side: str) -> FloatArray:
    """(H, W): y of the diaphragm's contour; it falls steeply to the costophrenic angle, gently to the heart."""
    across = SIGN[side] * frame.x - 6.5
    room = anatomy.half_width[side] - 6.5
    curve = 1.0 - 0.65 * anatomy.hyperinflation
    fall = np.where(across > 0, 5.2 * np.abs(across / room) ** 2.4, 1.3 * np.square(across / 6.5))
    return np.float32(anatomy.dome_y[side]) + np.float32(curve) * fall.astype(np.float32)


def lateral_at(anatomy: Anatomy, side: str, y_cm: FloatArray) -> FloatArray:
    """Distance of the inner chest wall from the midline at heights `y_cm`; above the lung, the apex's own."""
    height = np.clip((y_cm - anatomy.apex_y) / 17.5, 0.0, 1.0)
    widen = (1.0 - (1.0 - height) ** 2.1) ** (1 / 1.9)
    taper = 0.6 * np.clip((y_cm - anatomy.apex_y - 19.0) / 8.0, 0.0, 1.0)
    return (_APEX_X_CM + (anatomy.half_width[side] - _APEX_X_CM) * widen - taper).astype(np.float32)


def _cavity(frame: Frame, anatomy: Anatomy, side: str) -> FloatArray:
    """Depth of one half of the chest: it deepens downwards, ends sharply at the chest wall and at the apex."""
    height = np.clip((frame.y - anatomy.apex_y) / 15.0, 0.0, 1.0)
    deep = _DEEPEST_CM * (1.0 + 0.12 * anatomy.hyperinflation) * np.sqrt(1.0 - np.square(1.0 - height))
    lateral = lateral_at(anatomy, side, frame.y)
    outward = 1.0 - (lateral - SIGN[side] * frame.x) / (0.6 * lateral)  # 1 at the wall, 0 at 40 % of the way out
    medial = _APEX_X_CM - (_APEX_X_CM - 0.9) * np.sqrt(1.0 - np.square(1.0 - np.clip(height * 3.2, 0.0, 1.0)))
    inward = np.clip((SIGN[side] * frame.x - medial + 1.0) / 4.5, 0.0, 1.0)
    return (deep * dome(outward, 2.3) * np.sqrt(inward)).astype(np.float32)


def _heart(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """A ventricle that points down and left, and an atrium at the right border."""
    scale = anatomy.heart_scale
    base = min(anatomy.dome_y.values())
    left = ellipse(frame, (2.3 * scale, base - 3.0 * scale), (6.6 * scale, 4.9 * scale), 38.0)
    right = ellipse(frame, (-0.4, base - 4.2 * scale), (3.8 * scale, 5.2 * scale), -6.0)
    outflow = ellipse(frame, (1.6, base - 8.2), (2.9, 5.0), 20.0)
    return np.maximum(np.maximum(14.0 * dome(left, 2.5), 13.0 * dome(right, 2.4)), 9.0 * dome(outflow, 2.2))


def _mediastinum(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Great vessels and what is around them, the aortic knob and the pulmonary trunk."""
    hilum = anatomy.hilum_y
    y = frame.y
    half = 2.9 + 0.2 * ramp(y, anatomy.apex_y - 2, hilum) + 0.6 * ramp(y, anatomy.apex_y + 3, anatomy.apex_y - 4)
    column = 9.5 * dome(np.abs(frame.x - 0.1) / half, 3.0) * ramp(y, hilum + 14.0, hilum + 2.0)
    column += 7.0 * dome(np.abs(frame.x + 0.1) / 2.5, 2.0) * ramp(y, hilum + 2.0, hilum + 8.0)
    knob = 6.0 * dome(ellipse(frame, (1.9, hilum - 3.7), (1.75, 1.9)), 2.2)
    trunk = 6.5 * dome(ellipse(frame, (2.1, hilum - 0.2), (2.0, 2.4), 25.0), 2.2)
    descending = 2.2 * dome(np.abs(frame.x - 1.7) / 1.25, 2.2) * ramp(y, hilum - 4.0, hilum - 2.0)
    return np.maximum(np.maximum(column, knob), trunk) + descending


def _lung_roots(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """The large vessels at both hila, which a reader counts as lung."""
    hilum = anatomy.hilum_y
    right = 2.6 * dome(ellipse(frame, (-3.6, hilum + 1.0), (1.25, 2.7), -15.0), 1.6)
    return right + 2.6 * dome(ellipse(frame, (3.9, hilum - 0.1), (1.25, 2.2), 18.0), 1.6)


def _body(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Neck, shoulders and trunk; breasts as shadows with a lower border."""
    y, x = frame.y, np.abs(frame.x)
    shoulder = anatomy.apex_y + 1.5
    neck = 6.2 + 16.5 * ramp(y, anatomy.apex_y - 5.5, shoulder + 2.0) ** 1.5
    trunk = anatomy.body_half_width + 5.5 * ramp(y, shoulder + 11.0, shoulder + 4.0)
    half = np.minimum(neck, np.where(y < shoulder + 2.0, 99.0, trunk)).astype(np.float32)
    depth = anatomy.thickness * (0.62 + 0.38 * ramp(y, anatomy.apex_y - 3.0, anatomy.apex_y + 11.0))
    body = (depth * dome(x / half, 3.4)).astype(np.float32)
    for sign in SIGN.values() if anatomy.breasts else ():
        round_ = ellipse(frame, (sign * 8.4, anatomy.apex_y + 17.5), (6.4, 6.2))
        body += anatomy.breasts * dome(round_, 2.0) * ramp(y, anatomy.apex_y + 10.0, anatomy.apex_y + 20.0)
    return body


def _trachea(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Windpipe down to its fork, and both main bronchi."""
    fork = anatomy.hilum_y - 1.2
    pipe = 2.3 * dome(np.abs(frame.x + 0.25) / 0.95, 2.0) * ramp(frame.y, fork + 0.8, fork - 0.4)
    paths = [
        np.array([(-0.3, fork), (-2.0, fork + 1.9), (-3.0, fork + 3.2)]),
        np.array([(-0.1, fork), (2.2, fork + 1.7), (3.8, fork + 2.3)]),
    ]
    return pipe + 0.9 * frame.draw_lines(paths, (1.15, 1.0))


def _stomach(frame: Frame, anatomy: Anatomy) -> FloatArray:
    """Gas above a fluid level under the left dome."""
    if not anatomy.stomach_gas:
        return np.zeros(frame.size, np.float32)
    top = anatomy.dome_y["left"]
    gas = 4.0 * dome(ellipse(frame, (6.8, top + 3.0), (3.1, 2.0), 8.0), 2.0)
    return gas * ramp(frame.y, top + 3.5, top + 3.3)
