"""The reading process: warm, limited, replaced when it dies, gone when its caller is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from egma.errors import FilmDecodeError, FilmError
from egma.imaging import load_study, pool
from egma.imaging.budget import MAX_MEMORY_BYTES
from egma.testing.dicom import write_dicom

REPOSITORY = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
linux = pytest.mark.skipif(not PROC.joinpath("self/limits").exists(), reason="needs Linux's /proc")


@pytest.fixture
def film(tmp_path):
    return str(write_dicom(tmp_path / "film.dcm", np.arange(4096, dtype=np.uint16).reshape(64, 64)))


@pytest.fixture
def own_pool():
    made = pool.Pool(workers=1)
    yield made
    made.close()


def worker_pid(made: pool.Pool) -> int:
    (worker,) = made._idle
    return worker.pid


def run_python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or is only waiting for its parent to notice."""
    try:
        return ") Z " in PROC.joinpath(f"{pid}/stat").read_text()
    except OSError:
        return True


def wait_until_ended(pid: int) -> bool:
    for _ in range(200):
        if has_ended(pid):
            return True
        time.sleep(0.05)
    return False


def test_one_process_reads_many_films(own_pool, film):
    first = own_pool.read(film)
    pid = worker_pid(own_pool)
    again = own_pool.read(film)
    assert worker_pid(own_pool) == pid
    assert (first.pixels == again.pixels).all()


def test_a_refusal_does_not_cost_the_process(own_pool, film, tmp_path):
    own_pool.read(film)
    pid = worker_pid(own_pool)
    (tmp_path / "letter.dcm").write_text("a letter")
    with pytest.raises(FilmError):
        own_pool.read(str(tmp_path / "letter.dcm"))
    assert worker_pid(own_pool) == pid


def test_a_process_that_died_idle_is_replaced_unnoticed(own_pool, film):
    own_pool.read(film)
    pid = worker_pid(own_pool)
    os.kill(pid, signal.SIGKILL)
    assert wait_until_ended(pid)
    assert own_pool.read(film).pixels.shape == (64, 64)
    assert worker_pid(own_pool) != pid


def test_a_film_that_takes_too_long_is_given_up_in_one_sentence(own_pool, film, tmp_path):
    os.mkfifo(tmp_path / "endless")  # opening it waits for a writer that never comes
    with pytest.raises(FilmDecodeError, match="too long"):
        own_pool.read(str(tmp_path / "endless"), seconds=0.1)
    assert own_pool.read(film).pixels.shape == (64, 64)


def test_processor_time_of_earlier_films_is_not_held_against_a_later_one(own_pool, film):
    for _ in range(30):
        own_pool.read(film, seconds=1.0)
    assert own_pool.read(film, seconds=1.0).pixels.shape == (64, 64)


@linux
def test_the_process_is_limited_and_knows_no_secrets(own_pool, film, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "canary-token")
    own_pool.read(film)
    process = PROC / str(worker_pid(own_pool))
    limits = process.joinpath("limits").read_text()
    for name, value in (("address space", MAX_MEMORY_BYTES), ("file size", 0), ("core file size", 0)):
        assert any(line.startswith(f"Max {name} ") and f" {value} " in line for line in limits.splitlines())
    assert b"canary-token" not in process.joinpath("environ").read_bytes()


@linux
def test_closing_leaves_no_process_and_no_zombie(film):
    made = pool.Pool(workers=1)
    made.read(film)
    pid = worker_pid(made)
    made.close()
    assert not PROC.joinpath(str(pid)).exists()
    assert made.read(film).pixels.shape == (64, 64)
    made.close()


def test_many_threads_each_get_their_own_film(tmp_path):
    films = {}
    for number in range(12):
        film = np.full((16 + number, 20), 5, np.uint16)
        film[0, 0] = number
        films[str(write_dicom(tmp_path / f"{number}.dcm", film))] = (16 + number, 20)
    with ThreadPoolExecutor(8) as threads:
        paths = list(films) * 4
        shapes = list(threads.map(lambda path: load_study(path).shape, paths))
    assert shapes == [films[path] for path in paths]


def test_a_process_is_replaced_after_many_films(own_pool, film, monkeypatch):
    monkeypatch.setattr(pool, "FILMS_PER_WORKER", 3)
    own_pool.read(film)
    pid = worker_pid(own_pool)
    for _ in range(4):
        own_pool.read(film)
    assert worker_pid(own_pool) != pid


def test_a_script_without_a_main_guard_loads_films(film):
    done = run_python("import sys, egma; print(egma.load_study(sys.argv[1]).shape)", film)
    assert done.stdout == "(64, 64)\n"
    assert done.stderr == ""


def test_importing_the_readers_package_loads_no_parser():
    done = run_python("import sys, egma.imaging; print(sorted({'pydicom', 'PIL', 'gdcm', 'torch'} & set(sys.modules)))")
    assert done.stdout.strip() == "[]"


@linux
def test_the_process_ends_with_its_caller_however_that_ends(film):
    script = """
        import os, sys
        from egma.imaging import load_study, pool
        load_study(sys.argv[1])
        print(pool._pool._idle[0].pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = run_python(script, film)
    assert done.returncode == -9
    assert wait_until_ended(int(done.stdout))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_reads_through_a_process_of_its_own(film):
    script = """
        import os, sys
        from egma.imaging import load_study, pool
        load_study(sys.argv[1])
        mine = pool._pool._idle[0].pid
        child = os.fork()
        if child == 0:
            load_study(sys.argv[1])
            os._exit(0 if pool._pool._idle[0].pid != mine else 1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), load_study(sys.argv[1]).shape, pool._pool._idle[0].pid == mine)
    """
    done = run_python(script, film)
    assert done.stdout == "0 (64, 64) True\n"
    assert done.stderr == ""


def test_warming_up_starts_one_process_and_no_second(own_pool, film):
    own_pool.warm_up()
    pid = worker_pid(own_pool)
    own_pool.warm_up()
    assert worker_pid(own_pool) == pid
    own_pool.read(film)
    assert worker_pid(own_pool) == pid
