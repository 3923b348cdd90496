"""Pictures that are not frontal chest films, drawn at random: laterals, slices, scenes, textures, noise.

They train and test the warning of `egma.imaging.view` without any patient's lateral film. Nothing here is meant to be
beautiful: each gives the broad layout that tells its kind from a frontal film.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from egma.types import Float32

_SIDE_PX = 128


def draw_lateral(rng: Generator) -> Float32:
    """A lateral chest: one field of lung between sternum and spine, the heart low in front, arms raised."""
    canvas = _Canvas(rng.uniform(0.0, 0.12), (rng.uniform(0.8, 1.0), 1.0))
    front, back = rng.uniform(0.08, 0.24), rng.uniform(0.78, 0.94)
    top, base = rng.uniform(0.08, 0.24), rng.uniform(0.68, 0.9)
    body = rng.uniform(0.5, 0.8)
    canvas.blob((front - 0.06, -0.1, back + 0.08, 1.2), body)
    canvas.polygon(
        [(front - 0.04, 0.0), (back + 0.06, 0.0), (back + 0.02, top + 0.1), (front + 0.06, top + 0.06)], body
    )
    lung = rng.uniform(0.12, 0.4)
    arch = [(front + 0.03, base - 0.12), (front + 0.02, top + 0.28), (front + 0.14, top + 0.1), (0.5, top + 0.02)]
    arch += [(back - 0.18, top + 0.04), (back - 0.08, top + 0.2), (back - 0.04, 0.55), (back - 0.05, base + 0.05)]
    arch += [(back - 0.25, base - 0.06), (0.45, base - 0.1)]
    canvas.polygon([(x + rng.normal(0, 0.015), y + rng.normal(0, 0.015)) for x, y in arch], lung)
    heart_y = rng.uniform(0.52, 0.64)
    bright = min(body, lung + rng.uniform(0.2, 0.4))
    canvas.blob((front + 0.03, heart_y - 0.14, front + rng.uniform(0.34, 0.44), base + 0.02), bright)
    spine = rng.uniform(0.04, 0.09)
    canvas.stroke(
        [(back - 0.16, top), (back - 0.09 + rng.normal(0, 0.02), 0.45), (back - 0.13, base + 0.2)], lung + 0.2, spine
    )
    canvas.stroke([(0.52, 0.0), (0.5, top + 0.25)], lung - 0.05, 0.03)
    for _ in range(7):
        y = rng.uniform(top, base)
        canvas.stroke([(back - 0.02, y), (0.5, y + 0.1), (front + 0.05, y + 0.22)], lung + 0.1, 0.012)
    picture = canvas.finish(rng, blur_px=rng.uniform(1.0, 2.5))
    return picture[:, ::-1] if rng.random() < 0.5 else picture


def draw_slice(rng: Generator) -> Float32:
    """An axial slice: an oval body in air, with lungs, a skull's ring, or bowels."""
    canvas = _Canvas(0.0, (1.0, 1.0))
    wide, high = rng.uniform(0.32, 0.47), rng.uniform(0.25, 0.44)
    canvas.blob((0.5 - wide, 0.5 - high, 0.5 + wide, 0.5 + high), rng.uniform(0.5, 1.0))
    inner = rng.uniform(0.3, 0.7)
    shrink = rng.uniform(0.85, 0.93)
    canvas.blob((0.5 - wide * shrink, 0.5 - high * shrink, 0.5 + wide * shrink, 0.5 + high * shrink), inner)
    for _ in range(rng.integers(2, 9)):
        x, y = 0.5 + rng.uniform(-0.6, 0.6) * wide, 0.5 + rng.uniform(-0.6, 0.6) * high
        rx, ry = rng.uniform(0.04, 0.2, 2) * (wide, high) * 2
        canvas.blob((x - rx, y - ry, x + rx, y + ry), rng.uniform(0.0, 1.0))
    return canvas.finish(rng, blur_px=0.8)


def draw_scene(rng: Generator) -> Float32:
    """A photograph's layout: a gradient, and shapes of any brightness in front of each other."""
    canvas = _Canvas(rng.uniform(0, 1), (rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0)))
    for _ in range(rng.integers(3, 25)):
        x, y, w, h = rng.uniform(-0.1, 1.0), rng.uniform(-0.1, 1.0), rng.uniform(0.02, 0.6), rng.uniform(0.02, 0.6)
        if rng.random() < 0.5:
            canvas.blob((x, y, x + w, y + h), rng.uniform(0, 1))
        else:
            canvas.polygon([(x + w * a, y + h * b) for a, b in rng.uniform(0, 1, (4, 2))], rng.uniform(0, 1))
    return canvas.finish(rng, blur_px=rng.uniform(0.2, 2.0))


