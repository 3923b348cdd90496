"""Results of the suite in a card: which evaluations of the same weights there are, and a table of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from egma.errors import DataError
from egma.evaluation.card_figures import interval
from egma.evaluation.outcome import RESULT_NAME, RESULTS
from egma.evaluation.result import MACRO
from egma.finetune.card import plain

EVALUATIONS = "evaluations"
"""Their place in figures.json."""
ABOUT = "about"
_MOST_BYTES = 16 * 1024 * 1024
_FIGURE = ("value", "low", "high", "n")


def read_results(folder: Path, checkpoint_hash: str) -> dict[str, dict[str, Any]]:
    """Evaluations of a checkpoint that lie below a folder, the newest of each task and data set.

    Args:
        folder: of evaluations: each in a folder of its own, as the page and `--out` keep them.
        checkpoint_hash: of the weights and settings wanted.

    Returns:
        "zeroshot on labels" -> {"about": a sentence, model: {metric: {"value", "low", "high", "n"}}}, models being the
        checkpoint and the baselines.

    Raises:
        DataError: it is no folder.
    """
    if not folder.is_dir():
        raise DataError(f"--results: {folder.name[:60]!r} is no folder; give the one that holds your evaluations")
    found: dict[str, dict[str, Any]] = {}
    for place in sorted(folder.iterdir()):
        for path in (place / RESULT_NAME, place / RESULTS / RESULT_NAME):
            values = _read(path)
            told = _told(values, checkpoint_hash) if values is not None else {}
            if values is not None and told:
                found[f"{values['task']} on {values['data']['set']}"] = told
    return found


def results_part(figures: dict[str, Any]) -> str:
    """A section with a table for each evaluation; "" where there is none."""
    parts = [_table(name, told) for name, told in figures.get(EVALUATIONS, {}).items()]
    if not parts:
        return ""
    return "\n\n".join(["## Evaluations", "Bootstrap 95 % intervals, drawn by patient.", *parts])


def _read(path: Path) -> dict[str, Any] | None:
    """A result of the suite; None where the file is missing, damaged or something else."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    wanted = {"task", "data", "protocol", "models", "main", "figures"}
    return found if isinstance(found, dict) and wanted <= set(found) else None


def _told(values: dict[str, Any], checkpoint_hash: str) -> dict[str, Any]:
    """What a card keeps of a result; {} where it is of other weights, or not as the suite writes it."""
    try:
        own = [each["name"] for each in values["models"] if each["hash"] == checkpoint_hash]
        shown = [*own, *(each["name"] for each in values["models"] if each["kind"] == "baseline")]
        rows = {
            name: {
                row["metric"]: {key: row[key] for key in _FIGURE}
                for row in values["figures"]
                if row["model"] == name and row["item"] == MACRO and row["metric"] in values["main"]
            }
            for name in shown
        }
        return {ABOUT: _about(values), **{name: row for name, row in rows.items() if row}} if own else {}
    except (KeyError, TypeError):
        return {}


def _about(values: dict[str, Any]) -> str:
    data, protocol = values["data"], values["protocol"]
    prompts = (protocol.get("prompts") or {}).get("name", "none")
    return (
        f"{data['n']} cases of {data['patients']} patients; {data['rule']}; views: {data['views']}; list "
        f"{data['list_sha256'][:12]}; prompts: {prompts}; seed {protocol.get('seed', 0)}"
    )


def _table(name: str, told: dict[str, Any]) -> str:
    rows = {model: row for model, row in told.items() if isinstance(row, dict)}
    metrics = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    lines = [f"| | {' | '.join(plain(each) for each in metrics)} |", "|---" * (len(metrics) + 1) + "|"]
    for model, row in rows.items():
        cells = [interval(row[metric]) if metric in row else "" for metric in metrics]
        lines.append(f"| {plain(model)} | {' | '.join(cells)} |")
    return f"### {plain(name)}\n\n{plain(str(told.get(ABOUT, '')), 400)}.\n\n" + "\n".join(lines)
