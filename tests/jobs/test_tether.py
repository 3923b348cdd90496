"""A helper process ends with the one that started it, however that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

from egma.jobs.tether import STARTER_VARIABLE
from tests.jobs.conftest import environment, wait_for

HELPER = "import time; from egma.jobs.tether import end_with_starter; end_with_starter(); print('up'); time.sleep(3600)"
STARTER = (
    "import os, subprocess, sys, time\n"
    f"environ = {{**os.environ, {STARTER_VARIABLE!r}: str(os.getpid())}}\n"
    f"helper = subprocess.Popen([sys.executable, '-u', '-c', {HELPER!r}], env=environ, stdout=subprocess.PIPE)\n"
    "helper.stdout.readline(); print(helper.pid, flush=True); time.sleep(3600)"
)


def test_a_helper_ends_when_its_starter_was_killed() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], env=environment(), stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    helper = psutil.Process(int(starter.stdout.readline()))
    started = helper.create_time()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    wait_for(lambda: not is_at_work(helper.pid, started), "the helper's end")


def test_without_a_starter_named_nothing_is_watched() -> None:
    words = f"import os; assert {STARTER_VARIABLE!r} not in os.environ; {HELPER.replace('time.sleep(3600)', 'pass')}"
    environ = {name: value for name, value in os.environ.items() if name != STARTER_VARIABLE}
    done = subprocess.run([sys.executable, "-c", words], env=environ | environment(), check=False, capture_output=True)
    assert done.returncode == 0 and done.stdout == b"up\n"


def is_at_work(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
