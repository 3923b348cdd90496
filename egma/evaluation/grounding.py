"""Whether maps point where findings are: on films with boxes and on phantoms, against guesses that need no model."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.data.labels import swap_sides
from egma.errors import DataError
from egma.evaluation.intervals import Figure, bootstrap
from egma.evaluation.lungs import guess_hits, guess_lung_centers, lung_centers
from egma.evaluation.metrics import contrast_to_noise, points_inside
from egma.inference.engine import Engine
from egma.testing.phantoms import Phantom
from egma.types import Study

Box = tuple[float, float, float, float]
_MIDDLE = 0.08
"""A box counts as one-sided where its centre is farther from the film's middle than this share of its width."""

_MEASURED = ("hit", "centre", "lungs", "usual", "contrast", "inside", "outside", "gap")


@dataclass(frozen=True)
class BoxedFinding:
    """One finding of one film with its boxes, each (x, y, width, height) as shares of the film's sides."""

    image: str
    finding: str
    boxes: tuple[Box, ...]

    @property
    def side(self) -> str:
        """The patient's side all boxes lie on, or ""."""
        centers = [x + width / 2 - 0.5 for x, _, width, _ in self.boxes]
        if all(center > _MIDDLE for center in centers):
            return "left"
        return "right" if all(center < -_MIDDLE for center in centers) else ""


@dataclass(frozen=True)
class Pointing:
    """What one phrase did on one film.

    Attributes:
        hit: its strongest patch's centre lies in the finding.
        centre, lungs, usual: the film's middle does; the middle of the lung that the phrase names does (of either lung,
            half each, where it names none); the place where other films have the same finding does.
        contrast: contrast-to-noise ratio of the map.
        inside, outside: mean cosine in the finding and elsewhere.
        right_side: the phrase outscores itself with left and right exchanged; None where it names no side.
        peak_side: its strongest patch lies on the named side; None likewise.
    """

    hit: bool
    centre: bool
    lungs: float
    usual: bool
    contrast: float
    inside: float
    outside: float
    right_side: bool | None = None
    peak_side: bool | None = None

    @property
    def gap(self) -> float:
        """Mean cosine inside minus outside."""
        return self.inside - self.outside


