"""Pictures of a result as PNG, in two looks: ROC curves with bands, reliability, bars by finding, gaze-share curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.classification import roc_points
from egma.evaluation.looks import DARK, LIGHT, Look, dark_name, dressed
from egma.evaluation.scores import Scores, Table
from egma.evaluation.sets.films import PRESENT, UNKNOWN

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

    def draw(look: Look) -> Any:
        figure, panels = _panels(len(columns))
        for panel, column in zip(panels, columns):
            panel.plot([0, 1], [0, 1], color=look.faint, linewidth=0.8, linestyle=":")
            for colour, each in zip(look.colours, scores):
                _draw_curve(panel, table, each, column, colour)
            panel.set_title(table.found.classes[column], fontsize=9)
            panel.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
        return figure

    _finish(draw, path, "False positive rate", "True positive rate", [each.model for each in scores])


def draw_reliability(path: Path, table: Table, scores: Sequence[Scores]) -> None:
    """How often a finding was there, by the probability that was said; all judged classes together."""
    lines = [_reliability_line(table, each) for each in scores]

    def draw(look: Look) -> Any:
        figure, (panel, *_) = _panels(1)
        panel.plot([0, 1], [0, 1], color=look.faint, linewidth=0.8, linestyle=":")
        for colour, (said, there) in zip(look.colours, lines):
            panel.plot(said, there, marker="o", markersize=4, color=colour)
        panel.set(xlim=(0, 1), ylim=(0, 1))
        return figure

    _finish(draw, path, "Probability said", "Share of films with the finding", [each.model for each in scores])


def _reliability_line(table: Table, scores: Scores) -> tuple[list[float], list[float]]:
    """Mean probability and share present of each tenth that holds any answer."""
    values, present = scores.values[:, table.judged], table.truth[:, table.judged] == PRESENT
    known = (table.truth[:, table.judged] != UNKNOWN) & np.isfinite(values)
    said, there = values[known], present[known]
    places = np.minimum((said * _BINS).astype(int), _BINS - 1)
    kept = [places == k for k in range(_BINS) if (places == k).any()]
    return [float(said[each].mean()) for each in kept], [float(there[each].mean()) for each in kept]


def draw_bars(
    path: Path, items: Sequence[str], rows: Mapping[str, Sequence[tuple[float, float, float]]], what: str
) -> None:
    """(value, low, high) of each item, a colour a model."""
    width = 0.8 / max(1, len(rows))

    def draw(look: Look) -> Any:
        figure, (panel, *_) = _panels(1, (max(5.0, 0.55 * len(items) * max(1, len(rows))), 4.0))
        error = {"linewidth": 0.8, "ecolor": look.ink}
        for place, (colour, (_, values)) in enumerate(zip(look.colours, rows.items())):
            numbers = np.array([[np.nan if each is None else each for each in row] for row in values], float)
            at = np.arange(len(items)) + (place - (len(rows) - 1) / 2) * width
            spread = np.nan_to_num(np.abs(numbers[:, 1:] - numbers[:, :1])).T
            panel.bar(at, numbers[:, 0], width, color=colour, yerr=spread, error_kw=error)
        panel.set_xticks(np.arange(len(items)), items, rotation=40, ha="right", fontsize=8)
        panel.axhline(0, color=look.faint, linewidth=0.6)
        return figure

    _finish(draw, path, "", what, list(rows))


def draw_shares(path: Path, rows: Mapping[str, Sequence[tuple[float, float]]], what: str) -> None:
    """A curve over the share of gaze in percent, a colour a source; points at (share, value)."""

    def draw(look: Look) -> Any:
        figure, (panel, *_) = _panels(1)
        for colour, (_, points) in zip(look.colours, rows.items()):
            shares = sorted({share for share, _ in points})
            means = [np.mean([value for share, value in points if share == each]) for each in shares]
            panel.plot(shares, means, color=colour)
            panel.scatter(*zip(*points), color=colour, s=14)
        panel.set_xlim(-2, 102)
        return figure

    _finish(draw, path, "Share of studies with gaze, percent", what, list(rows))


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


def _finish(draw: Callable[[Look], Any], path: Path, below: str, beside: str, models: Sequence[str]) -> None:
    """The drawing as a PNG in both looks, with its axes named and a legend of the models."""
    from matplotlib.lines import Line2D

    for look, target in ((LIGHT, path), (DARK, path.with_name(dark_name(path.name)))):
        with dressed(look):
            drawing = draw(look)
            handles = [Line2D([], [], color=colour, label=model) for colour, model in zip(look.colours, models)]
            drawing.supxlabel(below, fontsize=9)
            drawing.supylabel(beside, fontsize=9)
            columns = min(3, len(handles))
            drawing.legend(handles=handles, loc="outside upper center", ncols=columns, fontsize=8, frameon=False)
            drawing.set_layout_engine("constrained")
            drawing.savefig(target, metadata={"Software": None})
