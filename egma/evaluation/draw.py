"""Pictures of a result as PNG: ROC curves with bands, reliability, bars by finding, the gaze-share curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.classification import roc_points
from egma.evaluation.scores import Scores, Table
from egma.evaluation.sets.films import PRESENT, UNKNOWN

COLOURS = ("#1f6fb2", "#c25a12", "#3a8f5c", "#8a4fa3", "#a3352f", "#6b6b6b")
"""Told apart by a reader who sees no red and green, too."""
_BINS = 10
_BAND_DRAWS = 200
_MOST_PANELS = 16
Picture = Callable[[Path], None]


def curve_pictures(table: Table, scores: Sequence[Scores]) -> tuple[Picture, ...]:
    """roc.png and reliability.png of these models."""
    return (
        lambda folder: draw_roc(folder / "roc.png", table, scores),
        lambda folder: draw_reliability(folder / "reliability.png", table, scores),
    )


def draw_roc(path: Path, table: Table, scores: Sequence[Scores]) -> None:
    """A panel a class that is judged; the band holds 95 % of draws."""
    columns = table.judged[:_MOST_PANELS]
    if not columns:
        return
    figure, panels = _panels(len(columns))
    for panel, column in zip(panels, columns):
        panel.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
        for colour, each in zip(COLOURS, scores):
            _draw_curve(panel, table, each, column, colour)
        panel.set_title(table.found.classes[column], fontsize=9)
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1.01)
        panel.set_aspect("equal")
    _finish(figure, path, "False positive rate", "True positive rate", [each.model for each in scores])


def draw_reliability(path: Path, table: Table, scores: Sequence[Scores]) -> None:
    """How often a finding was there, by the probability that was said; all judged classes together."""
    figure, (panel, *_) = _panels(1)
    panel.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    for colour, each in zip(COLOURS, scores):
        values, present = each.values[:, table.judged], table.truth[:, table.judged] == PRESENT
        known = (table.truth[:, table.judged] != UNKNOWN) & np.isfinite(values)
        said, there = values[known], present[known]
        places = np.minimum((said * _BINS).astype(int), _BINS - 1)
        bins = [k for k in range(_BINS) if (places == k).any()]
        panel.plot(
            [said[places == k].mean() for k in bins],
            [there[places == k].mean() for k in bins],
            marker="o",
            markersize=4,
            color=colour,
        )
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    _finish(figure, path, "Probability said", "Share of films with the finding", [each.model for each in scores])


def draw_bars(
    path: Path, items: Sequence[str], rows: Mapping[str, Sequence[tuple[float, float, float]]], what: str
) -> None:
    """(value, low, high) of each item, a colour a model."""
    figure, (panel, *_) = _panels(1, (max(5.0, 0.55 * len(items) * max(1, len(rows))), 4.0))
    width = 0.8 / max(1, len(rows))
    for place, (colour, (_, values)) in enumerate(zip(COLOURS, rows.items())):
        numbers = np.array([[np.nan if each is None else each for each in row] for row in values], float)
        at = np.arange(len(items)) + (place - (len(rows) - 1) / 2) * width
        spread = np.nan_to_num(np.abs(numbers[:, 1:] - numbers[:, :1])).T
        panel.bar(at, numbers[:, 0], width, color=colour, yerr=spread, error_kw={"linewidth": 0.8})
    panel.set_xticks(np.arange(len(items)), items, rotation=40, ha="right", fontsize=8)
    panel.axhline(0, color="#666666", linewidth=0.6)
    _finish(figure, path, "", what, list(rows))


def draw_shares(path: Path, rows: Mapping[str, Sequence[tuple[float, float]]], what: str) -> None:
    """A curve over the share of gaze in percent, a colour a source; points at (share, value)."""
    figure, (panel, *_) = _panels(1)
    for colour, (_, points) in zip(COLOURS, rows.items()):
        shares = sorted({share for share, _ in points})
        means = [np.mean([value for share, value in points if share == each]) for each in shares]
        panel.plot(shares, means, color=colour)
        panel.scatter(*zip(*points), color=colour, s=14)
    panel.set_xlim(-2, 102)
    _finish(figure, path, "Share of studies with gaze, percent", what, list(rows))


def _draw_curve(panel: Any, table: Table, scores: Scores, column: int, colour: str) -> None:
    known = (table.truth[:, column] != UNKNOWN) & np.isfinite(scores.values[:, column])
    present = table.truth[:, column] == PRESENT
    if not known.any() or present[known].all() or not present[known].any():
        return
    panel.plot(*roc_points(present[known], scores.values[known, column]), color=colour, linewidth=1.4)
    at = np.linspace(0, 1, 51)
    drawn: list[NDArray[np.float64]] = []
    for places in table.draws[:_BAND_DRAWS]:
        kept = places[known[places]]
        if present[kept].any() and not present[kept].all():
            drawn.append(np.interp(at, *roc_points(present[kept], scores.values[kept, column])))
    if drawn:
        panel.fill_between(at, *np.percentile(drawn, (2.5, 97.5), axis=0), color=colour, alpha=0.15, linewidth=0)


def _panels(count: int, size: tuple[float, float] | None = None) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure as Drawing

    wide = min(4, count)
    high = -(-count // wide)
    drawing = Drawing(figsize=size or ((4.6, 4.4) if count == 1 else (2.7 * wide, 2.8 * high)), dpi=110)
    panels = drawing.subplots(high, wide, squeeze=False).ravel().tolist()
    for panel in panels[count:]:
        panel.axis("off")
    for panel in panels[:count]:
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    return drawing, panels


def _finish(drawing: Any, path: Path, below: str, beside: str, models: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, label=model) for colour, model in zip(COLOURS, models)]
    drawing.supxlabel(below, fontsize=9)
    drawing.supylabel(beside, fontsize=9)
    drawing.legend(handles=handles, loc="outside upper center", ncols=min(3, len(handles)), fontsize=8, frameon=False)
    drawing.set_layout_engine("constrained")
    drawing.savefig(path, metadata={"Software": None})
