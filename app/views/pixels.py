"""A film into the picture that the viewer fetches: the full 16 bits, losslessly, in a PNG a browser can decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from egma.types import Display, Study, UInt16

MAX_VIEW_SIDE_PX = 2048
"""Longest side that is sent: a 3,000 px film would take 18 MB and a second to decode, for pixels no screen shows."""
_FULL_SCALE = 65535.0
_COMPRESSION = 1
"""zlib level: noise in the low byte does not compress, so more effort buys 3 % for four times the time."""


@dataclass(frozen=True)
class FilmPicture:
    """A film's picture on disk.

    Attributes:
        path: PNG, RGB, high byte in red and low byte in green.
        width_px, height_px: size of the picture, at most `MAX_VIEW_SIDE_PX`.
        center, width: the default window, in units of the 16-bit values.
        spacing_mm: (row, column) distance between the picture's pixel centres, or None where unknown.
    """

    path: Path
    width_px: int
    height_px: int
    center: float
    width: float
    spacing_mm: tuple[float, float] | None


def pack16(values: UInt16) -> NDArray[np.uint8]:
    """uint16 (H, W) -> uint8 (H, W, 3): high byte in red, low byte in green, blue empty."""
    packed = np.zeros((*values.shape, 3), np.uint8)
    packed[..., 0] = values >> 8
    packed[..., 1] = values & 0xFF
    return packed


def fit_view(values: UInt16, longest_px: int = MAX_VIEW_SIDE_PX) -> UInt16:
    """uint16 (H, W), reduced by area where a side is longer than `longest_px`; at least one pixel each way."""
    height, width = values.shape
    scale = longest_px / max(height, width)
    if scale >= 1:
        return values
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.clip(np.rint(np.asarray(reduced)), 0, _FULL_SCALE).astype(np.uint16)


def draw_film(study: Study, path: Path) -> FilmPicture:
    """Write a film's picture and say how to show it."""
    display = study.display or _plain_display(study)
    view = fit_view(display.values)
    Image.fromarray(pack16(view)).save(path, compress_level=_COMPRESSION)
    return FilmPicture(
        path=path,
        width_px=view.shape[1],
        height_px=view.shape[0],
        center=float(display.center),
        width=float(display.width),
        spacing_mm=_view_spacing(study, view.shape),
    )


def _plain_display(study: Study) -> Display:
    """The displayed pixels themselves, spread over 16 bits, for a study that was built without a recorded range."""
    values = np.rint(np.nan_to_num(study.pixels) * _FULL_SCALE).astype(np.uint16)
    return Display(values, _FULL_SCALE / 2, _FULL_SCALE, "as displayed")


def _view_spacing(study: Study, shape: tuple[int, ...]) -> tuple[float, float] | None:
    if study.spacing_mm is None:
        return None
    row_mm, column_mm = study.spacing_mm
    return row_mm * (study.shape[0] / shape[0]), column_mm * (study.shape[1] / shape[1])
