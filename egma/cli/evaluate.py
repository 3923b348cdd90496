"""`python -m egma evaluate TASK`: measure checkpoints as the field does, each figure with its interval and protocol."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import DEFAULT_CHECKPOINT, add_json_option, print_note
from egma.evaluation.outcome import dump_json
from egma.evaluation.tasks import list_tasks

if TYPE_CHECKING:
    from egma.evaluation.tasks import Task

CAVEAT = "Research use only. A figure holds for its list of films, its prompts and its checkpoint, all named beside it."


def add_parser(commands: Any) -> None:
    """Add the command, its tasks and their options."""
    parser: argparse.ArgumentParser = commands.add_parser("evaluate", help="measure checkpoints, with intervals")
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for task in list_tasks():
        _add_task(tasks, task)


def run(arguments: argparse.Namespace) -> int:
    """Run one task, print what it found, and keep it where `--out` says."""
    result = arguments.measure(arguments)
    if arguments.out is not None:
        result.save(arguments.out)
    if arguments.json:
        print(dump_json(result.values), end="")
    else:
        print(result.text)
        print_note(CAVEAT)
    return 0


def _add_task(tasks: Any, task: Task) -> None:
    parser: argparse.ArgumentParser = tasks.add_parser(task.NAME, help=task.HELP)
    task.add_arguments(parser)
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="your copy of the data set, as its owners lay it out"
    )
    parser.add_argument(
        "--checkpoint",
        default=DEFAULT_CHECKPOINT,
        metavar="NAME[,NAME]",
        help="names under checkpoints/, or folders, with commas between (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep result.json, tables and pictures there")
    add_json_option(parser)
    parser.set_defaults(run=run, measure=task.run)
