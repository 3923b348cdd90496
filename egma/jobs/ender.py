"""Kills a job that was asked to stop and did not within its grace time: `python -m egma.jobs.ender FOLDER SECONDS`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from egma.jobs.files import read_json
from egma.jobs.process import read_mark
from egma.jobs.state import PROCESS_FILE

_POLL_S = 0.2


def main(arguments: list[str]) -> int:
    """Wait for the job's process to end; kill its group when the time is over."""
    folder, grace_s = Path(arguments[0]), float(arguments[1])
    mark = read_mark(read_json(folder / PROCESS_FILE))
    deadline = time.monotonic() + grace_s
    while mark is not None and mark.is_alive:
        if time.monotonic() >= deadline:
            mark.send(signal.SIGKILL)
            return 0
        time.sleep(_POLL_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
