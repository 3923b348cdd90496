"""Fit the not-a-frontal warning anew: `python -m egma.imaging.fit_view --data shared/data/cxr`.

Learns from frontal films of the manifest's train split whose licence lets a model be shipped (NIH ChestX-ray14 and the
Hannover repository), from the same films inverted, turned and cut, from drawn oddities and from photographs that
scikit-image carries. No lateral film is learned from: those of the data set only measure. The threshold comes from
folds of patients within the train split. Writes `view_model.json`; about two minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from egma.imaging.view import CLASSES, ViewModel, build_thumbnail, classify_thumbnails, describe_thumbnails
from egma.testing.oddities import ODDITIES
from egma.types import Float32

SOURCES = ("nih14", "hannover")
PHOTOGRAPHS = (
    "brick.png", "cell.png", "clock_motion.png", "coffee.png", "color.png", "grass.png", "gravel.png", "horse.png",
    "hubble_deep_field.jpg", "ihc.png", "logo.png", "microaneurysms.png", "page.png", "phantom.png", "rocket.jpg",
)  # fmt: skip
"""Learned from. The others of scikit-image (a cat, a face, a camera man ...) are left for measuring."""
_COMPONENTS = 48
_HIDDEN = 32
_FOLDS = 3
_VARIANTS = 4  # of each film
_ODDITIES_EACH = 900
_PHOTO_CROPS = 40
_STEPS = 400
_PASS_SHARE = 0.99  # of frontal films held out of a fold


@dataclass(frozen=True, eq=False)
class Examples:
    """N pictures with their classes.

    Attributes:
        thumbnails: (N, 1024), and
        shapes: (N, 2), as `build_thumbnail` gives them.
        classes: (N,) index into CLASSES.
        patients: (N,) of which patient; "" for drawn ones and photographs.
        plain: (N,) whether the picture is a film as it is, not changed in any way.
    """

    thumbnails: Float32
    shapes: Float32
    classes: NDArray[np.intp]
    patients: NDArray[np.str_]
    plain: NDArray[np.bool_]

    def select(self, chosen: NDArray[np.bool_]) -> Examples:
        """Those of a mask (N,)."""
        return Examples(*(getattr(self, part.name)[chosen] for part in fields(self)))


def load_frontals(data: Path, split: str, sources: Sequence[str] = SOURCES) -> list[tuple[str, Float32]]:
    """(patient, film) of a split; films are shrunk to at most 160 px, as `check_view` shrinks them."""
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == split and row["source"] in sources]
    return [(row["patient"], load_grey(data / "images" / row["image"])) for row in rows]


def load_grey(path: Path) -> Float32:
    """A picture file as grey in [0, 1], its longest side at most 160 px."""
    with Image.open(path) as picture:
        grey = picture.convert("RGB").convert("L") if picture.mode != "L" else picture
        grey.thumbnail((160, 160), Image.Resampling.BOX)
        return np.asarray(grey, np.float32) / np.float32(255)


def build_examples(films: Sequence[tuple[str, Float32]], rng: Generator) -> Examples:
    """Everything that is learned from."""
    thumbnails, shapes, facts = [], [], []
    for kind, patient, picture, plain in _list_pictures(films, rng):
        thumbnail, shape = build_thumbnail(picture)
        thumbnails.append(thumbnail.ravel())
        shapes.append(shape)
        facts.append((CLASSES.index(kind), patient, plain))
    kinds, patients, plain = zip(*facts)
    return Examples(np.stack(thumbnails), np.stack(shapes), np.array(kinds), np.array(patients), np.array(plain))


def fit_model(examples: Examples, seed: int) -> ViewModel:
    """Components from frontal films, then the perceptron; its threshold is still 0."""
    frontal = examples.thumbnails[examples.classes == 0]
    mean = frontal.mean(axis=0)
    spread = np.cov(frontal - mean, rowvar=False)
    components = np.linalg.eigh(spread)[1][:, ::-1][:, :_COMPONENTS].T.astype(np.float32)
    described = describe_thumbnails(examples.thumbnails, examples.shapes, mean, components)
    center, scale = described.mean(axis=0), described.std(axis=0) + 1e-3
    hidden, out = _fit_perceptron((described - center) / scale, examples.classes, seed)
    return ViewModel(mean, components, center, scale, hidden, out, 0.0)


def fit_threshold(examples: Examples) -> float:
    """The probability of "frontal" that nearly all unchanged films of patients left out of a fit reach."""
    names = sorted(set(examples.patients) - {""})
    folds = dict(zip(names, np.random.default_rng(0).integers(0, _FOLDS, len(names))))
    fold_of = np.array([folds.get(patient, -1) for patient in examples.patients])
    chances = []
    for fold in range(_FOLDS):
        model = fit_model(examples.select(fold_of != fold), seed=fold)
        measured = examples.select((fold_of == fold) & examples.plain)
        chances.append(classify_thumbnails(measured.thumbnails, measured.shapes, model)[:, 0])
    return float(np.quantile(np.concatenate(chances), 1 - _PASS_SHARE))


def save_model(model: ViewModel, least_frontal: float, films: int, path: Path) -> None:
    """Write the parameters as JSON; arrays as base64 of little-endian float16."""
    arrays = {
        "mean": model.mean, "components": model.components, "center": model.center, "scale": model.scale,
        "hidden": model.hidden[0], "hidden_bias": model.hidden[1], "out": model.out[0], "out_bias": model.out[1],
    }  # fmt: skip
    stored = {
        "about": f"Frontal-film check: fitted on {films} train films of {' and '.join(SOURCES)} (NIH Clinical Center; "
        "Hannover Medical School, CC BY 3.0), drawn pictures and photographs of scikit-image. "
        "Made by `python -m egma.imaging.fit_view`.",
        "classes": list(CLASSES),
        "least_frontal": round(least_frontal, 4),
        "arrays": {name: _pack(values) for name, values in arrays.items()},
    }
    path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")


def _list_pictures(films: Sequence[tuple[str, Float32]], rng: Generator) -> Iterator[tuple[str, str, Float32, bool]]:
    """(class, patient, picture, plain) of everything."""
    for patient, film in films:
        yield "frontal", patient, film, True
        for kind, picture in _vary_film(film, rng):
            yield kind, patient, picture, False
    for name, draw in ODDITIES.items():
        for _ in range(_ODDITIES_EACH):
            yield ("lateral" if name == "lateral" else "other"), "", draw(rng), False
    for crop in _crop_photographs(rng):
        yield "other", "", crop, False


def _vary_film(film: Float32, rng: Generator) -> Iterator[tuple[str, Float32]]:
    """A film in other positions and exposures, which stay frontal, and spoilt, which do not."""
    for _ in range(_VARIANTS):
        yield "frontal", _jitter(film, rng)
    for _ in range(2):
        yield "inverted", 1.0 - _jitter(film, rng)
    yield "inverted", np.rot90(1.0 - _jitter(film, rng), int(rng.integers(1, 4)))
    for quarter in (1, 2, 3):
        yield "turned", np.rot90(_jitter(film, rng), quarter)
    for _ in range(2):
        yield "lateral", _cut(film, rng)


def _jitter(film: Float32, rng: Generator) -> Float32:
    """Shifted, zoomed and turned a little; another gamma and window; now and then a constant border."""
    height, width = film.shape
    angle, zoom = np.radians(rng.normal(0, 3.5)), rng.uniform(0.84, 1.12)
    stretch = rng.uniform(0.9, 1.1)
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    shift_x, shift_y = rng.normal(0, 0.03) * width, rng.normal(0, 0.03) * height
    matrix = (
        cosine * stretch, sine, width / 2 - cosine * stretch * width / 2 - sine * height / 2 + shift_x,
        -sine, cosine, height / 2 + sine * width / 2 - cosine * height / 2 + shift_y,
    )  # fmt: skip
    fill = float(film[0].mean()) if rng.random() < 0.5 else 0.0
    moved = np.asarray(
        Image.fromarray(film).transform(
            (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=fill
        )
    )
    shown = np.clip((moved - rng.uniform(-0.05, 0.15)) / rng.uniform(0.75, 1.1), 0, 1) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.2:
        sides = rng.integers(0, 30, 4)
        shown = np.pad(shown, ((sides[0], sides[1]), (sides[2], sides[3])), constant_values=float(rng.random() < 0.2))
    return shown.astype(np.float32)


def _cut(film: Float32, rng: Generator) -> Float32:
    """A part that is not a chest any more: one lung, the shoulders, the abdomen, a close-up."""
    height, width = film.shape
    kind = rng.integers(3)
    if kind == 0:
        high, wide = rng.uniform(0.75, 1.0), rng.uniform(0.38, 0.52)
        left, top = float(rng.choice((rng.uniform(0, 0.08), 1 - wide - rng.uniform(0, 0.08)))), rng.uniform(0, 1 - high)
    elif kind == 1:
        high, wide = rng.uniform(0.25, 0.42), rng.uniform(0.6, 1.0)
        left, top = rng.uniform(0, 1 - wide), float(rng.choice((0.0, 1 - high)))
    else:
        high, wide = rng.uniform(0.2, 0.45, 2)
        left, top = rng.uniform(0, 1 - wide), rng.uniform(0, 1 - high)
    rows = slice(int(top * height), int((top + high) * height))
    return film[rows, int(left * width) : int((left + wide) * width)]


def _crop_photographs(rng: Generator) -> Iterator[Float32]:
    found = find_spec("skimage")
    if found is None or found.origin is None:
        return
    for name in PHOTOGRAPHS:
        photo = load_grey(Path(found.origin).parent / "data" / name)
        height, width = photo.shape
        for _ in range(_PHOTO_CROPS):
            share = rng.uniform(0.4, 1.0, 2)
            top, left = rng.uniform(0, 1 - share) * (height, width)
            crop = photo[int(top) : int(top + share[0] * height), int(left) : int(left + share[1] * width)]
            crop = np.rot90(crop, int(rng.integers(4))) if rng.random() < 0.3 else crop
            yield 1 - crop if rng.random() < 0.3 else crop


def _fit_perceptron(
    inputs: Float32, classes: NDArray[np.intp], seed: int
) -> tuple[tuple[Float32, Float32], tuple[Float32, Float32]]:
    """One hidden layer, trained on all rows at once with weight decay."""
    import torch

    torch.manual_seed(seed)
    rows, wanted = torch.from_numpy(np.ascontiguousarray(inputs, np.float32)), torch.from_numpy(classes)
    layers = torch.nn.Sequential(
        torch.nn.Linear(rows.shape[1], _HIDDEN), torch.nn.ReLU(), torch.nn.Linear(_HIDDEN, len(CLASSES))
    )
    optimizer = torch.optim.AdamW(layers.parameters(), lr=0.01, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=_STEPS)
    for _ in range(_STEPS):
        noisy = rows + 0.08 * torch.randn_like(rows)
        loss = torch.nn.functional.cross_entropy(layers(noisy), wanted, label_smoothing=0.01)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    first, second = (
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
        for layer in layers
        if isinstance(layer, torch.nn.Linear)
    )
    return first, second


def _pack(values: Float32) -> dict[str, object]:
    return {"shape": list(values.shape), "float16": b64encode(values.astype("<f2").tobytes()).decode("ascii")}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, choose the threshold, write."""
    parser = argparse.ArgumentParser(
        prog="python -m egma.imaging.fit_view", description="Fit the view check on chest films and save its parameters."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.csv and images/")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("view_model.json"))
    chosen = parser.parse_args(arguments)
    films = load_frontals(chosen.data, "train")
    examples = build_examples(films, np.random.default_rng(0))
    least_frontal = fit_threshold(examples)
    save_model(fit_model(examples, seed=0), least_frontal, len(films), chosen.out)
    print(f"{len(examples.classes)} pictures; warned below {least_frontal:.4f}; wrote {chosen.out}")


if __name__ == "__main__":
    main()
