"""Whole gaze data sets of a dozen invented films, in the layouts that users download."""

from __future__ import annotations

from pathlib import Path

from egma.data.record import FilmId
from egma.testing import gaze_roots as roots
from egma.testing import mimic_files as mimic
from egma.testing.gaze import build_track

SHAPE = (160, 140)
FILMS = 12
KINDS = ("reflacx", "eyegaze", "mimic-eye")


def write_root(kind: str, root: Path, images: Path) -> Path:
    """A data set's root, and beside it MIMIC-CXR's images, which MIMIC-EYE holds itself."""
    films = [mimic.invented_film(number) for number in range(1, FILMS + 1)]
    if kind == "mimic-eye":
        for official, numbers in (("train", range(0, 9)), ("validate", range(9, FILMS))):
            readings = {f"P300R{number:06d}": _reading(films[number], number, official) for number in numbers}
            roots.write_mimic_eye_root(root, readings, official=official)
        return root
    mimic.write_mimic_cxr(images, [(film, SHAPE) for film in films], tables=False)
    if kind == "eyegaze":
        return roots.write_eyegaze_root(root, [(film, build_track(n, SHAPE)) for n, film in enumerate(films)])
    named = {
        f"P300R{number:06d}": _reading(film, number, "validate" if number % 4 == 3 else "train")
        for number, film in enumerate(films)
    }
    return roots.write_reflacx_root(root, named)


def _reading(film: FilmId, number: int, split: str) -> roots.Reading:
    return roots.Reading(film, build_track(number, SHAPE), split, {"Pleural abnormality": 4 if number % 2 else 0})