def load_boxes(path: Path) -> list[BoxedFinding]:
    """Read `boxes.csv`: image, label, x, y, width, height in a frame of frame_width x frame_height pixels."""
    if not path.is_file():
        raise DataError(f"{path.name} is missing; it lies beside the manifest")
    found: dict[tuple[str, str], list[Box]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            wide, high = float(row["frame_width"]), float(row["frame_height"])
            box = (
                float(row["x"]) / wide,
                float(row["y"]) / high,
                float(row["width"]) / wide,
                float(row["height"]) / high,
            )
            found.setdefault((row["image"], row["label"]), []).append(box)
    return [BoxedFinding(image, finding, tuple(boxes)) for (image, finding), boxes in found.items()]


def known_boxes(engine: Engine, studies: dict[str, Study], boxed: Sequence[BoxedFinding]) -> list[BoxedFinding]:
    """Those whose film is there and whose finding the checkpoint knows."""
    return [each for each in boxed if each.image in studies and each.finding in engine.findings]


def box_mask(boxed: BoxedFinding, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """bool (H, W): where the boxes lie on a film of that shape."""
    height, width = shape
    mask = np.zeros(shape, bool)
    for x, y, w, h in boxed.boxes:
        mask[int(y * height) : int(np.ceil((y + h) * height)), int(x * width) : int(np.ceil((x + w) * width))] = True
    return mask


def point_at_boxes(engine: Engine, studies: dict[str, Study], boxed: Sequence[BoxedFinding]) -> list[Pointing]:
    """Ask each boxed finding by its first positive prompt, and by side where its boxes lie on one."""
    known = known_boxes(engine, studies, boxed)
    return [_point_at_box(engine, studies[each.image], each, known) for each in known]


def point_at_phantoms(engine: Engine, phantoms: Iterable[Phantom]) -> list[Pointing]:
    """Ask each lesion by its sentence. The usual place is where other phantoms' lesions of its kind overlap most."""
    asked, masks = [], []
    for phantom in phantoms:
        for finding, side, sentence in zip(phantom.findings, phantom.sides, phantom.sentences):
            mask = phantom.masks[finding]
            guess = guess_hits(mask, lung_centers(phantom.lungs), side if side in sentence.lower() else "")
            asked.append((finding, mask, replace(_ask(engine, phantom.study, sentence, mask, side), lungs=guess)))
            masks.append((finding, mask))
    return [
        replace(found, usual=_usual(mask, [other for name, other in masks if name == finding]))
        for finding, mask, found in asked
    ]


def pointing_figures(points: Sequence[Pointing]) -> dict[str, Figure]:
    """Every share and mean with its interval, lesions drawn."""
    figures = {name: _figure(points, name) for name in _MEASURED}
    sided = [point for point in points if point.right_side is not None]
    if sided:
        figures |= {name: _figure(sided, name) for name in ("right_side", "peak_side")}
    return figures


def _point_at_box(engine: Engine, study: Study, boxed: BoxedFinding, others: Sequence[BoxedFinding]) -> Pointing:
    height, width = study.shape
    boxes = [(x * width, y * height, w * width, h * height) for x, y, w, h in boxed.boxes]
    mask = box_mask(boxed, study.shape)
    phrase = engine.prompts(boxed.finding).positive[0]
    name = f"{boxed.side} {boxed.finding.lower()}"
    found = _ask(engine, study, phrase, mask, boxed.side, sided_phrase=name if boxed.side else "")
    centers = [
        (x + w / 2, y + h / 2)
        for other in others
        if other.finding == boxed.finding and other.image != boxed.image
        for x, y, w, h in other.boxes
    ]
    usual = tuple(np.mean(centers, axis=0)) if centers else (0.5, 0.5)
    at = float(usual[0]) * width, float(usual[1]) * height
    guess = guess_hits(mask, guess_lung_centers(study.pixels), "")  # the phrase names no side
    return replace(found, usual=points_inside(at, boxes), lungs=guess)


def _ask(
    engine: Engine, study: Study, phrase: str, mask: NDArray[np.bool_], side: str, *, sided_phrase: str = ""
) -> Pointing:
    """One phrase on one film; the sided questions where a side is known and named."""
    (found,) = engine.ground(study, [phrase])
    cosine = found.cosine
    right_side = peak_side = None
    named = sided_phrase or phrase
    if side and swap_sides(named) != named:
        here, there = engine.ground(study, [named, swap_sides(named)])
        seen = here.geometry.seen_patches(here.grid.shape)
        right_side = bool(here.grid[seen].max() > there.grid[seen].max())
        peak_side = (here.peak_xy_px[0] > study.shape[1] / 2) == (side == "left")
    return Pointing(
        hit=_covers(mask, found.peak_xy_px),
        centre=bool(mask[mask.shape[0] // 2, mask.shape[1] // 2]),
        lungs=0.0,
        usual=False,
        contrast=contrast_to_noise(cosine, mask),
        inside=float(np.nanmean(cosine[mask])),
        outside=float(np.nanmean(cosine[~mask])),
        right_side=right_side,
        peak_side=peak_side,
    )


def _usual(mask: NDArray[np.bool_], masks: list[NDArray[np.bool_]]) -> bool:
    """Whether the place that most other masks cover lies in this one; `masks` holds this one too."""
    total = np.sum(masks, axis=0, dtype=np.int32) - mask
    row, column = np.unravel_index(int(total.argmax()), total.shape)
    return bool(len(masks) > 1 and mask[row, column])


def _covers(mask: NDArray[np.bool_], xy_px: tuple[float, float]) -> bool:
    return bool(mask[min(int(xy_px[1]), mask.shape[0] - 1), min(int(xy_px[0]), mask.shape[1] - 1)])


def _figure(points: Sequence[Pointing], name: str) -> Figure:
    values = np.array([float(getattr(point, name)) for point in points])
    values = values[np.isfinite(values)]
    return bootstrap(
        lambda places: float(values[places].mean()) if len(places) else float("nan"), np.arange(len(values))
    )
