"""Synthetic chest films whose lesions are known to the pixel: for tests, examples, and training where no mask exists.

    phantom = build_phantom(11, finding="Effusion", side="left")
    phantom.study.pixels, phantom.masks["Effusion"], phantom.sentences

A patient is drawn from the seed as thicknesses of tissue, lesions are added to them, and the whole is exposed by
Beer-Lambert's law with scatter and noise (after the principle of Monte Carlo chest phantoms; nothing is taken from a
patient). PA orientation: the patient's left is on the image's right. Equal arguments give equal pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.errors import DataError
from egma.imaging.load import study_from_array
from egma.testing.anatomy import build_thorax, draw_anatomy
from egma.testing.exposure import BONE_PER_CM, LUNG_PER_CM, SOFT_PER_CM, draw_technique, expose
from egma.testing.frame import SIGN, Frame
from egma.testing.lesions import BILATERAL, LESIONS, MIDLINE, adapt_anatomy, draw_lesion, draw_side
from egma.testing.reports import write_normal, write_sentence
from egma.testing.scene import Lesion, Request, Scene
from egma.testing.skeleton import draw_skeleton
from egma.testing.vessels import draw_vessels
from egma.types import FloatArray, Study

PHANTOM_WARNING = "This is a synthetic phantom: computed shapes, not a patient."
_DICOM_WINDOW = (2048, 4096)  # all 12 bits


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic film and the truth about it.

    Attributes:
        study: the film; its warnings say that it is a phantom.
        masks: bool (H, W) for each finding: where a reader sees it. Empty for a normal film.
        lungs: bool (H, W) for "left" and "right", the patient's: lung beside the mediastinum and above the domes.
        findings: names as in `egma.findings`, in the order asked; empty for a normal film.
        sides: "left", "right" or "" for each of `findings`.
        sentences: a report; one sentence a finding, or three normal ones.
    """

    study: Study
    masks: dict[str, NDArray[np.bool_]]
    lungs: dict[str, NDArray[np.bool_]]
    findings: tuple[str, ...]
    sides: tuple[str, ...]
    sentences: tuple[str, ...]


def build_phantom(
    seed: int,
    finding: str | None = None,
    side: str | None = None,
    *,
    findings: Iterable[tuple[str, str | None]] = (),
    size: tuple[int, int] = (512, 512),
    severity: float | None = None,
) -> Phantom:
    """A phantom with the findings asked for.

    Args:
        seed: of patient, exposure and everything left open.
        finding: a key of `egma.findings`; None or "No Finding" for a normal film.
        side: the patient's "left" or "right"; None draws one. Findings of both lungs or the middle have none.
        findings: several (finding, side) pairs in place of `finding` and `side`.
        size: (H, W) in pixels; all of a 41 x 37 cm view is on any film.
        severity: 0 just visible to 1 extensive; None draws one for each finding.

    Raises:
        DataError: there is no such finding or side.
    """
    rng = np.random.default_rng((seed, 0xC0FFEE))
    pairs = tuple(findings) or (((finding, side),) if finding else ())
    requests = tuple(_request(name, where, severity, rng) for name, where in pairs if name != "No Finding")
    scene = _build_scene(size, requests, rng)
    lesions = tuple(draw_lesion(scene, request) for request in requests)
    pixels = _expose(scene, lesions)
    spacing_mm = round(scene.frame.pixel_cm * 10, 4)
    study = study_from_array(_add_marker(scene.frame, pixels), (spacing_mm, spacing_mm), (PHANTOM_WARNING,))
    sentences = tuple(write_sentence(request, lesion, rng) for request, lesion in zip(requests, lesions))
    return Phantom(
        study=study,
        masks=_collect_masks(requests, lesions),
        lungs=scene.thorax.lungs,
        findings=tuple(dict.fromkeys(request.finding for request in requests)),
        sides=tuple({request.finding: request.side for request in requests}.values()),
        sentences=sentences or write_normal(rng),
    )


def build_phantoms(count: int, seed: int = 0, size: tuple[int, int] = (512, 512)) -> Iterator[Phantom]:
    """`count` phantoms: one in five normal, one in five with two findings, and every finding equally often."""
    rng = np.random.default_rng((seed, 0xBEE))
    names = sorted(LESIONS)
    turn = 0
    order = rng.permutation(names)
    for index in range(count):
        wanted = {0: 0, 1: 2}.get(index % 5, 1)
        pairs = []
        for _ in range(wanted):
            if turn == len(order):
                turn, order = 0, rng.permutation(names)
            pairs.append((str(order[turn]), None))
            turn += 1
        yield build_phantom(int(rng.integers(2**31)), findings=pairs, size=size)


