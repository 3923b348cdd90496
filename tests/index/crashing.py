"""Kills a writer at an instant, opens what it left, and says whether anything acknowledged is missing or wrong.

`python -m tests.index.crashing FOLDER MODE COUNT` runs a fixed sequence of additions, updates, deletions, compactions
and index swaps in COUNT child processes. MODE "calls": child n kills itself (SIGKILL) at the n-th of COUNT calls and
returns, spread evenly over all that the library's code makes. MODE "times": it is killed from outside, some thousandths
of a second into a step. A step is acknowledged when the child wrote its number to a pipe after the call returned.
Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import faiss  # noqa: F401 - loaded before forking, so that a child starts at once
import numpy as np

from egma.index import IndexPolicy, ReportIndex

WIDTH = 16
POLICY = IndexPolicy(flat_up_to=60, least_rows=10, tail_share=0.1)
Step = tuple[str, list[str]]


def steps() -> list[Step]:
    """What the writer does, in order."""
    made = [f"r{number}" for number in range(120)]
    return [
        ("add", made[:20]),
        ("add", made[20:30]),
        ("catch_up", []),
        ("delete", made[3:8]),
        ("update", made[8:14]),
        ("add", made[30:90]),
        ("catch_up", []),
        ("delete", made[40:60]),
        ("compact", []),
        ("update", made[62:70]),
        ("add", made[3:8]),
        ("add", made[90:120]),
        ("catch_up", []),
    ]


def state_after(count: int) -> dict[str, int]:
    """The version of each record after the first `count` steps."""
    versions: dict[str, int] = {}
    for number, (kind, names) in enumerate(steps()[:count]):
        for name in names:
            if kind == "delete":
                versions.pop(name, None)
            else:
                versions[name] = number
    return versions


def vector_of(name: str, version: int) -> np.ndarray:
    """float32 (16,): one of its own for every version of every record."""
    vector = np.random.default_rng([int(name[1:]), version]).standard_normal(WIDTH).astype(np.float32)
    return vector / np.linalg.norm(vector)


def words_of(name: str, version: int) -> str:
    """Words that no other record or version has."""
    return f"FINDINGS: unique{name}v{version} opacity."


def write(folder: Path, acknowledge: Callable[[int], object]) -> None:
    """All the steps."""
    index = ReportIndex.open(folder, policy=POLICY)
    for number, (kind, names) in enumerate(steps()):
        vectors = [vector_of(name, number) for name in names]
        records = [words_of(name, number) for name in names]
        if kind == "add":
            index.add(names, vectors, records)
        elif kind == "update":
            index.update(names, vectors, records)
        elif kind == "delete":
            index.delete(names)
        elif kind == "compact":
            index.compact()
        else:
            index.catch_up()
        acknowledge(number + 1)
    index.close()


def check(folder: Path, acknowledged: int) -> None:
    """Raise where the library is neither as after the acknowledged steps nor as after the one in flight."""
    with ReportIndex.open(folder, policy=POLICY) as index:
        there = {name: record.text for name, record in index.get(list(index)).items()}
        allowed = [state_after(count) for count in (acknowledged, acknowledged + 1)]
        states = [state for state in allowed if there == {name: words_of(name, state[name]) for name in state}]
        if not states:
            raise AssertionError(f"after {acknowledged} acknowledged steps the records are {sorted(there)}")
        state = states[0]
        if len(index) != len(state):
            raise AssertionError(f"counted {len(index)}, there are {len(state)}")
        check_searches(index, state)
        with index.reading() as connection:
            (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
        if sound != "ok":
            raise AssertionError(sound)
        index.add(["after"], [vector_of("r999", 0)], ["FINDINGS: It goes on."])  # the dead writer holds no lock
        index.catch_up()
        check_searches(index, state)


def check_searches(index: ReportIndex, state: dict[str, int]) -> None:
    """Every record is found by its vector and its words, and nothing else is."""
    for name, version in state.items():
        best = index.search(vector_of(name, version), 1)
        if [hit.id for hit in best] != [name] or best[0].score < 0.999 or best[0].text != words_of(name, version):
            raise AssertionError(f"{name} was not found by its vector: {best}")
    every = {hit.id for hit in index.search(vector_of("r0", 0), 500)} - {"after"}
    if every != set(state):
        raise AssertionError(f"a search for all gave {sorted(every ^ set(state))} too much or too little")
    for name, version in list(state.items())[::7]:
        found = [hit.id for hit in index.search_text(None, f"unique{name}v{version}")]
        if found != [name]:
            raise AssertionError(f"{name} was not found by its words: {found}")


def run_child(folder: Path, arm: Callable[[], object], kill: tuple[int, float] | None) -> tuple[int, int]:
    """Fork a writer; returns (acknowledged steps, its wait status). `kill`: after which step, and how much later."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        arm()
        write(folder, lambda number: os.write(writing, bytes([number])))
        os._exit(0)
    os.close(writing)
    acknowledged = b""
    if kill is not None:
        while len(acknowledged) < kill[0]:
            acknowledged += os.read(reading, 1)
        time.sleep(kill[1])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    acknowledged += os.read(reading, 1000)
    os.close(reading)
    return (acknowledged[-1] if acknowledged else 0), status


def arm_kill(at: int, counted: list[int]) -> Callable[[], None]:
    """Kill this process at a call or return number of the library's own code; in every thread."""

    def hook(frame: Any, event: str, _: Any) -> None:
        if event in ("call", "return", "c_call") and "/egma/index/" in frame.f_code.co_filename:
            counted[0] += 1
            if counted[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def arm() -> None:
        threading.setprofile(hook)
        sys.setprofile(hook)

    return arm


def verified(folder: Path, acknowledged: int) -> bool:
    """Check in a process of its own, so that nothing of one check helps the next."""
    child = os.fork()
    if child == 0:
        try:
            check(folder, acknowledged)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    """Run every instant; the exit status is 0 where all of them left the library whole."""
    root, mode, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    total = measure(root / "whole")
    rng = np.random.default_rng(0)
    killed, failed, points = 0, [], set()
    for number in range(count):
        folder = root / f"{mode}-{number}"
        share = (number + 0.5) / count
        if mode == "calls":
            acknowledged, status = run_child(folder, arm_kill(int(total * share) + 1, [0]), None)
        else:
            instant = (number % len(steps()), float(rng.uniform(0, 0.008)))
            acknowledged, status = run_child(folder, lambda: None, instant)
        killed += os.WIFSIGNALED(status)
        points.add(acknowledged)
        if not verified(folder, acknowledged):
            failed.append((number, acknowledged))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"killed": killed, "failed": failed, "steps_reached": sorted(points), "calls": total}))
    sys.exit(bool(failed))


def measure(folder: Path) -> int:
    """How many calls a whole run makes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        counted = [0]
        arm_kill(-1, counted)()
        write(folder, lambda number: None)
        sys.setprofile(None)
        os.write(writing, str(counted[0]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(reading, 100))


if __name__ == "__main__":
    main()
