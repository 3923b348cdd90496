"""From thicknesses to a film: Beer-Lambert, scatter, quantum noise, and the curve a radiograph is shown through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from egma.testing.frame import Frame, blur
from egma.types import FloatArray

# Linear attenuation in 1/cm near 70 keV (NIST XCOM), lung at about a quarter of unit density.
SOFT_PER_CM = 0.195
LUNG_PER_CM = 0.052
BONE_PER_CM = 0.48
_SCATTER_REACH_CM = 4.0
_FLATTENED_CM = 4.5
_FLATTENING = 0.35
_STEEPNESS = 2.4


@dataclass(frozen=True)
class Technique:
    """How the film was taken and is shown.

    Attributes:
        scatter: scattered over primary radiation behind the grid.
        noise: relative deviation of the signal in open air.
        brightness: pixel value of average lung.
        contrast: steepness of the display curve; 1 is usual.
    """

    scatter: float
    noise: float
    brightness: float
    contrast: float


def draw_technique(rng: Generator) -> Technique:
    """A usual exposure."""
    return Technique(
        scatter=rng.uniform(0.25, 0.5),
        noise=rng.uniform(0.002, 0.005),
        brightness=rng.uniform(0.2, 0.36),
        contrast=rng.uniform(0.9, 1.15),
    )


def expose(
    frame: Frame,
    attenuation: FloatArray,
    lesions: FloatArray,
    lung: FloatArray,
    *,
    technique: Technique,
    rng: Generator,
) -> FloatArray:
    """The film (H, W) in [0, 1], bone bright.

    Args:
        frame: the film.
        attenuation: the line integral of the attenuation coefficient per pixel.
        lesions: what of it, more or less, is due to lesions.
        lung: cm of lung per pixel. The display curve is set on the lungs as they were without lesions, so that
            emphysema is dark and edema bright.
        technique: exposure and display.
        rng: for the noise.
    """
    primary = np.exp(-np.clip(attenuation, 0.0, None))
    scattered = np.float32(technique.scatter) * blur(frame, np.minimum(primary, 0.35), _SCATTER_REACH_CM)
    signal = np.clip(primary + 0.25 * scattered, 1e-4, None)
    quanta = np.float32(technique.noise) * np.sqrt(signal) * rng.standard_normal(frame.size, np.float32)
    density = -np.log(np.clip(signal + quanta, 2e-3, None))
    # Digital radiography flattens what is wide and keeps what is fine: spine and lungs are readable on one film.
    wide = blur(frame, density, _FLATTENED_CM)
    shown = density - np.float32(_FLATTENING) * wide
    inside = (shown - lesions)[lung > 0.5 * float(lung.max())]
    return _display(shown - np.float32(np.median(inside if inside.size else shown)), technique)


def _display(density: FloatArray, technique: Technique) -> FloatArray:
    """An S-shaped curve through (0, brightness): soft tissue near white, open air near black."""
    start = np.float32(np.log(technique.brightness / (1 - technique.brightness)))
    shown = 1.0 / (1.0 + np.exp(-(np.float32(_STEEPNESS * technique.contrast) * density + start)))
    return np.clip(shown * 1.04 - 0.02, 0.0, 1.0).astype(np.float32)
