"""A job for the tests: `python program.py FOLDER DEED`. Light, so that a real process costs a tenth of a second."""

from __future__ import annotations

import resource
import signal
import sys
import time
from pathlib import Path

from egma.errors import DataError
from egma.jobs import RunningJob, running

STEPS = 200


def count(job: RunningJob, steps: int = STEPS) -> None:
    """Counts to STEPS from where an earlier process was, unless asked to stop."""
    place = job.folder / "place"
    done = int(place.read_text()) if place.exists() else 0
    for step in range(done, steps):
        job.event("step", step=step)
        job.progress(step + 1, steps, f"step {step + 1} of {steps}")
        time.sleep(0.01)
        if job.should_stop():
            place.write_text(str(step + 1))
            return
    job.finish({"steps": steps})


def count_on(job: RunningJob) -> None:
    """Counts for longer than the slowest machine's test looks at it."""
    count(job, 1_000_000)


def ignore_stop(job: RunningJob) -> None:
    """Never ends by itself."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job.event("deaf")
    time.sleep(3600)


def fill_disk(job: RunningJob) -> None:
    """Writes above the largest file that the system allows it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    with (job.folder / "weights").open("wb") as stream:
        for _ in range(100):
            stream.write(bytes(100_000))
            stream.flush()


def fill_memory(job: RunningJob) -> None:
    """Asks for more memory than it is allowed."""
    limit = 1_000_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    job.progress(len(bytes(4 * limit)), 1)


def miss_data(job: RunningJob) -> None:
    """Finds its data gone."""
    raise DataError("row 7: the film 7.png is missing; copy it back")


def break_down(job: RunningJob) -> None:
    """Has a bug."""
    raise ZeroDivisionError("of the program's own")


DEEDS = {deed.__name__: deed for deed in (count, count_on, ignore_stop, fill_disk, fill_memory, miss_data, break_down)}

if __name__ == "__main__":
    with running(Path(sys.argv[1]), device="cpu") as job:
        DEEDS[sys.argv[2]](job)
