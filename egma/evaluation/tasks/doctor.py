"""`evaluate doctor`: which data sets and helpers were found, what is missing, and where one applies for it."""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path
from shutil import which
from typing import Any

from egma.evaluation.outcome import TaskResult

NAME = "doctor"
HELP = "which data sets were found, what is missing and where one applies for it"

_HELPERS = {
    "torchxrayvision": "classifiers to compare with, Open-i reports",
    "pycocoevalcap": "METEOR: its jar; pip install pycocoevalcap",
    "radgraph": "RadGraph F1 of reports; pip install radgraph",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The doctor has no options of its own; `--data` says where to look."""
    parser.set_defaults(checkpoint="")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Look into `--data` and the folders directly under it, without reading a film."""
    from egma.evaluation.sets.catalogue import list_sets, look_for

    root = arguments.data or Path()
    sets: list[dict[str, Any]] = []
    for info in list_sets():
        found = look_for(info, root)
        where = None if found.folder is None else found.folder.relative_to(root).as_posix()
        sets.append(
            {
                "name": info.name,
                "title": info.title,
                "found": found.folder is not None,
                "folder": where,
                "missing": list(found.missing),
                "access": info.access,
                "tasks": list(info.tasks),
            }
        )
    helpers = {name: _version(name) for name in _HELPERS} | {"java": "found" if which("java") else None}
    return TaskResult({"sets": sets, "helpers": helpers}, _lines(sets, helpers))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _lines(sets: list[dict[str, Any]], helpers: dict[str, str | None]) -> str:
    rows = ["| Data set | Found | Tasks | Missing, and where to get it |", "|---|---|---|---|"]
    for each in sets:
        remedy = "" if each["found"] else f"{'; '.join(each['missing'])}. {each['access']}"
        found = f"in {each['folder']}" if each["found"] else "no"
        rows.append(f"| {each['name']}: {each['title']} | {found} | {', '.join(each['tasks'])} | {remedy} |")
    rows += ["", "| Helper | Version | For |", "|---|---|---|"]
    reasons = _HELPERS | {"java": "METEOR runs in it"}
    rows += [f"| {name} | {version or 'missing'} | {reasons[name]} |" for name, version in helpers.items()]
    return "\n".join(rows)
