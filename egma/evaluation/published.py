"""Figures that papers publish on the same data sets, to stand beside ours and to say that they cannot be compared."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

_NO_LIST = "no: the source does not name its list of films by a hash"
_OTHER_LIST = "no: the list of films is another one"


@cache
def load_published() -> tuple[dict[str, Any], ...]:
    """Every row of published.json: task, set, metric, model, value, source, and list_sha256 where it is known."""
    return tuple(json.loads(resources.files("egma.evaluation").joinpath("published.json").read_text(encoding="utf-8")))


def published_rows(task: str, name: str, list_sha256: str) -> list[dict[str, Any]]:
    """Rows for a task on a data set; `why_not` says why a row cannot be compared, "" where its list is the same."""
    rows = [row for row in load_published() if row["task"] == task and row["set"] == name]
    return [row | {"why_not": _why_not(row.get("list_sha256"), list_sha256)} for row in rows]


def _why_not(theirs: str | None, ours: str) -> str:
    if theirs is None:
        return _NO_LIST
    return "" if theirs == ours else _OTHER_LIST