def draw_limb(rng: Generator) -> Float32:
    """A film of another part: one to four bright bones in grey tissue on black."""
    canvas = _Canvas(rng.uniform(0.0, 0.1), (rng.uniform(0.5, 1.0), 1.0))
    middle, half = rng.uniform(0.4, 0.6), rng.uniform(0.15, 0.4)
    lean = rng.normal(0, 0.1)
    canvas.stroke([(middle - lean, -0.1), (middle + lean, 1.1)], rng.uniform(0.25, 0.6), 2 * half)
    for _ in range(rng.integers(1, 5)):
        x = middle + rng.uniform(-0.6, 0.6) * half
        canvas.stroke(
            [(x - lean, rng.uniform(-0.2, 0.4)), (x + lean, rng.uniform(0.5, 1.2))], 0.9, rng.uniform(0.04, 0.12)
        )
    picture = canvas.finish(rng, blur_px=1.0)
    return picture.T if rng.random() < 0.3 else picture


def draw_texture(rng: Generator) -> Float32:
    """Noise of any grain, from salt and pepper to clouds."""
    coarse = int(rng.integers(2, _SIDE_PX))
    grid = Image.fromarray(rng.random((coarse, max(2, int(coarse * rng.uniform(0.3, 1.0)))), np.float32))
    field = np.asarray(grid.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC), np.float32)
    return np.clip(field + rng.normal(0, rng.uniform(0, 0.2), field.shape), 0, 1).astype(np.float32)


def draw_page(rng: Generator) -> Float32:
    """A page of print or a screen: lines of small marks, light on dark or dark on light."""
    page = np.full((_SIDE_PX, _SIDE_PX), 1.0, np.float32)
    pitch = int(rng.integers(4, 12))
    for row in range(int(rng.integers(2, 12)), _SIDE_PX - 4, pitch):
        start, stop = sorted(rng.integers(0, _SIDE_PX, 2))
        page[row : row + max(1, pitch // 2), start:stop] = rng.random((1, stop - start)) < 0.5
    page = page if rng.random() < 0.6 else 1 - page
    return page * rng.uniform(0.5, 1.0)


ODDITIES: dict[str, Callable[[Generator], Float32]] = {
    "lateral": draw_lateral,
    "slice": draw_slice,
    "scene": draw_scene,
    "limb": draw_limb,
    "texture": draw_texture,
    "page": draw_page,
}
"""One drawer a kind; each gives float32 (H, W) in [0, 1] of about 128 px."""


class _Canvas:
    """A small grey picture in unit coordinates."""

    def __init__(self, background: float, aspect: tuple[float, float]) -> None:
        self.width, self.height = (max(8, round(_SIDE_PX * share)) for share in aspect)
        self.image = Image.new("L", (self.width, self.height), round(background * 255))
        self.pen = ImageDraw.Draw(self.image)

    def blob(self, box: tuple[float, float, float, float], value: float) -> None:
        x0, x1 = sorted((box[0], box[2]))
        y0, y1 = sorted((box[1], box[3]))
        self.pen.ellipse((x0 * self.width, y0 * self.height, x1 * self.width, y1 * self.height), fill=_grey(value))

    def polygon(self, points: list[tuple[float, float]], value: float) -> None:
        self.pen.polygon([(x * self.width, y * self.height) for x, y in points], fill=_grey(value))

    def stroke(self, points: list[tuple[float, float]], value: float, width: float) -> None:
        path = [(x * self.width, y * self.height) for x, y in points]
        self.pen.line(path, fill=_grey(value), width=max(1, round(width * self.width)), joint="curve")

    def finish(self, rng: Generator, blur_px: float) -> Float32:
        """Blurred, with a broad shade and some grain over it."""
        blurred = np.asarray(self.image.filter(ImageFilter.GaussianBlur(blur_px)), np.float32) / 255
        shade = Image.fromarray(rng.normal(0, rng.uniform(0.0, 0.12), (4, 4)).astype(np.float32))
        shaded = blurred + np.asarray(shade.resize(self.image.size, Image.Resampling.BICUBIC), np.float32)
        grain = rng.normal(0, rng.uniform(0.0, 0.04), shaded.shape)
        return np.clip(shaded + grain, 0.0, 1.0).astype(np.float32)


def _grey(value: float) -> int:
    return int(np.clip(value, 0.0, 1.0) * 255)
