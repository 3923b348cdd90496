"""`evaluate gaze_share`: the curve over the share of studies with gaze, from ablations, beside the published one."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from egma.evaluation.outcome import TaskResult

NAME = "gaze_share"
HELP = "the curve over the share of gaze, from a checkpoint's ablations, beside the published one"
_FILE = "ablations.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the ablations are."""
    parser.add_argument("--ablations", type=Path, metavar="FILE", help="JSON rows with share, value and seed")
    parser.add_argument("--metric", metavar="NAME", help="which measure of the rows, where they have several")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Means over seeds at each share."""
    from egma.checkpoints import find_checkpoint
    from egma.evaluation.draw import draw_shares
    from egma.evaluation.published import published_rows

    path = arguments.ablations or find_checkpoint(arguments.checkpoint.split(",")[0]) / _FILE
    points, metric = read_points(path, arguments.metric)
    published = published_rows(NAME, "chexpert-5x200", "")
    theirs = [(float(row["metric"].split()[2]), float(row["value"])) for row in published]
    shares = sorted({share for share, _ in points})
    rows = [{"share": share, "values": [value for each, value in points if each == share]} for share in shares]
    values = {"task": NAME, "metric": metric, "shares": rows, "published": published}
    text = [f"| Share of gaze | {metric} | Runs |", "|---|---|---|"]
    text += [
        f"| {row['share']:g} % | {sum(row['values']) / len(row['values']):.4f} | {len(row['values'])} |" for row in rows
    ]
    text += ["", "Published beside it: accuracy on CheXpert-5x200, another measure on another list; not comparable."]

    def draw(folder: Path) -> None:
        draw_shares(folder / "gaze_share.png", {metric: points, "EGMA paper: 5x200 accuracy": theirs}, "Value")

    return TaskResult(values, "\n".join(text), draw)


def read_points(path: Path, metric: str | None) -> tuple[list[tuple[float, float]], str]:
    """(share in percent, value) of every run, and the measure's name.

    The file is what `egma.finetune.mini.ablation` writes, a list of rows, or an object that has one under
    "gaze_share" or "rows". A row has `share` (percent, or
    a fraction up to 1) and either `value`, or numbers by name of which `metric` chooses one.
    """
    from egma.errors import DataError

    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(f"no ablations were found: wanted {path.name}; name a file with --ablations") from None
    except ValueError:
        raise DataError(f"{path.name} is no JSON that can be read; write it again") from None
    if isinstance(content, dict) and isinstance(content.get("arms"), list):
        return _read_arms(content["arms"], metric or "pointing", path.name)
    rows = content.get("gaze_share", content.get("rows")) if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{path.name}: wanted a list of rows with share and value, or one under 'gaze_share'")
    points, name = [], metric or "value"
    for number, row in enumerate(rows, start=1):
        share, value = _number(row, "share"), _number(row, name)
        if share is None or value is None:
            raise DataError(f"{path.name}, row {number}: wanted numbers called 'share' and {name!r}; see --metric")
        points.append((share, value))
    if max(share for share, _ in points) <= 1:
        points = [(100 * share, value) for share, value in points]
    return points, name


def _read_arms(arms: list[Any], metric: str, file: str) -> tuple[list[tuple[float, float]], str]:
    """The arms of `egma.finetune.mini.ablation` that train with both gaze terms: a point a seed, or one an arm."""
    from egma.errors import DataError

    points: list[tuple[float, float]] = []
    for arm in (arm for arm in arms if isinstance(arm, dict) and arm.get("egf") and arm.get("egm")):
        share, seeds = _number(arm, "gaze_share"), arm.get(f"seed_{metric}")
        values = seeds if isinstance(seeds, list) else [_number(arm, metric)]
        points += [(100 * share, float(value)) for value in values if share is not None and value is not None]
    if not points:
        raise DataError(f"{file}: no arm with both gaze terms has a share and {metric!r}; see --metric")
    return sorted(points), metric


def _number(row: Any, name: str) -> float | None:
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)
