"""The tasks of `python -m egma evaluate TASK`, one module each, in the order the command lists them.

A task module has NAME, HELP, `add_arguments(parser)` and `run(arguments) -> TaskResult`. It imports nothing heavy at
its top, so that the command line answers at once.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Protocol, cast

from egma.evaluation.outcome import TaskResult

_MODULES = (
    "zeroshot",
    "retrieval",
    "grounding",
    "probe",
    "finetune",
    "segmentation",
    "gaze",
    "gaze_share",
    "reports",
    "drafts",
    "film_search",
    "expected_gaze",
    "card",
    "doctor",
)


class Task(Protocol):
    """What a task module offers."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the task's own options."""
        ...

    def run(self, arguments: argparse.Namespace) -> TaskResult:
        """Measure, and give what was found."""
        ...


def list_tasks() -> tuple[Task, ...]:
    """Every task."""
    return tuple(cast(Task, import_module(f"{__name__}.{name}")) for name in _MODULES)
