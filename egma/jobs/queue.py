"""One job at a time on a device, first come first served, without a daemon: files that the waiting processes watch.

The lock is the system's own (flock), so a killed job frees its device at once; tickets beside it keep the order.
They lie in $EGMA_LOCKS, or in a private folder of this user under the machine's temporary one, so that jobs of several
pages and terminals take turns too.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from egma.errors import JobError
from egma.jobs.files import read_json, write_json
from egma.jobs.process import mark_this_process, read_mark

POLL_S = 0.25
_DEVICE = re.compile(r"cpu|mps|cuda:[0-9]{1,3}")


class NotMyTurnError(Exception):
    """The job was asked to stop while it waited."""


def name_device(device: str) -> str:
    """The device a job will sit on, told without loading torch: "auto" is the first GPU where there is one.

    Raises:
        JobError: there is no such kind of device.
    """
    name = device.strip().lower()
    if name == "auto":
        has_gpu = Path("/dev/nvidia0").exists() and os.environ.get("CUDA_VISIBLE_DEVICES", "0") not in ("", "-1")
        apple = platform.system() == "Darwin" and platform.machine() == "arm64"
        name = "cuda:0" if has_gpu else "mps" if apple else "cpu"
    name = "cuda:0" if name == "cuda" else name
    if not _DEVICE.fullmatch(name):
        raise JobError(f"device: wanted auto, cpu, mps, cuda or cuda:0, got {device[:40]!r}")
    return name


@contextmanager
def hold_device(device: str, is_stopped: Callable[[], bool], on_wait: Callable[[int], None]) -> Iterator[None]:
    """Wait for the device and hold it.

    Args:
        device: as `name_device` gives it.
        is_stopped: asked while waiting.
        on_wait: told how many jobs stand before this one, when that changes.

    Raises:
        NotMyTurnError: `is_stopped` while waiting.
    """
    folder = lock_folder() / device.replace(":", "-")
    folder.mkdir(exist_ok=True, mode=0o700)
    ticket = folder / f"{time.time_ns():020d}-{os.getpid()}.json"
    write_json(ticket, vars(mark_this_process()))
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        told = 0
        while (before := _count_before(folder, ticket)) or not _try_lock(descriptor):
            if is_stopped():
                raise NotMyTurnError
            waiting = max(before, 1)
            if waiting != told:
                on_wait(waiting)
                told = waiting
            time.sleep(POLL_S)
        yield
    finally:
        ticket.unlink(missing_ok=True)
        os.close(descriptor)


def lock_folder() -> Path:
    """Where locks and tickets lie: this user's own folder, closed to others."""
    chosen = os.environ.get("EGMA_LOCKS", "").strip()
    folder = Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"egma-jobs-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=bool(chosen), exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        raise JobError(
            f"the folder for job locks cannot be made ({error.strerror}); set EGMA_LOCKS to another"
        ) from None
    if folder.is_symlink() or state.st_uid != os.getuid():
        raise JobError("the folder for job locks belongs to another user; set EGMA_LOCKS to one of your own")
    return folder


def _count_before(folder: Path, ticket: Path) -> int:
    """How many living processes came before; tickets of dead ones are cleared away."""
    before = 0
    for other in folder.glob("*.json"):
        if other.name >= ticket.name:
            continue
        mark = read_mark(read_json(other))
        if mark is not None and mark.is_alive:
            before += 1
        else:
            other.unlink(missing_ok=True)
    return before


def _try_lock(descriptor: int) -> bool:
    import fcntl

    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
