"""Whether the process that a file speaks of still runs: a number that was given to another is not believed."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_ZOMBIE = ("Z", "X")


@dataclass(frozen=True)
class ProcessMark:
    """One process of one machine since its last start.

    Attributes:
        pid: the operating system's number, given to another process when this one is gone.
        started: when it started, in the system's own ticks: with `pid` it names one process.
        host, boot: the machine and its last start.
        leads_group: whether its process group is its own, so that a signal to the group reaches nobody else.
    """

    pid: int
    started: str
    host: str
    boot: str
    leads_group: bool

    @property
    def is_here(self) -> bool:
        """Whether it was started on this machine since its last start."""
        return (self.host, self.boot) == (socket.gethostname(), _boot())

    @property
    def is_elsewhere(self) -> bool:
        """Whether it was started on another machine, whose processes cannot be seen from here."""
        return self.host != socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs here. A process that ended and was not yet collected does not."""
        return self.is_here and _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> bool:
        """Signal the process and, where the group is its own, all that it started. False when it is gone."""
        if not self.is_alive:
            return False
        with suppress(ProcessLookupError):
            if self.leads_group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
            return True
        return False


def mark_this_process() -> ProcessMark:
    """The mark of the calling process."""
    return mark_process(os.getpid())


def mark_process(pid: int) -> ProcessMark:
    """The mark of a process of this machine, which must run."""
    leads = os.getpgid(pid) == pid
    return ProcessMark(pid, _started(pid) or "", socket.gethostname(), _boot(), leads)


def read_mark(value: Any) -> ProcessMark | None:
    """A mark from its JSON object; None for anything else."""
    if not isinstance(value, dict):
        return None
    pid, started, host, boot = (value.get(name) for name in ("pid", "started", "host", "boot"))
    if type(pid) is not int or pid < 2 or not all(isinstance(each, str) for each in (started, host, boot)):
        return None  # 0, 1 and negative numbers would signal whole groups
    return ProcessMark(pid, str(started), str(host), str(boot), value.get("leads_group") is True)


def _started(pid: int) -> str | None:
    """The start time of a running process; None when there is none."""
    if sys.platform.startswith("linux"):
        try:
            text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # the name in brackets may hold anything, so count from its end
        return None if fields[0] in _ZOMBIE else fields[19]
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def _boot() -> str:
    """What names the machine's last start."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    import psutil

    return f"{psutil.boot_time():.0f}"
