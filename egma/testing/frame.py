"""Where a phantom's centimetres fall on its film, and the smooth shapes and noise everything else is drawn with.

Body coordinates: x in cm from the patient's midline, positive towards the patient's left (image right, as in a PA
film); y in cm down from the top of a 41 cm film. Fields are float32 (H, W) unless they say (H, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from egma.types import FloatArray

FILM_CM = (41.0, 37.0)
"""Least (height, width) that every film shows at zoom 1: an adult chest with its shoulders."""
SIGN = {"right": -1.0, "left": 1.0}
"""Sign of x on each of the patient's sides."""
_OVERSAMPLING = 2  # lines are drawn at twice the film's size and averaged: no stair steps

Path = NDArray[np.floating]
"""(N, 2) points (x, y) in body centimetres."""


@dataclass(frozen=True)
class Frame:
    """The film and the patient's place on it.

    Attributes:
        size: (H, W) in pixels.
        zoom: 1 shows FILM_CM; 1.1 shows a tenth less.
        shift_cm: (x, y) of the patient from the film's centre.
        lean: how far the midline leans per cm of height: the tangent of a small angle.
    """

    size: tuple[int, int]
    zoom: float = 1.0
    shift_cm: tuple[float, float] = (0.0, 0.0)
    lean: float = 0.0

    @cached_property
    def pixel_cm(self) -> float:
        """Side of a pixel."""
        return max(FILM_CM[0] / self.size[0], FILM_CM[1] / self.size[1]) / self.zoom

    def coarsened(self, pixel_cm: float) -> Frame:
        """The same view on pixels of at least `pixel_cm`, for fields without fine detail."""
        share = min(1.0, self.pixel_cm / pixel_cm)
        size = max(1, round(self.size[0] * share)), max(1, round(self.size[1] * share))
        return Frame(size, self.zoom, self.shift_cm, self.lean)

    def enlarged(self, field: FloatArray) -> FloatArray:
        """A field of a coarsened frame on this frame's pixels."""
        if field.shape == self.size:
            return field
        image = Image.fromarray(np.ascontiguousarray(field, np.float32))
        return np.asarray(image.resize((self.size[1], self.size[0]), Image.Resampling.BICUBIC), np.float32)

    @cached_property
    def y(self) -> FloatArray:
        """(H, 1): body y of each row."""
        rows = (np.arange(self.size[0]) + 0.5 - self.size[0] / 2) * self.pixel_cm
        return (rows + FILM_CM[0] / 2 - self.shift_cm[1])[:, None].astype(np.float32)

    @cached_property
    def x(self) -> FloatArray:
        """(H, W): body x of each pixel."""
        columns = (np.arange(self.size[1]) + 0.5 - self.size[1] / 2) * self.pixel_cm - self.shift_cm[0]
        return columns[None, :].astype(np.float32) - np.float32(self.lean) * (self.y - FILM_CM[0] / 2)

    def to_px(self, path: Path) -> Path:
        """Body points (N, 2) in cm as film points (x, y) in pixels."""
        x_cm = path[:, 0] + self.lean * (path[:, 1] - FILM_CM[0] / 2) + self.shift_cm[0]
        y_cm = path[:, 1] - FILM_CM[0] / 2 + self.shift_cm[1]
        return np.stack((x_cm, y_cm), axis=1) / self.pixel_cm + (self.size[1] / 2, self.size[0] / 2)

    def draw_lines(
        self, paths: Sequence[Path], widths_cm: Sequence[float], values: Sequence[float] | None = None
    ) -> FloatArray:
        """(H, W): strokes of given widths, 0 outside and `values` (1 by default) inside; later ones cover earlier."""
        canvas = Image.new("F", (self.size[1] * _OVERSAMPLING, self.size[0] * _OVERSAMPLING))
        pen = ImageDraw.Draw(canvas)
        ends = np.cumsum([len(path) for path in paths])[:-1]
        strokes = np.split(self.to_px(np.concatenate(list(paths))) * _OVERSAMPLING, ends)
        for index, (stroke, width_cm) in enumerate(zip(strokes, widths_cm)):
            width_px = width_cm / self.pixel_cm * _OVERSAMPLING
            fade = min(1.0, width_px)  # a stroke thinner than a pixel is drawn fainter, not thicker
            value = (1.0 if values is None else values[index]) * fade
            joint = "curve" if width_px > 3 else None
            pen.line(stroke.ravel().tolist(), fill=value, width=max(1, round(width_px)), joint=joint)
        return np.asarray(canvas.reduce(_OVERSAMPLING), np.float32)

    def draw_polygons(self, paths: Sequence[Path]) -> FloatArray:
        """(H, W): 1 inside closed paths, 0 outside, shares on their borders."""
        canvas = Image.new("F", (self.size[1] * _OVERSAMPLING, self.size[0] * _OVERSAMPLING))
        pen = ImageDraw.Draw(canvas)
        for path in paths:
            pen.polygon([tuple(point) for point in (self.to_px(path) * _OVERSAMPLING).tolist()], fill=1.0)
        return np.asarray(canvas.reduce(_OVERSAMPLING), np.float32)


def ellipse(
    frame: Frame, center_cm: tuple[float, float], radii_cm: tuple[float, float], turn_deg: float = 0.0
) -> FloatArray:
    """(H, W): 0 at an ellipse's centre, 1 on its border; `turn_deg` turns its first axis towards the feet."""
    dx, dy = frame.x - np.float32(center_cm[0]), frame.y - np.float32(center_cm[1])
    if turn_deg:
        cosine, sine = np.float32(np.cos(np.radians(turn_deg))), np.float32(np.sin(np.radians(turn_deg)))
        dx, dy = dx * cosine + dy * sine, dy * cosine - dx * sine
    return np.sqrt(np.square(dx / np.float32(radii_cm[0])) + np.square(dy / np.float32(radii_cm[1])))


def dome(radius: FloatArray, power: float = 2.0) -> FloatArray:
    """A round body's thickness seen from above, 1 at radius 0 and 0 from radius 1 on; higher powers are flatter."""
    inside = np.clip(1.0 - np.clip(radius, 0.0, 1.0) ** np.float32(power), 0.0, 1.0)
    return inside ** np.float32(1.0 / power)


def ramp(values: FloatArray, low: float, high: float) -> FloatArray:
    """0 at `low`, 1 at `high` (which may be the smaller), smooth between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def clouds(frame: Frame, rng: Generator, grain_cm: float, octaves: int = 3) -> FloatArray:
    """(H, W): smooth noise of zero mean and unit deviation whose coarsest lumps are about `grain_cm` wide."""
    height, width = frame.size
    total = np.zeros(frame.size, np.float32)
    for octave in range(octaves):
        step_px = max(grain_cm / 2**octave / frame.pixel_cm, 1.0)
        coarse = (max(2, int(height / step_px) + 2), max(2, int(width / step_px) + 2))
        grid = Image.fromarray(rng.standard_normal(coarse, np.float32))
        total += np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), np.float32) / np.float32(
            1.6**octave
        )
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def blur(frame: Frame, field: FloatArray, reach_cm: float) -> FloatArray:
    """A field smoothed over about `reach_cm` (far wider than a pixel): shrunk by averaging and enlarged again."""
    height, width = frame.size
    size = max(2, int(width * frame.pixel_cm / reach_cm)), max(2, int(height * frame.pixel_cm / reach_cm))
    small = Image.fromarray(np.ascontiguousarray(field, np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
