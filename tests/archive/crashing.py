"""Kills `python -m egma embed` at an instant, goes on where it was, and says whether anything was lost or is wrong.

`python -m tests.archive.crashing FOLDER STORE CHECKPOINT` embeds FOLDER into STORE in child processes, each killed
(SIGKILL) at one of several instants: before the first film, as soon as some are in the store, or a moment later. What a
reader in another process saw before the kill must be there afterwards. The last run is left to end. Prints one JSON
object: the films seen before each kill and found after it, and what the last run says.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from egma.__main__ import main as run_command
from egma.archive.files import INFO_NAME
from egma.errors import EgmaError
from egma.index import ReportIndex

# (films that are in the store, seconds after that); films are embedded eight at a time
INSTANTS = ((0, 0.4), (1, 0.0), (9, 0.02), (17, 0.01))
PATIENCE_S = 240.0


def count_films(store: Path) -> int:
    """Films that a reader finds in the store now, -1 where there is no store yet."""
    if not (store / INFO_NAME).is_file():
        return -1
    try:
        with ReportIndex.open(store, create=False) as index:
            return len(index)
    except EgmaError:  # it is being made
        return -1


def embed(folder: Path, store: Path, checkpoint: Path) -> dict[str, object]:
    """The command, in this process; what it prints as JSON."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = run_command(["embed", str(folder), "--out", str(store), "--checkpoint", str(checkpoint), "--json"])
    if status:
        raise SystemExit(f"embed ended with {status}")
    return json.loads(printed.getvalue())


def kill_at(instant: tuple[int, float], folder: Path, store: Path, checkpoint: Path) -> tuple[int, int]:
    """Run the command until the instant and kill it; (films seen before, films found after)."""
    child = os.fork()
    if child == 0:
        embed(folder, store, checkpoint)
        os._exit(0)
    until, seen = time.monotonic() + PATIENCE_S, -1
    while seen < instant[0] and time.monotonic() < until and os.waitpid(child, os.WNOHANG) == (0, 0):
        seen = count_films(store)
        time.sleep(0.002)
    time.sleep(instant[1])
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return seen, count_films(store)


def main() -> None:
    """Every instant on a store of its own, then the last store goes on to the end."""
    folder, root, checkpoint = (Path(each) for each in sys.argv[1:4])
    torch.set_num_threads(1)
    killed, ends = [], []
    for number, instant in enumerate(INSTANTS):
        store = root / f"store-{number}"
        seen, found = kill_at(instant, folder, store, checkpoint)
        killed.append([seen, found])
        done = in_child(folder, store, checkpoint)
        ends.append([done["added"], done["kept"], count_films(store), thumbnails(store)])
        if number + 1 < len(INSTANTS):
            shutil.rmtree(store)
    print(json.dumps({"killed": killed, "ends": ends, "store": str(store)}))


def in_child(folder: Path, store: Path, checkpoint: Path) -> dict[str, object]:
    """The command to its end, in a process of its own as the others: none helps the next."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(embed(folder, store, checkpoint)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return json.loads(said)


def thumbnails(store: Path) -> int:
    """Small pictures that are whole."""
    from PIL import Image

    whole = 0
    for path in (store / "thumbnails").rglob("*"):
        if path.is_file():
            with Image.open(path) as picture:
                picture.load()
            whole += 1
    return whole


if __name__ == "__main__":
    main()
