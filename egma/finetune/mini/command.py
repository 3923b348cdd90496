"""The recipe's commands run alike: progress with its second on standard error, one line at the end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from egma.errors import EgmaError

Note = Callable[[str], None]


def run_deed(deed: Callable[[argparse.Namespace, Note], str], parsed: argparse.Namespace) -> int:
    """Do what a command's arguments ask for and print the line it returns. Exit status 2 is the caller's mistake."""
    started = time.monotonic()

    def note(text: str) -> None:
        print(f"{time.monotonic() - started:7.0f} s  {text}", file=sys.stderr, flush=True)

    try:
        line = deed(parsed, note)
    except EgmaError as error:
        print(f"egma: {error}", file=sys.stderr)
        return 2
    print(line)
    return 0
