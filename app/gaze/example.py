"""The recordings that ship: invented readings of the phantoms, dictated, zoomed and windowed. Labelled simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.examples import Examples, build_example_phantom
from app.films import example_key
from app.gaze.store import EXAMPLE_MARK, OpenGaze, Reader
from egma.errors import GazeError
from egma.gaze.regions import MaskRegion, Region, lung_zones
from egma.gaze.simulate import Statement, simulate_reading
from egma.gaze.track import GazeTrack

if TYPE_CHECKING:
    from egma.testing.phantoms import Phantom

_NARROW_WINDOW = 0.8
"""A simulated reader who zooms in also narrows the window to this share: what a replay has to follow."""


@dataclass(frozen=True)
class GazeExample:
    """A recording on the menu: stable id, title, the phantom it reads, and the seeds of its readers."""

    name: str
    title: str
    film: str
    seed: int
    finding: str
    side: str
    readers: tuple[int, ...]


GAZE_EXAMPLES = (
    GazeExample("effusion", "Phantom with a simulated reading", "phantom-effusion", 6, "Effusion", "left", (11,)),
    GazeExample("mass", "Phantom with three simulated readers", "phantom-mass", 18, "Mass", "right", (21, 22, 23)),
)


def open_example(examples: Examples, name: str) -> OpenGaze:
    """An example's recordings on its phantom.

    Raises:
        GazeError: there is no such example.
    """
    found = next((example for example in GAZE_EXAMPLES if example.name == name), None)
    if found is None:
        raise GazeError("that example is no longer there; reload the page to see which are")
    film = examples.films.find(example_key(found.film))
    phantom = build_example_phantom(found.seed, found.finding, found.side)
    display = film.study.display
    width = 1.0 if display is None else display.width / 65535
    level = 0.5 if display is None else display.center / 65535
    readers = tuple(
        _reader(phantom, found, seed, f"simulated reader {number}", (width, level))
        for number, seed in enumerate(found.readers, 1)
    )
    return OpenGaze(film.key, f"{EXAMPLE_MARK}{name}", readers, _regions(phantom))


def _reader(phantom: Phantom, example: GazeExample, seed: int, name: str, window: tuple[float, float]) -> Reader:
    track = simulate_reading(_statements(phantom, example, seed), phantom.study.shape, seed=seed)
    track = replace(track, ids={"recording": name}, window=_windows(track, window))
    return Reader(name, track, None, track.notes)


def _statements(phantom: Phantom, example: GazeExample, seed: int) -> list[Statement]:
    """What is dictated: the lesion, the lung beside it, and the heart; the readers differ in order."""
    other = "right" if example.side == "left" else "left"
    said = [
        Statement("The film is centred and well inspired"),
        Statement(phantom.sentences[0].rstrip("."), phantom.masks[example.finding]),
        Statement(f"The {other} lung is clear", phantom.lungs[other]),
        Statement("The heart is not enlarged"),
        Statement(f"No pneumothorax on the {example.side}", _upper(phantom.lungs[example.side])),
    ]
    return said if seed % 2 else [said[0], said[2], said[1], said[4], said[3]]


def _upper(lung: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(lung.any(axis=1))
    part = lung.copy()
    part[rows[0] + len(rows) // 3 :] = False
    return part


def _windows(track: GazeTrack, window: tuple[float, float]) -> np.ndarray:
    """float64 (F, 2): the film's own window, narrower while the reader is zoomed in."""
    windows = np.tile(window, (len(track), 1)).astype(np.float64)
    if track.shown_px is not None:
        widths = track.shown_px[:, 2] - track.shown_px[:, 0]
        windows[widths < widths.max(), 0] *= _NARROW_WINDOW
    return windows


def _regions(phantom: Phantom) -> tuple[Region, ...]:
    """The lesions' true outlines and the lungs' zones."""
    lesions = [MaskRegion(finding.lower(), mask) for finding, mask in phantom.masks.items()]
    return (*lesions, *lung_zones(phantom.lungs["left"], phantom.lungs["right"]))
