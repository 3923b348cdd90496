"""What the Evaluate tab shows of a result: its JSON made into tables. No decisions, no files."""

from __future__ import annotations

from typing import Any

from app.panels.evaluation import Cell, EvaluationData, Line, Table
from app.tabs.evaluate_form import TASKS
from app.views.wording import as_sentence
from egma.evaluation.result import MACRO, SIGNIFICANT

NO_RESULT = (
    "No result yet. Choose what to measure and press Start; figures come with intervals and the protocol behind them."
)
_MARKED = f"* differs from the first model, p below {SIGNIFICANT:g}; no correction for the number of comparisons."
_CLICK = "An underlined figure opens the films behind it, worst first."
_SMALLER_IS_BETTER = ("ECE",)
_COMMON_TERMS = ("all", "interval")


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
    marks = {
        (each["second"], each["metric"], each["item"]): "*" for each in values["comparisons"] if each["significant"]
    }
    tables = [_main_table(values, marks, cases), *_item_tables(values, marks, cases)]
    tables += [*_published(values), *_differences(values)]
    notes = [*([_CLICK] if cases else []), *([_MARKED] if marks else []), *map(as_sentence, values["notes"])]
    return EvaluationData(
        title=f"{_task_name(values['task'])} on {values['data']['title']}",
        facts=_facts(values),
        tables=tables,
        notes=notes,
        terms=_terms(values),
    )


def figure_cell(row: dict[str, Any] | None, mark: str = "", item: str = "") -> Cell:
    """A figure with its interval, or "none" and why."""
    if row is None:
        return Cell(text="")
    if row["value"] is None:
        return Cell(text="none", note=row.get("reason", ""))
    return Cell(text=f"{row['value']:.3f}", interval=_interval(row), mark=mark, item=item)


def _interval(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"


def _task_name(task: str) -> str:
    """The task in words; where the list has it in several ways, without the way."""
    names = {key: words.split(":")[0] for words, key in TASKS}
    several = any(key.startswith(f"{task} ") for key in names)
    return names.get(task, task).split(",")[0] if several else names.get(task, task)


def _facts(values: dict[str, Any]) -> list[list[str]]:
    """What every figure of the result stands on."""
    data, protocol = values["data"], values["protocol"]
    return [
        ["Cases", f"{data['n']:,} of {data['patients']:,} patients; views: {data['views']}"],
        ["List", f"{data['rule']}; SHA-256 {data['list_sha256'][:12]}"],
        ["Prompts", str(protocol.get("prompts", {}).get("name", "none"))],
        ["Interval", f"95 %, {protocol.get('draws', 0):,} draws by patient, seed {protocol.get('seed', 0)}"],
    ]


def _terms(values: dict[str, Any]) -> list[list[str]]:
    """The definitions of what the tables name."""
    told = values["protocol"].get("definitions", {})
    shown = [*values["main"], *_COMMON_TERMS]
    return [[name, as_sentence(str(told[name]))] for name in shown if name in told]


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
    head = ["Model", *(f"{each}, less is better" if each in _SMALLER_IS_BETTER else each for each in values["main"])]
    return Table(caption="Over all classes, with 95 % intervals", head=head, rows=rows)


def _item_tables(values: dict[str, Any], marks: dict[Any, str], cases: set[tuple[str, str]]) -> list[Table]:
    single = [row for row in values["figures"] if row["item"] != MACRO]
    if not single:
        return []
    metric = next(
        (each for each in values["main"] if any(row["metric"] == each for row in single)), single[0]["metric"]
    )
    names = [model["name"] for model in values["models"]]
    by_place = {(row["model"], row["item"]): row for row in single if row["metric"] == metric}
    rows = []
    for item in dict.fromkeys(item for _, item in by_place):
        found = [(name, by_place.get((name, item))) for name in names]
        cells = [
            figure_cell(row, marks.get((name, metric, item), ""), item if (name, item) in cases else "")
            for name, row in found
        ]
        counts = {row["n"] for _, row in found if row is not None}
        note = f"n = {counts.pop():,}" if len(counts) == 1 else ""
        rows.append(Line(name=item, note=note, cells=cells))
    return [Table(caption=f"{metric} by class, with 95 % intervals", head=["Class", *names], models=names, rows=rows)]


def _differences(values: dict[str, Any]) -> list[Table]:
    """Every comparison with the first model, with its test."""
    rows = [
        Line(
            name=f"{each['second']}: {each['metric']}" + ("" if each["item"] == MACRO else f", {each['item']}"),
            note=each["method"],
            cells=[
                Cell(text="none") if each["value"] is None else _difference_cell(each),
                Cell(text="none" if each["p"] is None else _p_value(each["p"])),
            ],
        )
        for each in values["comparisons"]
    ]
    if not rows:
        return []
    first = values["comparisons"][0]["first"]
    caption = f"Differences from {first}, paired on the same films ({len(rows)})"
    return [Table(caption=caption, head=["Model and figure", "Difference", "p"], rows=rows, folded=True)]


def _difference_cell(row: dict[str, Any]) -> Cell:
    return Cell(
        text=f"{row['value']:+.3f}".replace("-", "\N{MINUS SIGN}"),
        interval=_interval(row).replace("-", "\N{MINUS SIGN}"),
        mark="*" if row["significant"] else "",
    )


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _published(values: dict[str, Any]) -> list[Table]:
    if not values["published"]:
        return []
    rows = [
        Line(
            name=f"{row['model']}: {row['metric']}",
            note=row["source"],
            cells=[
                Cell(text=f"{row['value']:.3f}"),
                Cell(text="not comparable" if row["why_not"] else "yes", note=row["why_not"]),
            ],
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
    table = Table(caption="Figures, with 95 % intervals", head=["Figure", "Value"], rows=rows)
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
