"""The job's own side: take a turn on the device, say that it lives, notice a request to stop, name how it ended.

with egma.jobs.running(folder) as job:
    for step in range(total):
        ...
        job.progress(step + 1, total, "step 12 of 40")
        if job.should_stop():
            save(); break
    else:
        job.finish({"auroc": 0.74})
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from egma.errors import EgmaError, JobError
from egma.jobs import state as files
from egma.jobs.failure import explain_failure
from egma.jobs.files import EventLog, read_json, write_json
from egma.jobs.logbook import Logbook
from egma.jobs.process import mark_this_process, read_mark
from egma.jobs.queue import NotMyTurnError, hold_device, name_device

HEARTBEAT_S = 1.0
_NO_DIGITS = str.maketrans("", "", "0123456789.")
_BALLAST = ".ballast"
_BALLAST_BYTES = 65_536
"""Given back on a full disk, so that the failure can be written down."""


class JobStoppedError(JobError):
    """The job was asked to stop before its turn came."""


class RunningJob:
    """What the work inside `running` is given.

    Attributes:
        folder: the run folder.
        device: the device it holds: "cpu", "cuda:0", "mps".
        log: `events.jsonl`, for the job's own events; `note` writes into log.txt.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.folder = folder
        self.device = device
        self.log = EventLog(folder / files.EVENTS_FILE)
        self._book = Logbook(folder / files.LOG_FILE)
        self._stop = threading.Event()
        self._over = threading.Event()
        self._beat: dict[str, Any] = {"done": 0, "total": 0, "text": ""}
        self._result: dict[str, Any] | None = None
        self._asked = 0

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far the work is; written with the next heartbeat, and now and then into log.txt."""
        self._beat = {"done": int(done), "total": int(total), "text": text}
        about = text.translate(_NO_DIGITS)
        self._book.write_progress(f"{text}, {done} of {total}" if text == about and done < total else text, about)

    def note(self, text: str) -> None:
        """Write a line into log.txt."""
        self._book.write(text)

    def should_stop(self) -> bool:
        """Whether the work should write what it has and end."""
        return self._stop.is_set()

    def event(self, kind: str, **fields: Any) -> None:
        """Append an event to events.jsonl."""
        self.log.append(kind, **fields)

    def finish(self, result: dict[str, Any]) -> None:
        """Write result.json: the work is done."""
        self._result = result
        write_json(self.folder / files.RESULT_FILE, result, durable=True)

    def say(self, name: str, text: str = "", cause: str = "") -> None:
        """Write the state, in state.json and as an event."""
        write_json(
            self.folder / files.STATE_FILE,
            {"name": name, "cause": cause, "text": text, "time": round(time.time(), 3)},
            durable=True,
        )
        self.event("state", state=name, text=text, cause=cause)
        self._book.write(f"{name}{f' ({cause})' if cause else ''}: {text}")

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM and Ctrl-C; a second Ctrl-C ends at once."""
        self._asked += 1
        if number == signal.SIGINT and self._asked > 1:
            signal.default_int_handler(number, frame)
        self._stop.set()
        with suppress(OSError):
            if not (self.folder / files.STOP_FILE).exists():
                write_json(self.folder / files.STOP_FILE, {"time": time.time(), "by": "signal"})

    def _tell_end(self) -> None:
        if self._result is not None:
            self.say("finished", "It ran to its end.")
        elif self.should_stop():
            self.say("stopped", "It was asked to stop and wrote what it had.")
        else:
            self.finish({})
            self.say("finished", "It ran to its end.")

    def _beat_until_over(self) -> None:
        self._write_beat()
        while not self._over.wait(HEARTBEAT_S):
            self._write_beat()
        self._write_beat()

    def _write_beat(self) -> None:
        beat = {"time": round(time.time(), 3), **self._beat, **_memory()}
        with suppress(OSError):  # a full disk is the work's to notice
            write_json(self.folder / files.HEARTBEAT_FILE, beat)


