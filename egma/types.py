"""The values that cross module boundaries: films, embeddings and maps, all frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.display import DRAWN_FROM

if TYPE_CHECKING:
    from egma.imaging.geometry import Geometry

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.floating]
"""Where float32 and float64 meet, as numpy's own promotion has it."""
UInt16 = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Display:
    """A film's full recorded range, for a viewer's own window and level.

    Attributes:
        values: uint16 (H, W), bone bright; the whole recorded range spread over 0..65535, before any VOI window.
        center: the default window's centre, in units of `values`.
        width: the default window's width, in units of `values`, at least 1. Showing `values` through
            (center, width) with straight lines gives `Study.pixels` to 16-bit rounding.
        note: where the window comes from, for a status line: "window 1 of 2 from the file", "percentiles 0.5 to 99.5".
    """

    values: UInt16
    center: float
    width: float
    note: str


@dataclass(frozen=True, eq=False)
class Study:
    """One film as a reader sees it.

    Attributes:
        pixels: float32 (H, W) in [0, 1], as displayed: bone bright, air dark. Row 0 is the top.
        spacing_mm: (row, column) distance between pixel centres, or None where the file does not say.
        warnings: sentences a reader should see before trusting anything drawn on this film.
        display: the unwindowed 16-bit values behind `pixels`.
        source: "dicom", "png", "jpeg", "tiff" or "array".
    """

    pixels: Float32
    spacing_mm: tuple[float, float] | None
    warnings: list[str] = field(default_factory=list)
    display: Display | None = None
    source: str = "array"

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in source pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @cached_property
    def key(self) -> str:
        """SHA-256 of shape and pixels: equal films have equal keys, whatever file they came from."""
        digest = sha256(repr(self.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class ImageEmbeddings:
    """What the image tower says of B films.

    Attributes:
        globals: float32 (B, D), unit norm.
        patches: float32 (B, gh, gw, D), unit norm; row 0 is the top of the model's input.
    """

    globals: Float32
    patches: Float32


@dataclass(frozen=True, eq=False)
class GroundingMap:
    """Where a model finds one phrase on one film.

    Attributes:
        phrase: the words that were asked.
        grid: float32 (gh, gw), cosine similarity in [-1, 1] per patch: the model's native resolution.
        geometry: the map between source pixels and the model's input.
        display_range: (low, high) cosine that colours run over: one per checkpoint, never per film.
        drawn_from: share of that range below which nothing is drawn; the checkpoint's too.
    """

    phrase: str
    grid: Float32
    geometry: Geometry
    display_range: tuple[float, float]
    drawn_from: float = DRAWN_FROM

    @cached_property
    def cosine(self) -> Float32:
        """float32 (H, W) in source pixels, interpolated between patch centres; NaN where the model saw nothing."""
        return self.geometry.map_to_source(self.grid)

    @cached_property
    def peak_xy_px(self) -> tuple[float, float]:
        """(x, y) in source pixels of the strongest patch's centre, among patches that lie on the film."""
        return self.geometry.peak_xy_px(self.grid)
