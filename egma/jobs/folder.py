"""A run folder, and the runs under a root: found by id, listed, looked at, deleted. Nothing here starts a process."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egma.errors import JobError
from egma.jobs import state as files
from egma.jobs.files import EventsRead, check_plain_folder, read_events, read_json, read_tail
from egma.jobs.process import ProcessMark, read_mark
from egma.jobs.state import JobState, read_state

JOB_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_OWN_FILES = (files.JOB_FILE, files.PROCESS_FILE, files.CONFIG_FILE)


@dataclass(frozen=True)
class JobFolder:
    """One run on disk. Every question is answered from its files at that moment.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def id(self) -> str:
        """The folder's name; under a runs root an id like 20261124-153000-a1b2c3."""
        return self.path.name

    @property
    def job(self) -> dict[str, Any]:
        """job.json: what was asked for ("argv", "title", "device", "time"); {} for a run from a terminal."""
        return read_json(self.path / files.JOB_FILE) or {}

    @property
    def title(self) -> str:
        """What the job is, in a few words."""
        return str(self.job.get("title") or self.id)

    @property
    def mark(self) -> ProcessMark | None:
        """The process that works on it, or did last."""
        return read_mark(read_json(self.path / files.PROCESS_FILE))

    def state(self) -> JobState:
        """Queued, running, ... with cause and progress; see `egma.jobs.state`."""
        return read_state(self.path)

    def config(self) -> dict[str, Any]:
        """config.json, or {} where there is none."""
        return read_json(self.path / files.CONFIG_FILE) or {}

    def events(self, since: int = 0) -> EventsRead:
        """Events after the offset of an earlier reading, and the new offset."""
        return read_events(self.path / files.EVENTS_FILE, since)

    def result(self) -> dict[str, Any] | None:
        """result.json of a finished job; None before."""
        return read_json(self.path / files.RESULT_FILE)

    def log_tail(self, most_bytes: int = 8_000) -> str:
        """The end of log.txt."""
        return read_tail(self.path / files.LOG_FILE, most_bytes)


def new_job_folder(root: Path) -> Path:
    """A new empty run folder under `root`, closed to other users; its name is the job's id."""
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder.mkdir(mode=0o700)
    return folder


def find_job(root: Path, job_id: str) -> JobFolder:
    """The job of that id under `root`.

    Raises:
        JobError: it is no id, or there is no such folder of its own.
    """
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        raise JobError(f"{str(job_id)[:60]!r} is no job id; one looks like 20261124-153000-a1b2c3")
    folder = Path(root).resolve() / job_id
    if not folder.exists():
        raise JobError(f"there is no job {job_id}; it may have been deleted, look at the list again")
    check_plain_folder(folder, "the job")
    return JobFolder(folder)


def list_jobs(root: Path) -> list[JobFolder]:
    """Every job under `root`, the newest first; links and other folders are not jobs."""
    if not root.is_dir():
        return []
    folders = [each for each in root.resolve().iterdir() if JOB_ID.fullmatch(each.name)]
    return [JobFolder(each) for each in sorted(folders, reverse=True) if each.is_dir() and not each.is_symlink()]


def delete_job(folder: Path) -> None:
    """Delete a run folder with everything in it.

    Raises:
        JobError: it is no run folder, or its job has not ended.
    """
    check_plain_folder(folder, "the job")
    folder = folder.resolve()
    if not any((folder / name).is_file() for name in _OWN_FILES):
        raise JobError(f"{folder.name!r} holds no job; nothing was deleted")
    if not read_state(folder).is_over:
        raise JobError(f"job {folder.name} has not ended; stop it first, then delete it")
    trash = folder.with_name(f".{folder.name}.deleted")
    shutil.rmtree(trash, ignore_errors=True)
    folder.rename(trash)  # at once gone from every list; the files go after
    shutil.rmtree(trash)