@contextmanager
def running(folder: Path, device: str = "auto") -> Iterator[RunningJob]:
    """Run the work inside as the job of `folder`: its turn on the device, heartbeat, signals, and how it ended.

    A failure is written with its cause and raised again: as it was where it is a sentence for a reader or a bug, as
    `JobFailedError` where disk, memory or a missing file is behind it. A job that was asked to stop before its turn
    came raises `JobStoppedError`.
    """
    job = _open_job(Path(folder).resolve(), name_device(device))
    with ExitStack() as stack:
        stack.callback(job.log.close)
        stack.enter_context(_signals(job))
        stack.enter_context(_heartbeat(job))
        stack.callback((job.folder / _BALLAST).unlink, missing_ok=True)
        try:
            with hold_device(job.device, lambda: _is_stopped(job), lambda before: _tell_wait(job, before)):
                job.say("running", f"At work on {job.device}.")
                yield job
            job._tell_end()
        except NotMyTurnError:
            job.say("stopped", "It was stopped before its turn came.")
            raise JobStoppedError(f"job {job.folder.name} was stopped before its turn came") from None
        except BaseException as error:
            _record_failure(job, error)


def _open_job(folder: Path, device: str) -> RunningJob:
    """Make the folder this process's own, with some bytes that are given back when the disk is full.

    Raises:
        JobError: another process works on it, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_second(folder)
        _forget_old_stop(folder)
        write_json(folder / files.PROCESS_FILE, vars(mark_this_process()), durable=True)
        for leftover in (files.STATE_FILE, files.RESULT_FILE):
            (folder / leftover).unlink(missing_ok=True)
        (folder / _BALLAST).write_bytes(bytes(_BALLAST_BYTES))
        return RunningJob(folder, device)
    except OSError as error:
        failure = explain_failure(error)
        if failure.cause == "disk full":
            raise failure from error
        raise JobError(f"the folder {folder.name} cannot be written to ({error.strerror}); choose another") from None


def _record_failure(job: RunningJob, error: BaseException) -> None:
    """Write how it failed, freeing the ballast first, and raise what a caller should see."""
    failure = explain_failure(error)
    (job.folder / _BALLAST).unlink(missing_ok=True)
    with suppress(OSError):
        job.say("failed", str(failure), failure.cause)
    if isinstance(error, EgmaError) or failure.cause == "bug":
        raise error
    raise failure from error


def _refuse_second(folder: Path) -> None:
    mark = read_mark(read_json(folder / files.PROCESS_FILE))
    if mark is not None and mark.is_alive and mark.pid != os.getpid() and not files.read_state(folder).is_over:
        raise JobError(
            f"{folder.name}: process {mark.pid} already works on this run; stop it first, or choose another folder"
        )


def _forget_old_stop(folder: Path) -> None:
    """A request to stop counts when `launch` started this process, which forgot older ones; else it is an old one."""
    launched = (read_json(folder / files.JOB_FILE) or {}).get("time")
    if os.environ.get(files.LAUNCH_VARIABLE) != str(launched):
        (folder / files.STOP_FILE).unlink(missing_ok=True)


def _is_stopped(job: RunningJob) -> bool:
    return job.should_stop() or (job.folder / files.STOP_FILE).exists()


def _tell_wait(job: RunningJob, before: int) -> None:
    job.say("queued", f"Waiting for {job.device}: {before} job{'s' if before > 1 else ''} before it.")


@contextmanager
def _signals(job: RunningJob) -> Iterator[None]:
    """SIGTERM and Ctrl-C ask the work to stop while it runs; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.signal(number, job.ask_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _heartbeat(job: RunningJob) -> Iterator[None]:
    thread = threading.Thread(target=job._beat_until_over, name="egma-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        job._over.set()
        thread.join()


def _memory() -> dict[str, float]:
    """Memory of this process, and of the machine: all and still free, in MB."""
    import psutil

    machine = psutil.virtual_memory()
    return {
        "rss_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
        "free_mb": round(machine.available / 1e6, 1),
        "machine_mb": round(machine.total / 1e6, 1),
    }
