"""`python -m egma evaluate TASK`: measure checkpoints as the field does, each figure with its interval and protocol."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import DEFAULT_CHECKPOINT, add_json_option, print_note
from egma.evaluation.outcome import RESULTS, dump_json
from egma.evaluation.tasks import list_tasks

if TYPE_CHECKING:
    from egma.evaluation.tasks import Task

CAVEAT = "Research use only. A figure holds for its list of films, its prompts and its checkpoint, all named beside it."


class _StoppedError(Exception):
    """Somebody asked the job to stop."""


def add_parser(commands: Any) -> None:
    """Add the command, its tasks and their options."""
    parser: argparse.ArgumentParser = commands.add_parser("evaluate", help="measure checkpoints, with intervals")
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for task in list_tasks():
        _add_task(tasks, task)


def run(arguments: argparse.Namespace) -> int:
    """Run one task, print what it found, and keep it where `--out` says."""
    if arguments.job is not None:
        return _run_as_job(arguments)
    arguments.progress = _note_progress()
    result = arguments.measure(arguments)
    if arguments.out is not None:
        result.save(arguments.out)
    if arguments.json:
        print(dump_json(result.values), end="")
    else:
        print(result.text)
        print_note(CAVEAT)
    return 0


def _run_as_job(arguments: argparse.Namespace) -> int:
    """The same in a run folder, where the page sees how far it is and may ask it to stop."""
    from egma.jobs import JobStoppedError, running

    try:
        with running(arguments.job, device=arguments.device) as job:

            def progress(done: int, total: int, text: str) -> None:
                if job.should_stop():
                    raise _StoppedError
                job.progress(done, total, text)

            arguments.progress = progress
            try:
                result = arguments.measure(arguments)
            except _StoppedError:
                print_note("stopped before it was done; nothing was kept")
                return 0
            result.save(arguments.out or arguments.job / RESULTS)
            job.finish({"task": arguments.task, "results": RESULTS})
    except JobStoppedError:
        print_note("stopped before its turn came")
    return 0


def _note_progress() -> Callable[[int, int, str], None]:
    """Tell a person at every tenth."""
    told = -1

    def progress(done: int, total: int, text: str) -> None:
        nonlocal told
        tenth = 10 * done // max(1, total)
        if tenth != told and total > 20:
            told = tenth
            print_note(f"{text}: {done:,} of {total:,}")

    return progress


def _add_task(tasks: Any, task: Task) -> None:
    parser: argparse.ArgumentParser = tasks.add_parser(task.NAME, help=task.HELP.replace("%", "%%"))
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
    parser.add_argument("--job", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)  # the page's run folder
    parser.set_defaults(run=run, measure=task.run)
