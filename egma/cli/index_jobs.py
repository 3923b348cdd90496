"""Progress of a long command: a line on the terminal, or the folder of a job that the page looks at."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from egma.cli.options import print_note

_BAR = 30
_EACH_S = 0.2


class Task(Protocol):
    """What a long command tells, and asks."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far it is."""
        ...

    def should_stop(self) -> bool:
        """Whether to stop after this step."""
        ...

    def finish(self, result: dict[str, Any]) -> None:
        """Say that it is done."""
        ...


class Terminal:
    """A bar on a terminal, a line every tenth in a file; Ctrl-C stops at once, what was written stays."""

    def __init__(self) -> None:
        self._shown_s, self._tenth, self._start = 0.0, -1, time.monotonic()

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Draw the bar."""
        share = done / max(total, 1)
        now = time.monotonic()
        if sys.stderr.isatty():
            if done >= total or now - self._shown_s >= _EACH_S:
                self._shown_s = now
                left_s = (now - self._start) * (1 - share) / max(share, 1e-9)
                bar = "#" * int(_BAR * share)
                sys.stderr.write(f"\r[{bar:<{_BAR}}] {done:,}/{total:,} {text}, {left_s:.0f} s left \033[K")
                sys.stderr.write("\n" if done >= total else "")
                sys.stderr.flush()
        elif int(10 * share) > self._tenth:
            self._tenth = int(10 * share)
            print_note(f"{share:.0%} {done:,}/{total:,} {text}")

    def should_stop(self) -> bool:
        """Never: an interrupt ends the process."""
        return False

    def finish(self, result: dict[str, Any]) -> None:
        """The command prints its result itself."""


@contextmanager
def job_or_terminal(folder: Path | None, device: str) -> Iterator[Task]:
    """The terminal, or the job in `folder`. Enter it before torch is imported: a job waits here for its turn."""
    if folder is None:
        yield Terminal()
        return
    from egma.jobs import running

    with running(folder, device=device) as job:
        yield job
