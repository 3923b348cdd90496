"""How the runs look now: `LookView` from their folders, with the parts that are as they were left out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from app.jobs import TrainingRoom, is_example
from app.tabs import train_charts, train_screen
from egma.finetune.publish import CHECKPOINT
from egma.jobs import JobFolder

SAME: Any = gr.skip()


class LookView(NamedTuple):
    """New values of what shows runs, in wiring order."""

    run: Any
    stamp: Any
    runs: Any
    panel: Any
    curves: Any
    config: Any
    log: Any
    command: Any
    compare: Any
    stop: Any
    resume: Any
    duplicate: Any
    use: Any
    delete: Any
    asking: Any


@dataclass(frozen=True)
class Changed:
    """Which parts are not as they were at the last look."""

    runs: bool
    panel: bool
    curves: bool
    config: bool
    log: bool
    buttons: bool


def look_at(room: TrainingRoom, run: str, other: str, stamp: str) -> tuple[Any, ...]:
    """`LookView` of a run, beside another one where that is named, against the stamp of the last look."""
    jobs = room.list_runs()
    job = _find_or_first(room, run, jobs)
    second = room.find_run(other) if other and other != run else None
    shown = [job] if second is None else [job, second]
    runs, panel = train_screen.runs_screen(jobs, train_screen.id_of(job)), train_screen.run_screen(job, _events(job))
    stamps = _stamps(job, shown, runs, panel)
    changed = _compare(stamps, stamp)
    compare = gr.update(choices=_others(jobs, job), value=other if second is not None else "")
    buttons = _buttons(job, room.hosted) if changed.buttons else (SAME,) * 6
    return tuple(
        LookView(
            train_screen.id_of(job),
            " ".join(stamps),
            runs if changed.runs else SAME,
            panel if changed.panel else SAME,
            _curves(shown) if changed.curves else SAME,
            train_screen.config_screen(shown) if changed.config else SAME,
            (job.log_tail() or "The log is empty.") if changed.log else SAME,
            write_command(job) if changed.buttons else SAME,
            compare if changed.runs else SAME,
            *buttons,
        )
    )


def write_command(job: JobFolder) -> str:
    """What runs, resumes or makes this run again in a terminal."""
    if is_example(job.id):
        return "python -m egma finetune RUN_DIR --preset demo"
    folder, state = shlex.quote(str(job.path)), job.state()
    if state.name == "finished":
        return f"python -m egma finetune NEW_FOLDER --config {folder}/config.json"
    return f"python -m egma finetune {folder}" + (" --resume" if state.may_resume else "")


def _find_or_first(room: TrainingRoom, run: str, jobs: list[JobFolder]) -> JobFolder:
    """The run looked at; the newest where it is gone, as another reader may have deleted it."""
    return (
        next((job for job in jobs if train_screen.id_of(job) == run), jobs[0])
        if not is_example(run)
        else room.find_run(run)
    )


def _stamps(job: JobFolder, shown: Sequence[JobFolder], runs: Any, panel: Any) -> list[str]:
    """What tells that a part has changed, in the order of `Changed`."""
    return [
        _stamp(runs.model_dump_json()),
        _stamp(panel.model_dump_json()),
        _stamp(*(f"{each.path}{_size(each, 'events.jsonl')}" for each in shown)),
        _stamp(*(json.dumps(each.config(), default=str) for each in shown), job.id),
        _stamp(job.id, str(_size(job, "log.txt"))),
        _stamp(job.id, job.state().name, str((job.path / CHECKPOINT).exists())),
    ]


def _compare(stamps: list[str], stamp: str) -> Changed:
    old = [*stamp.split(" "), *[""] * len(stamps)]
    return Changed(*(each != before for each, before in zip(stamps, old)))


def _curves(shown: Sequence[JobFolder]) -> Any:
    return train_charts.curves_screen([(train_screen.run_title(each), _events(each)) for each in shown])


def _others(jobs: list[JobFolder], job: JobFolder) -> list[tuple[str, str]]:
    others = [(train_screen.run_title(each), train_screen.id_of(each)) for each in jobs if each.id != job.id]
    return [("nothing", ""), *others]


def _buttons(job: JobFolder, hosted: bool) -> tuple[Any, ...]:
    """Only what can be done with the run now: stop, resume, duplicate, use, delete, the question."""
    state, own = job.state(), not hosted and not is_example(job.id)
    visible = (
        own and state.name in ("running", "queued"),
        own and state.may_resume and bool(job.job),
        not hosted,
        own and (job.path / CHECKPOINT / "model.safetensors").is_file(),
        own and state.is_over,
    )
    return (*(gr.update(visible=each) for each in visible), gr.update(visible=False))


def _events(job: JobFolder) -> train_charts.RunEvents:
    return _read_events(str(job.path), _size(job, "events.jsonl"))


@lru_cache(maxsize=16)
def _read_events(path: str, size: int) -> train_charts.RunEvents:  # noqa: ARG001 - a file that grew is read again
    return train_charts.sort_events(JobFolder(Path(path)).events().events)


def _size(job: JobFolder, name: str) -> int:
    try:
        return (job.path / name).stat().st_size
    except OSError:
        return 0


def _stamp(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:12]
