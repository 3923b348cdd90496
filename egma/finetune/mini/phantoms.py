"""Phantoms as training data: films, one sentence a lesion, where it lies, and gaze that is simulated from it.

No recorded gaze may be given away with a model, so each sentence's gaze is a simulated reading of its lesion's mask
(`egma.gaze.simulate`): fixations with a one-degree spread and a bias to the centre, as heat on the film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.findings import FINDINGS
from egma.gaze.simulate import Statement, simulate_reading
from egma.testing.phantoms import Phantom, build_phantoms

MOST_LESIONS = 2
"""Sentences with a lesion on one phantom; `build_phantoms` draws no more."""


@dataclass(frozen=True, eq=False)
class PhantomSet:
    """P phantoms.

    Attributes:
        films: uint8 (P, S, S).
        masks: uint8 (P, 2, S, S), 255 where the lesion of each sentence lies; 0 where there is no such sentence.
        gaze: uint8 (P, 2, S, S), simulated heat of each sentence, 255 at its peak.
        sentences: for each phantom, one sentence a lesion, or three normal ones.
        present: bool (P, 15).
        findings: for each phantom, the finding of each lesion sentence.
        sides: for each phantom, "left", "right" or "" of each lesion sentence.
        left_lung: bool (P, S): the image columns on the patient's left of the midline between the lungs.
    """

    films: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    gaze: NDArray[np.uint8]
    sentences: tuple[tuple[str, ...], ...]
    present: NDArray[np.bool_]
    findings: tuple[tuple[str, ...], ...]
    sides: tuple[tuple[str, ...], ...]
    left_lung: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.films)


def build_phantom_set(
    count: int, size_px: int, seed: int, *, with_gaze: bool = True, note: Callable[[str], None] = lambda text: None
) -> PhantomSet:
    """`count` phantoms of S x S pixels; equal seeds give equal sets.

    Args:
        count: P.
        size_px: S, the model's input, so that nothing is resized.
        seed: of patients, lesions and simulated gaze.
        with_gaze: False leaves the gaze empty, for phantoms that only measure.
        note: told of progress.
    """
    shape = (count, MOST_LESIONS, size_px, size_px)
    films, masks, gaze = (
        np.zeros((count, size_px, size_px), np.uint8),
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.uint8),
    )
    left_lung = np.zeros((count, size_px), bool)
    phantoms: list[Phantom] = []
    for place, phantom in enumerate(build_phantoms(count, seed, (size_px, size_px))):
        films[place] = np.rint(phantom.study.pixels * 255)
        for row, finding in enumerate(phantom.findings[:MOST_LESIONS]):
            masks[place, row] = phantom.masks[finding] * np.uint8(255)
            if with_gaze:
                gaze[place, row] = _simulate_heat(phantom, row, seed * 1_000_003 + 2 * place + row)
        left_lung[place] = _left_columns(phantom)
        phantoms.append(phantom)
        if (place + 1) % 200 == 0:
            note(f"built {place + 1} of {count} phantoms")
    return PhantomSet(
        films=films,
        masks=masks,
        gaze=gaze,
        sentences=tuple(_sentences(phantom) for phantom in phantoms),
        present=np.array([[_is_present(phantom, name) for name in FINDINGS] for phantom in phantoms], bool),
        findings=tuple(phantom.findings[:MOST_LESIONS] for phantom in phantoms),
        sides=tuple(phantom.sides[:MOST_LESIONS] for phantom in phantoms),
        left_lung=left_lung,
    )


def _is_present(phantom: Phantom, name: str) -> bool:
    return name in phantom.findings or (name == "No Finding" and not phantom.findings)


def _sentences(phantom: Phantom) -> tuple[str, ...]:
    """One sentence a distinct finding. Two lesions of one finding share a mask, and their first sentence."""
    return phantom.sentences if not phantom.findings else phantom.sentences[: len(phantom.findings)]


def _simulate_heat(phantom: Phantom, row: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (S, S), the peak at 255: where an invented reader looked while saying this sentence."""
    region = phantom.masks[phantom.findings[row]]
    track = simulate_reading([Statement(phantom.sentences[row], region)], phantom.study.shape, seed=seed)
    heat = track.density(phantom.study.shape)
    peak = float(heat.max())
    return np.rint(heat / peak * 255).astype(np.uint8) if peak > 0 else np.zeros(heat.shape, np.uint8)


def _left_columns(phantom: Phantom) -> NDArray[np.bool_]:
    """bool (S,): columns nearer to the left lung than to the right one; the patient's left is the image's right."""
    columns = np.arange(phantom.study.shape[1])
    left, right = (float(columns[phantom.lungs[side].any(axis=0)].mean()) for side in ("left", "right"))
    return columns >= (left + right) / 2
