"""Is this a frontal chest film? Sentences for a reader where it does not look like one, before any score is read.

No network: a film is cropped to its content, shrunk to 32x32 ranks (so that window and gamma do not matter), described
by its place among frontal chest films (48 principal components, what they leave over, symmetry, shape), and a small
perceptron tells frontal films from inverted, turned and lateral ones and from everything else. Its parameters lie in
`view_model.json`, made by `python -m egma.imaging.fit_view`. It warns and never refuses.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from PIL import Image

from egma.types import Float32, Study

CLASSES = ("frontal", "inverted", "turned", "lateral", "other")
SIDE_PX = 32
"""Side of the thumbnail that is judged."""
_LEAST_SIDE_PX = 32
_WIDEST_ASPECT = 2.5
_LEAST_RANGE = 0.02  # of [0, 1]: less is a blank frame, whatever its noise
_WORK_SIDE_PX = 256  # content is found, and the thumbnail made, on a film of at most this side

VIEW_WARNING = "Not like the frontal chest films this model learned from, so scores and maps may mean nothing."
"""How every sentence of `check_view` ends: what callers may look for."""
_LOOKS = {
    "inverted": "This looks inverted: bone appears dark.",
    "turned": "This looks like a chest film lying on its side or upside down.",
    "lateral": "This looks like a lateral film or a part of the chest.",
    "other": "This does not look like a chest X-ray.",
}


@dataclass(frozen=True, eq=False)
class ViewModel:
    """The fitted parameters.

    Attributes:
        mean: (1024,) the mean thumbnail of frontal films.
        components: (48, 1024) orthonormal principal components.
        center, scale: (52,) standardise the description.
        hidden: (52, h) weights and (h,) bias of the hidden layer.
        out: (h, 5) weights and (5,) bias of the class scores.
        least_frontal: films whose probability of "frontal" is lower are warned about.
    """

    mean: Float32
    components: Float32
    center: Float32
    scale: Float32
    hidden: tuple[Float32, Float32]
    out: tuple[Float32, Float32]
    least_frontal: float


def check_view(study: Study) -> list[str]:
    """Sentences a reader should see where the film is not a frontal chest X-ray; usually none."""
    plain = _check_plainly(study.pixels)
    if plain is not None:
        return [f"{plain} {VIEW_WARNING}"]
    chances = classify_view(study.pixels)
    if chances["frontal"] >= load_view_model().least_frontal:
        return []
    likeliest = max(CLASSES[1:], key=chances.__getitem__)
    return [f"{_LOOKS[likeliest]} {VIEW_WARNING}"]


def classify_view(pixels: Float32) -> dict[str, float]:
    """The probability of each of CLASSES for a film (H, W) in [0, 1]."""
    thumbnail, shape = build_thumbnail(pixels)
    chances = classify_thumbnails(thumbnail.reshape(1, -1), shape[None], load_view_model())
    return dict(zip(CLASSES, chances[0].tolist()))


def classify_thumbnails(thumbnails: Float32, shapes: Float32, model: ViewModel) -> Float32:
    """(N, 5) probabilities of CLASSES for N thumbnails (N, 1024) and their shapes (N, 2); see `build_thumbnail`."""
    described = describe_thumbnails(thumbnails, shapes, model.mean, model.components)
    active = np.maximum((described - model.center) / model.scale @ model.hidden[0] + model.hidden[1], 0.0)
    scores = active @ model.out[0] + model.out[1]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def describe_thumbnails(thumbnails: Float32, shapes: Float32, mean: Float32, components: Float32) -> Float32:
    """(N, 52): principal components, what they leave over, left-right likeness, log aspect, share of empty border."""
    centered = thumbnails - mean
    places = centered @ components.T
    left = np.sqrt(np.maximum(np.square(centered).sum(axis=1) - np.square(places).sum(axis=1), 0.0))
    square = thumbnails.reshape(-1, SIDE_PX, SIDE_PX)
    mirrored = (square * square[:, :, ::-1]).mean(axis=(1, 2))
    return np.column_stack((places, left, mirrored, shapes)).astype(np.float32)


def build_thumbnail(pixels: Float32) -> tuple[Float32, Float32]:
    """A film as its content's 32x32 ranks in [-1, 1], and (log of width over height, share of empty border).

    Ranks keep the order of brightness alone: window, gamma and exposure do not matter.
    """
    content, border = crop_content(pixels)
    small = Image.fromarray(np.ascontiguousarray(content, np.float32))
    flat = np.asarray(small.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX), np.float32).ravel()
    order = np.sort(flat)
    # Equal pixels share the middle of their ranks: a black border must not become a gradient.
    ranks = (np.searchsorted(order, flat, "left") + np.searchsorted(order, flat, "right")) / flat.size - 1.0
    shape = np.array((np.log(content.shape[1] / content.shape[0]), border), np.float32)
    return ranks.astype(np.float32).reshape(SIDE_PX, SIDE_PX), shape


def crop_content(pixels: Float32) -> tuple[Float32, float]:
    """The film without constant borders (collimator, padding), and the share of it that they were."""
    small = _shrink(pixels, _WORK_SIDE_PX)
    rows = np.nonzero(np.ptp(small, axis=1) > 0.06)[0]
    columns = np.nonzero(np.ptp(small, axis=0) > 0.06)[0]
    if rows.size < 8 or columns.size < 8:
        return small, 0.0
    content = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return content, 1.0 - content.size / small.size


@lru_cache(maxsize=1)
def load_view_model() -> ViewModel:
    """The parameters shipped beside this module."""
    stored = json.loads(files("egma.imaging").joinpath("view_model.json").read_text("utf-8"))
    arrays = {name: _unpack(entry) for name, entry in stored["arrays"].items()}
    return ViewModel(
        mean=arrays["mean"],
        components=arrays["components"],
        center=arrays["center"],
        scale=arrays["scale"],
        hidden=(arrays["hidden"], arrays["hidden_bias"]),
        out=(arrays["out"], arrays["out_bias"]),
        least_frontal=float(stored["least_frontal"]),
    )


def _unpack(entry: dict[str, Any]) -> Float32:
    flat = np.frombuffer(b64decode(str(entry["float16"])), "<f2")
    return flat.astype(np.float32).reshape(entry["shape"])


def _check_plainly(pixels: Float32) -> str | None:
    """What needs no model to be seen."""
    height, width = pixels.shape
    if min(height, width) < _LEAST_SIDE_PX:
        return f"The film has {width} x {height} pixels, too few to show a chest."
    if max(height / width, width / height) > _WIDEST_ASPECT:
        return f"The film is {width} x {height} pixels, far longer than a chest film."
    low, high = np.percentile(_shrink(pixels, 64), (1, 99))
    if high - low < _LEAST_RANGE:
        return "The film is nearly blank."
    return None


def _shrink(pixels: Float32, side_px: int) -> Float32:
    """The film with a longest side of at most `side_px`, averaged."""
    height, width = pixels.shape
    step = max(height, width) / side_px
    if step <= 1:
        return pixels
    size = max(1, round(width / step)), max(1, round(height / step))
    film = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(film.resize(size, Image.Resampling.BOX), np.float32)
