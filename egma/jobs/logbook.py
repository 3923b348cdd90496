"""log.txt as people read it: a line for every state and every so often one for progress, each with its time.

A job that the page started also sends what it prints to log.txt; one of a terminal shows the same lines there too.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

EVERY_S = 30.0
"""Seconds between two lines of progress; a day of training stays readable."""
_LONGEST = 600


class Logbook:
    """Appends lines to a log file. A full disk is the work's to notice, so nothing is raised here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = float("-inf")
        self._about = ""

    def write(self, text: str) -> None:
        """One line, with the time of day; whatever the text holds, it stays one line."""
        shown = "".join(character if character.isprintable() else " " for character in text[:_LONGEST])
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {shown}\n"
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
        if sys.stderr is not None and sys.stderr.isatty():
            with suppress(OSError):
                sys.stderr.write(line)

    def write_progress(self, text: str, about: str) -> None:
        """A line when the work turns to something else (`about`), else one every `EVERY_S` seconds at most."""
        now = time.monotonic()
        if text and (about != self._about or now - self._last >= EVERY_S):
            self._last, self._about = now, about
            self.write(text)
