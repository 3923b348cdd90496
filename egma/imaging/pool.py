"""Warm reading processes: a film is parsed and decoded out of the caller's process, within limits, in milliseconds.

The pool starts a process when a film asks for one and none is idle, keeps a few, replaces one that died or served
many films, and ends them all at exit. It is safe to call from many threads, and from a forked child, which starts its
own.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from egma.errors import FilmDecodeError, FilmError
from egma.imaging.budget import MAX_SECONDS
from egma.imaging.wire import Film, read_answer

WORKERS = 2  # films read at once; more callers wait their turn
FILMS_PER_WORKER = 200  # a process is replaced after that many, so that a decoder's leak stays small
GRACE_SECONDS = 1.0  # how long past the film's own limit the caller waits, for a process that cannot stop itself

# The reading process sees these and no other variable: it needs no token, key or proxy.
_ENVIRONMENT = (
    "PATH HOME LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHONPATH PYTHONHOME SYSTEMROOT TMPDIR TEMP TMP"
)

_OWN_LIMITS = tuple(
    int(getattr(signal, name, 0)) or -1 for name in ("SIGALRM", "SIGXCPU")
)  # the process gave up itself


class Worker:
    """One reading process and the pipes to it. Used by one thread at a time."""

    def __init__(self) -> None:
        package_root = str(Path(__file__).resolve().parents[2])
        environment = {name: os.environ[name] for name in _ENVIRONMENT.split() if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
        # -P: a stray module beside the caller (dl.py, PIL.py) must not shadow a decoder's own.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "egma.imaging.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,  # no bytes of ours may wait in a buffer that a forked child would send again
        )
        self.films = 0

    @property
    def pid(self) -> int:
        """The operating system's number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs; a dead one is reaped by asking."""
        return self._process.poll() is None

    def read(self, path: str, frame: int | None, seconds: float) -> Film | FilmError:
        """Ask for one film. On any failure of the process itself, it is ended and a sentence is returned."""
        self.films += 1
        overdue = threading.Event()
        timer = threading.Timer(seconds + GRACE_SECONDS, self._kill_for, (overdue,))
        timer.daemon = True
        timer.start()
        try:
            self._send({"path": path, "frame": frame, "seconds": seconds})
            return read_answer(self._stream(self._process.stdout))  # type: ignore[arg-type]
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            self.kill()
            return self._explain_death(overdue.is_set())
        except BaseException:  # Ctrl-C in mid-answer: the pipe holds half a film, so the process cannot be kept
            self.kill()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process kindly: the end of its input is its signal to leave."""
        self._close_pipes()
        try:
            self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once and reap it."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def abandon(self) -> None:
        """Let go of a process that belongs to the parent of this forked process."""
        self._close_pipes()
        self._process.returncode = 0  # not ours to wait for

    def _send(self, request: dict) -> None:
        stdin = self._stream(self._process.stdin)
        line = memoryview(json.dumps(request).encode() + b"\n")
        while line:
            line = line[stdin.write(line) :]

    def _kill_for(self, overdue: threading.Event) -> None:
        overdue.set()
        self._process.kill()

    def _explain_death(self, overdue: bool) -> FilmDecodeError:
        code = self._process.returncode or 0
        if overdue or -code in _OWN_LIMITS:
            return FilmDecodeError("The film took too long to decode and was given up; export it uncompressed.")
        return FilmDecodeError(
            "The film's decoder stopped (out of memory, or damaged data); export the film uncompressed."
        )

    def _close_pipes(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:  # unsent bytes to a dead process
                continue

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise EOFError
        return stream


class Pool:
    """At most WORKERS reading processes, shared by all threads."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._turns = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []

    def read(self, path: str, frame: int | None = None, seconds: float = MAX_SECONDS) -> Film:
        """Read one file in a warm process, waiting for a turn where all are busy.

        Raises:
            FilmError: what the reader says of the file, or that its process was ended.
        """
        with self._turns:
            worker = self._take()
            try:
                answer = worker.read(path, frame, seconds)
            finally:
                self._give_back(worker)
        if isinstance(answer, FilmError):
            raise answer
        return answer

    def warm_up(self) -> None:
        """Start one process ahead of the first film; returns at once, the process imports by itself."""
        with self._lock:
            if not self._idle and not self._busy:
                self._idle.append(Worker())

    def close(self) -> None:
        """End every process. A later film starts a new one."""
        with self._lock:
            workers, self._idle = self._idle, []
        for worker in workers:
            worker.close()

    def abandon(self) -> None:
        """Forget all processes without ending them: they belong to the parent this process was forked from."""
        for worker in (*self._idle, *self._busy):
            worker.abandon()

    def _take(self) -> Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    break
                worker.kill()
            else:
                worker = Worker()
            self._busy.append(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._busy.remove(worker)
            if worker.alive and worker.films < FILMS_PER_WORKER:
                self._idle.append(worker)
                return
        worker.close()
        if worker.films >= FILMS_PER_WORKER:
            self.warm_up()


_pool = Pool()


def _close_pool() -> None:
    """At exit: the pool of that moment, which is another one in a forked child."""
    _pool.close()


atexit.register(_close_pool)


def read_out_of_process(path: str, frame: int | None) -> Film:
    """Read a film through this process's own pool."""
    return _pool.read(path, frame)


def warm_up() -> None:
    """Start a reading process now, so that the first film does not wait for it. Returns at once."""
    _pool.warm_up()


def _start_afresh() -> None:
    """A forked child shares its parent's pipes, and two readers of one pipe get halves: let go and start anew."""
    global _pool  # noqa: PLW0603 - one pool a process is the point
    _pool.abandon()
    _pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