def write_phantom_dicom(phantom: Phantom, path: Path) -> Path:
    """Write a phantom as a DICOM file (CR, MONOCHROME2, 12 bits, one window) and return its path."""
    from egma.testing.dicom import write_dicom

    stored = np.rint(phantom.study.pixels * 4095).astype(np.uint16)
    spacing = list(phantom.study.spacing_mm or (1.0, 1.0))
    tags = {
        "PatientName": "Phantom^Synthetic",
        "PatientID": "PHANTOM",
        "SeriesDescription": "SYNTHETIC PHANTOM, NOT A PATIENT",
        "ImagerPixelSpacing": spacing,
        "WindowCenter": _DICOM_WINDOW[0],
        "WindowWidth": _DICOM_WINDOW[1],
    }
    return write_dicom(path, stored, bits_stored=12, tags=tags)


def _request(finding: str, side: str | None, severity: float | None, rng: Generator) -> Request:
    if finding not in LESIONS:
        raise DataError(f"There is no phantom of {finding[:40]!r}; choose one of: {', '.join(sorted(LESIONS))}.")
    if side not in (None, "", *SIGN):
        raise DataError(f"A side is 'left' or 'right' (the patient's), got {side[:20]!r}.")
    if finding in BILATERAL | MIDLINE:
        side = ""
    return Request(finding, side or draw_side(finding, rng), rng.uniform() if severity is None else severity)


def _build_scene(size: tuple[int, int], requests: tuple[Request, ...], rng: Generator) -> Scene:
    anatomy = adapt_anatomy(draw_anatomy(rng), requests)
    shift_cm = (float(np.clip(rng.normal(0.0, 0.5), -1, 1)), float(np.clip(rng.normal(0.3, 0.5), -0.6, 1.2)))
    lean = float(np.clip(rng.normal(0.0, 0.018), -0.04, 0.04))
    frame = Frame(size, rng.uniform(0.98, 1.10), shift_cm, lean)
    return Scene(frame, anatomy, build_thorax(frame, anatomy), rng)


def _expose(scene: Scene, lesions: tuple[Lesion, ...]) -> FloatArray:
    """The attenuation along every ray, then the film."""
    thorax, frame = scene.thorax, scene.frame
    density, markings, soft = (np.full(frame.size, value, np.float32) for value in (1.0, 1.0, 0.0))
    for lesion in lesions:
        density *= 1.0 if lesion.density is None else lesion.density
        markings *= 1.0 if lesion.markings is None else lesion.markings
        soft += 0.0 if lesion.soft is None else lesion.soft
    vessels = draw_vessels(frame, scene.anatomy, scene.rng) * np.clip(thorax.lung / 5.0, 0.0, 1.0) * markings
    bone = draw_skeleton(frame, scene.anatomy, scene.rng) * np.clip(thorax.body / 4.0, 0.0, 1.0)
    tissue = np.clip(thorax.body - thorax.lung - thorax.air, 0.0, None)
    healthy = SOFT_PER_CM * (tissue + vessels) + LUNG_PER_CM * thorax.lung + BONE_PER_CM * bone
    change = (SOFT_PER_CM - LUNG_PER_CM) * soft + LUNG_PER_CM * thorax.lung * (density - 1.0)
    return expose(frame, healthy + change, change, thorax.lung, technique=draw_technique(scene.rng), rng=scene.rng)


def _collect_masks(requests: tuple[Request, ...], lesions: tuple[Lesion, ...]) -> dict[str, NDArray[np.bool_]]:
    masks: dict[str, NDArray[np.bool_]] = {}
    for request, lesion in zip(requests, lesions):
        masks[request.finding] = masks.get(request.finding, np.zeros_like(lesion.mask)) | lesion.mask
    return masks


def _add_marker(frame: Frame, pixels: FloatArray) -> FloatArray:
    """A lead L beside the patient's left shoulder."""
    corner = np.array((15.6, 2.2))
    strokes = [corner + np.array([(0.0, 0.0), (0.0, 1.5)]), corner + np.array([(-0.14, 1.42), (1.0, 1.42)])]
    lead = frame.draw_lines(strokes, (0.28, 0.28))
    return np.maximum(pixels, 0.97 * lead)
