"""From stored values to a film as displayed, by one table over its distinct values.

The order is the standard's (PS3.3 C.11, PS3.14): modality, VOI, presentation, then inversion, then padding to air. It
is computed in float64 once per distinct stored value, at most 65,536 for 16-bit films, and applied to the pixels by
look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.imaging.header import Tags
from egma.imaging.luts import Float64, read_table
from egma.imaging.voi import Voi, apply_modality, choose_voi
from egma.types import Display, Float32

TOP = 65535.0
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, the luminance that YBR_FULL itself uses (PS3.3 C.7.6.3.1.2)
MAX_LEVELS = 2**22  # distinct values that a table is kept for
STRETCH = 3.0  # how far, in recorded ranges, the display may reach beyond it so that padding shows as air


@dataclass(frozen=True, eq=False)
class Toned:
    """A film as displayed: pixels, the values behind them, and sentences for the reader."""

    pixels: Float32
    display: Display
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Levels:
    """A film's distinct stored values.

    Attributes:
        values: float64 (N,), ascending.
        counts: float64 (N,) pixels of each; 0 for padding.
        padding: bool (N,), which values are padding.
        index: (H, W), for each pixel its place in `values`.
    """

    values: Float64
    counts: Float64
    padding: NDArray[np.bool_]
    index: NDArray[Any]


def tone_film(stored: NDArray[Any], tags: Tags, photometric: str, signed: bool) -> Toned:
    """Apply a header's whole display pipeline to a grey film.

    Args:
        stored: (H, W) stored values, integers or floats.
        tags: the header, as it holds for this frame.
        photometric: MONOCHROME1 or MONOCHROME2.
        signed: whether stored values can be negative.
    """
    levels, warnings = _find_levels(stored, tags, signed)
    modality, said = apply_modality(levels.values, tags, signed)
    warnings += said
    voi = choose_voi(tags, modality, levels.counts)
    warnings += voi.warnings
    brightness, inverted, line = _present(voi.apply(modality), voi, tags, photometric)
    brightness[levels.padding] = 0.0
    shown = brightness.astype(np.float32)
    if line is None:
        values, center, width = np.rint(brightness * TOP), TOP / 2, TOP
    else:
        values, center, width = _spread(modality, levels, line, inverted)
    display = Display(values.astype(np.uint16)[levels.index], center, width, voi.note)
    return Toned(shown[levels.index], display, tuple(warnings))


def mix_luminance(rgb: NDArray[Any]) -> Float32:
    """(H, W, 3 or more), red, green and blue first, to (H, W) luminance in the same units."""
    grey = rgb[..., 0] * np.float32(LUMA[0])
    grey += rgb[..., 1] * np.float32(LUMA[1])
    grey += rgb[..., 2] * np.float32(LUMA[2])
    return grey.astype(np.float32, copy=False)


def _find_levels(stored: NDArray[Any], tags: Tags, signed: bool) -> tuple[Levels, list[str]]:
    """Distinct values, with padding and anything that is not a number left out of the counts."""
    warnings: list[str] = []
    values, index = _index_values(stored)
    counts = np.bincount(index.ravel(), minlength=len(values)).astype(np.float64)
    padding = _find_padding(values, tags, signed)
    strange = ~np.isfinite(values)
    if counts[strange].any():
        warnings.append("Some pixels are not numbers; they are shown as air.")
    values = np.where(strange, 0.0, values)
    padding |= strange
    return Levels(values, np.where(padding, 0.0, counts), padding, index), warnings


def _index_values(stored: NDArray[Any]) -> tuple[Float64, NDArray[Any]]:
    """(distinct values, each pixel's place among them); for wide values of a large film, 4 million even steps."""
    if stored.dtype.kind in "iu":
        low, high = int(stored.min()), int(stored.max())
        if high - low < MAX_LEVELS:
            kind = np.uint16 if high - low < 65536 else np.uint32
            index = (stored.astype(np.int64 if stored.dtype.itemsize > 2 else np.int32) - low).astype(kind)
            return np.arange(low, high + 1, dtype=np.float64), index
    if stored.size <= MAX_LEVELS:
        values, index = np.unique(stored, return_inverse=True)
        return values.astype(np.float64), index.reshape(stored.shape)
    finite = np.isfinite(stored)
    low, high = (
        float(end(stored, where=finite, initial=start)) for end, start in ((np.min, np.inf), (np.max, -np.inf))
    )
    if not low <= high:
        low = high = 0.0
    steps = np.linspace(low, high, MAX_LEVELS)
    scale = (MAX_LEVELS - 1) / (high - low) if high > low else 0.0
    index = np.rint((np.where(finite, stored, low) - low) * scale).astype(np.uint32)
    return np.append(steps, np.nan), np.where(finite, index, np.uint32(MAX_LEVELS))


def _find_padding(values: Float64, tags: Tags, signed: bool) -> NDArray[np.bool_]:
    """Pixel Padding Value, or the range up to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2), in stored values."""
    for prefix in ("", "Float", "DoubleFloat"):
        first = tags.numbers(f"{prefix}PixelPaddingValue")
        if first:
            break
    else:
        return np.zeros(len(values), np.bool_)
    last = tags.numbers(f"{prefix}PixelPaddingRangeLimit") or first
    bits = tags.whole("BitsAllocated", 16) or 16
    ends = [_as_stored(value, bits, signed) if not prefix else value for value in (first[0], last[0])]
    return (values >= min(ends)) & (values <= max(ends))


def _as_stored(value: float, bits: int, signed: bool) -> float:
    """A padding value in the sign of the pixels: some writers give a negative one as unsigned, or the reverse."""
    if signed and value >= 2 ** (bits - 1):
        return value - 2**bits
    return value + 2**bits if not signed and value < 0 else value


def _present(
    brightness: Float64, voi: Voi, tags: Tags, photometric: str
) -> tuple[Float64, bool, tuple[float, float] | None]:
    """Presentation LUT, else one inversion; (brightness, whether inverted, the straight line if it still is one).

    MONOCHROME1 shows its lowest value white. Presentation LUT Shape INVERSE says the same of such a film in the DX
    module (PS3.3 C.8.11.3.1.2), so the two together invert once. A Presentation LUT Sequence gives P-Values, whose 0 is
    black whatever the photometric interpretation.
    """
    items = tags.items("PresentationLUTSequence")
    table = read_table(items[0], signed_input=False) if items else None
    if table is not None:
        steps = np.rint(brightness * (len(table.entries) - 1)) + table.first
        return table.apply(steps) / (2**table.bits - 1), False, None
    if photometric == "MONOCHROME1" or tags.code("PresentationLUTShape") == "INVERSE":
        return 1.0 - brightness, True, voi.line
    return brightness, False, voi.line


def _spread(
    modality: Float64, levels: Levels, line: tuple[float, float], inverted: bool
) -> tuple[Float64, float, float]:
    """The recorded range over 0..65535 and the window in these units: (values, center, width).

    The range is widened where padding would not come out as air through the window, by STRETCH ranges at most.
    """
    recorded = modality[levels.counts > 0] if levels.counts.any() else modality
    low, high = float(recorded.min()), float(recorded.max())
    if levels.padding.any():
        reach = STRETCH * (high - low)
        low, high = (
            (low, min(max(high, line[1]), high + reach)) if inverted else (max(min(low, line[0]), low - reach), high)
        )
    if high <= low:
        low, high = min(low, line[0]), max(high, line[1], low + 1.0)
    scale = TOP / (high - low)
    values = np.clip(np.rint((modality - low) * scale), 0.0, TOP)
    center, width = ((line[0] + line[1]) / 2 - low) * scale, (line[1] - line[0]) * scale
    if width < 1.0:  # a threshold: black up to and with its value
        center, width = center + 0.5, 1.0
    if inverted:
        values, center = TOP - values, TOP - center
    values[levels.padding] = 0.0
    return values, center, width
