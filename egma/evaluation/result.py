"""A task's figures with all that is needed to repeat them, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egma import __version__
from egma.cells import safe_cell
from egma.evaluation.classification import Difference
from egma.evaluation.intervals import Figure
from egma.evaluation.outcome import TaskResult, finite

MACRO = "all"
"""The item of a figure over all classes."""
DIGITS = 6
FILMS_NAME = "films.json"
"""Where each film of a result lies, seen from the result's own folder."""
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class ModelFacts:
    """What answered: a checkpoint by its hash, or a baseline by how it answers."""

    name: str
    kind: str
    hash: str = ""
    image_px: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One number: a model's figure of one metric on one item (a class, or all); or the reason why there is none."""

    model: str
    metric: str
    item: str
    figure: Figure
    reason: str = ""
    digits: int = DIGITS


@dataclass(frozen=True)
class Comparison:
    """A second model against the first on the same films."""

    metric: str
    item: str
    first: str
    second: str
    difference: Difference


@dataclass(frozen=True)
class Case:
    """What a model did on one film, for whoever wants to see it: the worse, the higher `badness`."""

    model: str
    item: str
    film: str
    truth: str
    answer: str
    badness: float
    phrase: str = ""


@dataclass(frozen=True)
class ListFacts:
    """The list of films behind the figures."""

    name: str
    title: str
    sha256: str
    n: int
    patients: int
    view_filter: str
    rule: str


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All of a task's outcome.

    Attributes:
        task: its name.
        data: the list.
        protocol: prompts, seeds, thresholds and definitions, plain JSON values.
        models, entries, comparisons: in the order of the table.
        cases: written only into the user's own folder.
        root: the data set's folder, for the gallery; never written anywhere.
        main: the metrics that the first table has as columns.
        pictures: draw figures into a folder.
        notes: sentences a reader should see.
    """

    task: str
    data: ListFacts
    protocol: dict[str, Any]
    models: tuple[ModelFacts, ...]
    entries: tuple[Entry, ...]
    main: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    cases: tuple[Case, ...] = ()
    films: dict[str, Path] = field(default_factory=dict)
    pictures: tuple[Callable[[Path], None], ...] = ()
    notes: tuple[str, ...] = ()

    def as_result(self) -> TaskResult:
        """For the command line and the page."""
        from egma.evaluation.published import published_rows

        published = published_rows(self.task, self.data.name, self.data.sha256)
        return TaskResult(_as_json(self, published), as_markdown(self, published), self._save_more)

    def _save_more(self, folder: Path) -> None:
        (folder / "figures.csv").write_text(_as_csv(self), encoding="utf-8", newline="")
        if self.cases:
            (folder / "cases.csv").write_text(_cases_csv(self.cases), encoding="utf-8", newline="")
        for draw in self.pictures:
            draw(folder)
        if self.films:
            found = {name: os.path.relpath(path, folder) for name, path in sorted(self.films.items())}
            (folder / FILMS_NAME).write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
        if self.cases and self.films:
            from egma.evaluation.gallery import draw_gallery

            draw_gallery(folder, self.cases, self.films)


def _as_json(found: Evaluation, published: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "task": found.task,
        "egma": __version__,
        "data": {
            "set": found.data.name,
            "title": found.data.title,
            "list_sha256": found.data.sha256,
            "n": found.data.n,
            "patients": found.data.patients,
            "views": found.data.view_filter,
            "rule": found.data.rule,
        },
        "protocol": found.protocol,
        "models": [
            {"name": model.name, "kind": model.kind, "hash": model.hash, "image_px": model.image_px, "note": model.note}
            for model in found.models
        ],
        "main": list(found.main),
        "figures": [_entry_json(entry) for entry in found.entries],
        "comparisons": [_comparison_json(each) for each in found.comparisons],
        "published": published,
        "notes": list(found.notes),
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    plain: dict[str, Any] = {"model": entry.model, "metric": entry.metric, "item": entry.item}
    plain |= figure_json(entry.figure, entry.digits)
    return plain | {"reason": entry.reason} if entry.reason else plain


def figure_json(figure: Figure, digits: int = DIGITS) -> dict[str, Any]:
    """value, low, high and n; None where there is none."""
    numbers = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: _rounded(value, digits) for name, value in numbers.items()} | {"n": figure.n}


def _rounded(value: float, digits: int) -> float | None:
    number = finite(value)
    return None if number is None else round(number, digits)


def _comparison_json(each: Comparison) -> dict[str, Any]:
    difference = each.difference
    return {
        "metric": each.metric,
        "item": each.item,
        "first": each.first,
        "second": each.second,
        **figure_json(difference.figure),
        "p": None if difference.p is None else round(difference.p, DIGITS),
        "significant": difference.p is not None and difference.p < SIGNIFICANT,
        "method": difference.method,
    }


def as_markdown(found: Evaluation, published: Sequence[dict[str, Any]]) -> str:
    """A table of the main metrics, one of the items, comparisons, published figures and the protocol."""
    parts = [f"## {found.data.title}: {found.task}", _list_line(found), _main_table(found)]
    items = list(dict.fromkeys(entry.item for entry in found.entries if entry.item != MACRO))
    if items:
        parts.append(_item_table(found, items))
    if found.comparisons:
        parts.append(_comparison_table(found.comparisons))
    if published:
        parts.append(_published_table(published))
    parts += ["\n".join(f"- {note}" for note in found.notes)] if found.notes else []
    return "\n\n".join(parts)


def _list_line(found: Evaluation) -> str:
    data = found.data
    return (
        f"{data.n} cases of {data.patients} patients; views: {data.view_filter}; {data.rule}; "
        f"list `{data.sha256[:12]}`; prompts: {found.protocol.get('prompts', {}).get('name', 'none')}."
    )


def _main_table(found: Evaluation) -> str:
    by_place = {(entry.model, entry.metric, entry.item): entry for entry in found.entries}
    rows = ["| Model | " + " | ".join(found.main) + " |", "|---" * (len(found.main) + 1) + "|"]
    for model in found.models:
        cells = [show(by_place.get((model.name, metric, MACRO))) for metric in found.main]
        rows.append(f"| {model.name}{_short(model)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _item_table(found: Evaluation, items: list[str]) -> str:
    metric = found.main[0] if any(e.metric == found.main[0] and e.item != MACRO for e in found.entries) else ""
    metric = metric or next(entry.metric for entry in found.entries if entry.item != MACRO)
    by_place = {(entry.model, entry.item): entry for entry in found.entries if entry.metric == metric}
    rows = [f"| {metric} | " + " | ".join(model.name for model in found.models) + " |"]
    rows.append("|---" * (len(found.models) + 1) + "|")
    for item in items:
        cells = [show(by_place.get((model.name, item))) for model in found.models]
        if any(cells):
            rows.append(f"| {item} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    rows = ["| Against the first | Metric | Difference | p | By |", "|---|---|---|---|---|"]
    for each in comparisons:
        if each.item == MACRO:
            p = "none" if each.difference.p is None else f"{each.difference.p:.3f}"
            rows.append(
                f"| {each.second} - {each.first} | {each.metric} | {show_figure(each.difference.figure)} | {p} "
                f"| {each.difference.method} |"
            )
    return "\n".join(rows)


def _published_table(published: Sequence[dict[str, Any]]) -> str:
    rows = ["| Published | Metric | Value | Comparable |", "|---|---|---|---|"]
    for row in published:
        rows.append(
            f"| {row['model']} ({row['source']}) | {row['metric']} | {row['value']} | {row['why_not'] or 'yes'} |"
        )
    return "\n".join(rows)


def show(entry: Entry | None) -> str:
    """A cell of a table: 0.712 (0.68 to 0.75), or why it is empty."""
    if entry is None:
        return ""
    return show_figure(entry.figure) if finite(entry.figure.value) is not None else entry.reason or "none"


def show_figure(figure: Figure) -> str:
    """0.712 (0.680 to 0.750)."""
    if finite(figure.value) is None:
        return "none"
    if finite(figure.low) is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _short(model: ModelFacts) -> str:
    return f" `{model.hash[:8]}`" if model.hash else ""


def _as_csv(found: Evaluation) -> str:
    heads = (
        "task",
        "set",
        "list_sha256",
        "model",
        "model_hash",
        "metric",
        "item",
        "value",
        "low",
        "high",
        "n",
        "reason",
    )
    hashes = {model.name: model.hash for model in found.models}
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(heads)
    for entry in found.entries:
        figure = figure_json(entry.figure)
        about = (found.task, found.data.name, found.data.sha256, entry.model, hashes.get(entry.model, ""))
        numbers = ("" if figure[name] is None else figure[name] for name in ("value", "low", "high", "n"))
        writer.writerow(
            [*map(safe_cell, about), safe_cell(entry.metric), safe_cell(entry.item), *numbers, entry.reason]
        )
    return stream.getvalue()


def _cases_csv(cases: Sequence[Case]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["model", "item", "film", "truth", "answer", "badness", "phrase"])
    for case in cases:
        words = (case.model, case.item, case.film, case.truth, case.answer)
        writer.writerow([*map(safe_cell, words), round(case.badness, DIGITS), safe_cell(case.phrase)])
    return stream.getvalue()
