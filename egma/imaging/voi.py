"""Modality and VOI transformations: from stored values to how bright the maker of a film wants them (PS3.3 C.11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from egma.imaging.header import Tags
from egma.imaging.levels import robust_range
from egma.imaging.luts import Float64, LookupTable, read_table

PERCENTILE_NOTE = "percentiles 0.5 to 99.5"


@dataclass(frozen=True, eq=False)
class Voi:
    """A VOI transformation and where it comes from.

    Attributes:
        apply: modality values to brightness in [0, 1].
        line: (low, high) modality values of black and white where `apply` is a straight line between them, else None.
        note: where it comes from, for a status line.
        warnings: sentences for the reader.
    """

    apply: Callable[[Float64], Float64]
    line: tuple[float, float] | None
    note: str
    warnings: tuple[str, ...] = ()


def apply_modality(stored: Float64, tags: Tags, signed: bool) -> tuple[Float64, list[str]]:
    """Modality LUT Sequence, else Rescale Slope and Intercept (PS3.3 C.11.1).

    Returns:
        Modality values of the stored ones, and sentences for the reader.
    """
    items = tags.items("ModalityLUTSequence")
    if items:
        table = read_table(items[0], signed)
        if table is not None:
            return table.apply(stored), []
        return stored, ["The film's modality table is damaged and was left out; its tones may be wrong."]
    slope, intercept = tags.numbers("RescaleSlope"), tags.numbers("RescaleIntercept")
    gain = slope[0] if slope else 1.0
    if gain == 0.0:
        return stored, ["The film's rescale slope is zero and was left out; its tones may be wrong."]
    return stored * gain + (intercept[0] if intercept else 0.0), []


def choose_voi(tags: Tags, values: Float64, counts: Float64) -> Voi:
    """Choose the transformation to show first.

    A VOI LUT Sequence comes before a window: where a maker gives both, the table is the tone curve the film was meant
    to have and the window an approximation of it. Among several of a kind the first holds, and the note says so.

    Args:
        tags: the header, as it holds for this frame.
        values: (N,) the film's modality values.
        counts: (N,) how many pixels have each, padding left out.
    """
    warnings: list[str] = []
    items = tags.items("VOILUTSequence")
    if items:
        table = read_table(items[0], bool(values.min() < 0))
        if table is not None:
            return _from_table(table, len(items))
        warnings.append("The film's VOI table is damaged and was left out.")
    window = _from_window(tags)
    if window is not None:
        return window if not warnings else Voi(window.apply, window.line, window.note, (*warnings, *window.warnings))
    if tags.raw("WindowCenter") is not None or tags.raw("WindowWidth") is not None:
        warnings.append("The film's window is not valid; percentiles of the film are used instead.")
    low, high = robust_range(values, counts)
    return Voi(lambda x: _line(x, low, high), (low, high), PERCENTILE_NOTE, tuple(warnings))


def _from_table(table: LookupTable, how_many: int) -> Voi:
    """Table entries over their declared range; over their used bits where a vendor declares far too many."""
    warnings: tuple[str, ...] = ()
    bits, top = table.bits, int(table.entries.max())
    if 0 < top < 2**bits // 4:  # two or more bits never used: the film would come out nearly black
        bits = top.bit_length()
        warnings = ("The film's VOI table declares more bits than it uses; it was stretched to the bits it uses.",)
    note = f"VOI table 1 of {how_many} from the file" if how_many > 1 else "VOI table from the file"
    return Voi(lambda x: np.clip(table.apply(x) / (2**bits - 1), 0.0, 1.0), None, note, warnings)


def _from_window(tags: Tags) -> Voi | None:
    """The first window, by its function (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where absent or not valid."""
    centers, widths = tags.numbers("WindowCenter"), tags.numbers("WindowWidth")
    if not centers or not widths:
        return None
    center, width = centers[0], widths[0]
    function = tags.code("VOILUTFunction") or "LINEAR"
    many = min(len(centers), len(widths))
    note = f"window 1 of {many} from the file" if many > 1 else "window from the file"
    warnings: tuple[str, ...] = ()
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        warnings = ("The film asks for an unknown VOI function; its window is applied as LINEAR.",)
    if function == "SIGMOID":
        return Voi(lambda x: _sigmoid(x, center, width), None, f"{note} (SIGMOID)") if width > 0 else None
    if function == "LINEAR_EXACT":
        low, high = center - width / 2, center + width / 2
        return Voi(lambda x: _line(x, low, high), (low, high), f"{note} (LINEAR_EXACT)") if width > 0 else None
    if width < 1:
        return None
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    return Voi(lambda x: _line(x, low, high), (low, high), note, warnings)


def _line(values: Float64, low: float, high: float) -> Float64:
    """0 up to `low`, 1 above `high`, straight between: LINEAR and LINEAR_EXACT differ only in these two ends."""
    if high <= low:  # LINEAR of width 1 is a threshold
        return (values > low).astype(np.float64)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def _sigmoid(values: Float64, center: float, width: float) -> Float64:
    """PS3.3 C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w))."""
    return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700.0, 700.0)))
