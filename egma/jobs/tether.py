"""Ends a helper process when the process that started it is gone, however that ended: kill -9 asks nobody."""

from __future__ import annotations

import os
import threading
import time

STARTER_VARIABLE = "EGMA_ENDS_WITH"
"""In the helper's environment: the number of the process that it must not outlive."""
POLL_S = 0.5


def end_with_starter() -> None:
    """Watch the starter that the environment names, from a thread of its own; nothing happens where it names none."""
    named = os.environ.pop(STARTER_VARIABLE, "")
    if named.isdigit():
        threading.Thread(target=_watch, args=(int(named),), name="egma-tether", daemon=True).start()


def _watch(starter: int) -> None:
    while os.getppid() == starter:
        time.sleep(POLL_S)
    os._exit(1)  # nobody is left to hear of anything
