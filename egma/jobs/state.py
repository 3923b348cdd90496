"""What a run folder says about its job: the state is worked out from disk each time, never remembered.

queued    waiting for its device, or about to start
running   at work
stopping  asked to stop; still writing its checkpoint
stopped   ended because it was asked to; may be resumed
finished  result.json stands
failed    ended without a result, with the cause named; may be resumed
lost      nothing says how it ended (the machine was started again, another machine is silent); may be resumed
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from egma.jobs.files import read_json
from egma.jobs.process import ProcessMark, read_mark

JobName = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "lost"]

JOB_FILE = "job.json"
PROCESS_FILE = "process.json"
HEARTBEAT_FILE = "heartbeat.json"
STATE_FILE = "state.json"
STOP_FILE = "stop.json"
RESULT_FILE = "result.json"
EVENTS_FILE = "events.jsonl"
LOG_FILE = "log.txt"
CONFIG_FILE = "config.json"
LAUNCH_VARIABLE = "EGMA_JOB_LAUNCH"
"""Holds the time in job.json where `launch` started the process: a request to stop may have come before it ran."""

KILLED = "killed"
CAUSES = ("out of memory", "NaN", "data missing", KILLED, "disk full", "wrong settings", "bug")

START_S = 60.0
"""A process that has not said so much as its number by then never started."""
SILENT_S = 60.0
"""A job on another machine that was not heard of for that long is lost."""
_LITTLE_MEMORY = 0.03
_OVER = ("stopped", "finished", "failed", "lost")


@dataclass(frozen=True)
class JobState:
    """A job at one moment.

    Attributes:
        name: see the module's table.
        cause: of a failure, one of `CAUSES`; "" otherwise.
        text: one sentence for a reader: what it is doing, or how it ended.
        done, total: progress in the job's own unit; total 0 where it is not known.
        time: when the job last said something, seconds since 1970; None where it never did.
        heartbeat_s: how long ago that was.
        rss_mb: memory of the process when it last said so.
    """

    name: JobName
    cause: str = ""
    text: str = ""
    done: int = 0
    total: int = 0
    time: float | None = None
    heartbeat_s: float | None = None
    rss_mb: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether no process works on it any more."""
        return self.name in _OVER

    @property
    def may_resume(self) -> bool:
        """Whether it can go on from where it was."""
        return self.name in ("stopped", "failed", "lost")


def read_state(folder: Path) -> JobState:
    """The state of the job in a run folder, worked out from its files and the system's processes."""
    said = read_json(folder / STATE_FILE) or {}
    beat = read_json(folder / HEARTBEAT_FILE) or {}
    mark = read_mark(read_json(folder / PROCESS_FILE))
    stop = read_json(folder / STOP_FILE)
    name, cause, text = _judge(folder, said, beat, mark, stop)
    moment = _number(beat.get("time")) or _number(said.get("time"))
    return JobState(
        name=name,
        cause=cause,
        text=text,
        done=int(_number(beat.get("done")) or 0),
        total=int(_number(beat.get("total")) or 0),
        time=moment,
        heartbeat_s=max(0.0, time.time() - moment) if moment is not None else None,
        rss_mb=_number(beat.get("rss_mb")),
    )


def _judge(
    folder: Path, said: dict[str, Any], beat: dict[str, Any], mark: ProcessMark | None, stop: dict[str, Any] | None
) -> tuple[JobName, str, str]:
    name = said.get("name")
    if name in ("finished", "stopped", "failed"):
        return name, str(said.get("cause") or ""), str(said.get("text") or "")
    if mark is None:
        return _judge_unstarted(folder, stop)
    if mark.is_alive or (mark.is_elsewhere and _is_heard_of(beat)):
        return _judge_living(name, said, beat, stop)
    if stop is not None:
        return "stopped", "", "It was asked to stop and ended before it could say so."
    if mark.is_here:
        return "failed", KILLED, _explain_kill(beat)
    return "lost", "", "The machine was started again, or the job ran on another one that is silent; resume it."


def _judge_living(
    name: Any, said: dict[str, Any], beat: dict[str, Any], stop: dict[str, Any] | None
) -> tuple[JobName, str, str]:
    if stop is not None:
        return "stopping", "", "Asked to stop; it writes what it has and ends."
    if name == "queued":
        return "queued", "", str(said.get("text") or "")
    return "running", "", str(beat.get("text") or said.get("text") or "")


def _judge_unstarted(folder: Path, stop: dict[str, Any] | None) -> tuple[JobName, str, str]:
    asked = _number((read_json(folder / JOB_FILE) or {}).get("time"))
    if stop is not None:
        return "stopped", "", "It was stopped before it started."
    if asked is None:
        return "lost", "", "The folder holds no job that was ever started."
    if time.time() - asked < START_S:
        return "queued", "", "Starting."
    return "lost", "", "Its process never started; the log says more."


def _is_heard_of(beat: dict[str, Any]) -> bool:
    moment = _number(beat.get("time"))
    return moment is not None and time.time() - moment < SILENT_S


def _explain_kill(beat: dict[str, Any]) -> str:
    free, total = _number(beat.get("free_mb")), _number(beat.get("machine_mb"))
    if free is not None and total and free / total < _LITTLE_MEMORY:
        return (
            f"Its process was killed when the machine had {free:.0f} MB of memory left, so most likely for lack of "
            "memory; choose a smaller batch and resume it."
        )
    return "Its process was killed from outside (kill -9, or the system for lack of memory); resume it."


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
