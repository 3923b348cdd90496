"""Pictures of a card as PNG bytes: equal figures give equal bytes, and no picture holds a pixel of a patient's film."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.looks import LIGHT, Look, dressed
from egma.types import Float32

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_DPI = 100
_COLOURS = "plasma"
MOST_CASES = 6


@dataclass(frozen=True, eq=False)
class Case:
    """One phrase on one film, for a picture.

    Attributes:
        title: the words above it.
        cosine: float32 (H, W), the map; NaN where the model saw nothing.
        peak_xy_px: its strongest patch.
        display_range: (low, high) cosine that colours run over.
        inside: bool (H, W), where the finding is.
        pixels: float32 (H, W), the film; None where it may not be shown.
    """

    title: str
    cosine: Float32
    peak_xy_px: tuple[float, float]
    display_range: tuple[float, float]
    inside: NDArray[np.bool_]
    pixels: Float32 | None = None


def draw_reliability(bins: Sequence[dict[str, Any]], look: Look = LIGHT) -> bytes:
    """Frequency against probability; each point says how many answers it stands on.

    Args:
        bins: as figures.json has them: "probability", "value", "low", "high", "n".
        look: for light or dark pages.
    """
    with dressed(look):
        canvas, axes = _canvas(5.2, 4.6)
        _draw_bins(axes, bins, look)
        return _png(canvas)


def _draw_bins(axes: Axes, bins: Sequence[dict[str, Any]], look: Look) -> None:
    axes.plot((0, 1), (0, 1), color=look.faint, linewidth=1, linestyle="--")
    x = [each["probability"] for each in bins]
    y = [each["value"] for each in bins]
    reach = [[each["value"] - each["low"] for each in bins], [each["high"] - each["value"] for each in bins]]
    axes.errorbar(
        x, y, yerr=reach, fmt="o", color=look.accent, ecolor=look.accent, elinewidth=1, capsize=3, markersize=5
    )
    for each in bins:
        axes.annotate(
            f"{each['n']}",
            (each["probability"], each["value"]),
            xytext=(7, -12),
            textcoords="offset points",
            fontsize=7,
        )
    top = min(1.0, max([*(each["high"] for each in bins), *x, 0.2]) + 0.05)
    axes.set(xlim=(-0.02, top), ylim=(-0.02, top), xlabel="probability the model gave", ylabel="share that had it")
    axes.set_title("Test films, all findings together (number of answers)", fontsize=9)


def draw_cases(cases: Sequence[Case], look: Look = LIGHT) -> bytes:
    """Up to six films, each with its map, the finding's outline and the strongest patch."""
    with dressed(look):
        return _draw_page(cases)


def _draw_page(cases: Sequence[Case]) -> bytes:
    shown = list(cases)[:MOST_CASES]
    from matplotlib.figure import Figure

    columns = min(3, max(1, len(shown)))
    rows = -(-len(shown) // columns) or 1
    canvas = Figure(figsize=(3.1 * columns, 3.4 * rows), dpi=_DPI)
    for place, case in enumerate(shown):
        _draw_case(canvas.add_subplot(rows, columns, place + 1), case)
    canvas.tight_layout()
    return _png(canvas)


def draw_panels(
    panels: Sequence[tuple[str, Sequence[tuple[str, dict[str, Any]]], float | None]], look: Look = LIGHT
) -> bytes:
    """Side by side, figures with their intervals a row, dashed where a guess stands; rows named once."""
    with dressed(look):
        return _draw_panels(panels, look)


def _draw_panels(panels: Sequence[tuple[str, Sequence[tuple[str, dict[str, Any]]], float | None]], look: Look) -> bytes:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(3.6 * len(panels) + 1.2, 1.0 + 0.38 * max(len(rows) for _, rows, _ in panels)), dpi=_DPI)
    for place, (title, rows, baseline) in enumerate(panels):
        axes = canvas.add_subplot(1, len(panels), place + 1)
        _draw_rows(axes, title, rows, baseline, look)
        if place:
            axes.set_yticklabels([])
    canvas.tight_layout()
    return _png(canvas)


def _draw_rows(
    axes: Axes, title: str, rows: Sequence[tuple[str, dict[str, Any]]], baseline: float | None, look: Look
) -> None:
    for place, (_, figure) in enumerate(rows):
        axes.plot(figure["value"], place, "o", color=look.accent, markersize=5)
        if figure["low"] is not None:
            axes.plot((figure["low"], figure["high"]), (place, place), color=look.accent, linewidth=1.5)
    if baseline is not None:
        axes.axvline(baseline, color=look.faint, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontsize=9)
    axes.grid(axis="x", color=look.grid, linewidth=0.6)


def _draw_case(axes: Axes, case: Case) -> None:
    low, high = case.display_range
    if case.pixels is not None:
        axes.imshow(case.pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    drawn = np.ma.masked_invalid(case.cosine)
    opacity = 1.0 if case.pixels is None else np.clip((np.nan_to_num(case.cosine) - low) / (high - low), 0, 1) * 0.6
    axes.imshow(drawn, cmap=_COLOURS, vmin=low, vmax=high, alpha=opacity, interpolation="nearest")
    if case.inside.any() and not case.inside.all():
        axes.contour(case.inside.astype(float), levels=[0.5], colors="#3ddc84", linewidths=1.2)
    axes.plot(*case.peak_xy_px, marker="x", color="white", markersize=8, markeredgewidth=2)
    axes.set_title(case.title, fontsize=7, wrap=True)
    axes.set_axis_off()


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(width, height), dpi=_DPI, layout="tight")
    return canvas, canvas.add_subplot()


def _png(canvas: Canvas) -> bytes:
    """Without the time and the library's name, so that the same figures give the same file."""
    stream = io.BytesIO()
    canvas.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()
