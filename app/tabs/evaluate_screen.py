"""What the Evaluate tab shows of a result: its JSON made into tables. No decisions, no files."""

from __future__ import annotations

from typing import Any

from app.panels.evaluation import Cell, EvaluationData, Line, Table
from app.views.wording import as_sentence
from egma.evaluation.result import MACRO, SIGNIFICANT

NO_RESULT = (
    "No result yet. Choose what to measure and press Start; figures come with intervals and the protocol behind them."
)
_MARKED = f"* differs from the first model, p below {SIGNIFICANT:g}; no correction for the number of comparisons."
_CLICK = "Click a figure of a class to see the films behind it, worst first."


def result_screen(values: dict[str, Any] | None, cases: set[tuple[str, str]]) -> EvaluationData:
    """Tables of a result.

    Args:
        values: the result's JSON; None where there is none.
        cases: (model, item) that films are kept of.
    """
    if not values:
        return EvaluationData(empty=NO_RESULT)
    if "figures" not in values:
        return _plain_screen(values)
    data = values["data"]
    facts = [
        f"{data['n']} cases of {data['patients']} patients. Views: {data['views']}.",
        as_sentence(data["rule"]),
        f"List {data['list_sha256'][:12]}; prompts: {values['protocol'].get('prompts', {}).get('name', 'none')}; "
        f"seed {values['protocol'].get('seed', 0)}; {values['protocol'].get('draws', 0)} draws by patient.",
    ]
    marks = {
        (each["second"], each["metric"], each["item"]): f"* p {each['p']:.3f}"
        for each in values["comparisons"]
        if each["significant"]
    }
    tables = [_main_table(values, marks, cases), *_item_tables(values, marks, cases), *_published(values)]
    notes = [*map(as_sentence, values["notes"]), *([_MARKED] if marks else []), *([_CLICK] if cases else [])]
    return EvaluationData(title=f"{data['title']}: {values['task']}", facts=facts, tables=tables, notes=notes)


def figure_cell(row: dict[str, Any] | None, mark: str = "", item: str = "") -> Cell:
    """A figure with its interval, or a dash and why."""
    if row is None:
        return Cell(text="")
    if row["value"] is None:
        return Cell(text="none", why=row.get("reason", ""))
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    return Cell(text=f"{row['value']:.3f}", interval=interval, mark=mark[:1], why=mark, item=item)


def _main_table(values: dict[str, Any], marks: dict[Any, str], cases: set[tuple[str, str]]) -> Table:
    by_place = {(row["model"], row["metric"]): row for row in values["figures"] if row["item"] == MACRO}
    rows = []
    for model in values["models"]:
        name = model["name"]
        item = MACRO if any(each == name for each, _ in cases) else ""
        cells = [
            figure_cell(by_place.get((name, metric)), marks.get((name, metric, MACRO), ""), item)
            for metric in values["main"]
        ]
        note = f"{model['hash'][:8]}, {model['image_px']} px" if model["hash"] else "baseline"
        rows.append(Line(name=name, note=note, model=name, cells=cells))
    return Table(caption="Over all; 95 % intervals", head=["Model", *values["main"]], rows=rows)


def _item_tables(values: dict[str, Any], marks: dict[Any, str], cases: set[tuple[str, str]]) -> list[Table]:
    single = [row for row in values["figures"] if row["item"] != MACRO]
    if not single:
        return []
    metric = next(
        (each for each in values["main"] if any(row["metric"] == each for row in single)), single[0]["metric"]
    )
    names = [model["name"] for model in values["models"]]
    by_place = {(row["model"], row["item"]): row for row in single if row["metric"] == metric}
    items = list(dict.fromkeys(item for _, item in by_place))
    rows = [
        Line(
            name=item,
            cells=[
                figure_cell(
                    by_place.get((name, item)),
                    marks.get((name, metric, item), ""),
                    item if (name, item) in cases else "",
                )
                for name in names
            ],
        )
        for item in items
    ]
    return [Table(caption=f"{metric} by class", head=["Class", *names], models=names, rows=rows)]


def _published(values: dict[str, Any]) -> list[Table]:
    if not values["published"]:
        return []
    rows = [
        Line(
            name=f"{row['model']}: {row['metric']}",
            note=row["source"],
            cells=[Cell(text=f"{row['value']:.3f}"), Cell(text="no" if row["why_not"] else "yes", why=row["why_not"])],
        )
        for row in values["published"]
    ]
    caption = "Published on a list of the same name: not comparable unless it says so"
    return [Table(caption=caption, head=["Figure", "Value", "Comparable"], rows=rows)]


def _plain_screen(values: dict[str, Any]) -> EvaluationData:
    """A result of another shape: every figure that it has, by its place in the JSON."""
    rows = [
        Line(name=" ".join(path).replace("_", " "), note=f"n = {found['n']}", cells=[figure_cell(found)])
        for path, found in walk_figures(values)
    ]
    table = Table(caption="Figures; 95 % intervals", head=["Figure", "Value"], rows=rows)
    title = str(values.get("checkpoint", values.get("task", "Result")))
    return EvaluationData(
        title=title, tables=[table] if rows else [], empty="" if rows else "The result holds no figure."
    )


def walk_figures(values: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Everything of the form {value, low, high, n} and where it stands."""
    if not isinstance(values, dict):
        return []
    if {"value", "low", "high", "n"} <= set(values):
        return [(path, values)]
    return [each for name, inside in values.items() for each in walk_figures(inside, (*path, str(name)))]
