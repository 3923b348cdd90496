"""Start, stop and resume a job from the page or a terminal. The process is detached: it outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from egma.errors import JobError
from egma.jobs import state as files
from egma.jobs.files import read_json, write_json
from egma.jobs.folder import JobFolder, new_job_folder
from egma.jobs.process import read_mark
from egma.jobs.queue import name_device

GRACE_S = 60.0
"""How long a job may take to write its checkpoint after it was asked to stop; then it is killed."""
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_FOLDER_WORD = "{folder}"

# The job's process sees these and names that start so; no token, key or proxy of the page's.
_ENVIRONMENT = (
    "PATH HOME USER LANG LC_ALL LC_CTYPE TZ LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV TMPDIR "
    "TEMP TMP XDG_CACHE_HOME HF_HOME TORCH_HOME HF_HUB_OFFLINE TRANSFORMERS_OFFLINE PYTHONWARNINGS SPACE_ID"
)
_PREFIXES = ("EGMA_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "PYTORCH_")


def egma_argv(*arguments: str) -> tuple[str, ...]:
    """The argv of `python -m egma ...`; the word "{folder}" stands for the run folder, wherever that will be."""
    return (sys.executable, "-m", "egma", *arguments)


def launch(
    folder: Path,
    argv: Sequence[str],
    *,
    resume_argv: Sequence[str] | None = None,
    device: str = "auto",
    title: str = "",
    config: dict[str, Any] | None = None,
) -> JobFolder:
    """Start a job in a session of its own and return; it takes its turn on the device by itself.

    Args:
        folder: the run folder; it must not hold a job that has not ended.
        argv: program and arguments, no shell; "{folder}" in an argument becomes the folder's path. The program enters
            `egma.jobs.running` with the same folder.
        resume_argv: what `resume` runs; None for the same.
        device: "auto", "cpu", "cuda:0", "mps".
        title: what the job is, in a few words.
        config: written as config.json where given.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / files.JOB_FILE).exists() and not files.read_state(folder).is_over:
        raise JobError(f"job {folder.name} has not ended; stop it first")
    if config is not None:
        write_json(folder / files.CONFIG_FILE, config, durable=True)
    job = {
        "argv": list(argv),
        "resume_argv": list(resume_argv or argv),
        "device": name_device(device),
        "title": title,
        "time": time.time(),
    }
    _start(folder, job, list(argv))
    return JobFolder(folder)


def stop(folder: Path, grace_s: float = GRACE_S) -> None:
    """Ask the job to stop, and see to it that it does: SIGTERM to its process group, SIGKILL after the grace time.

    Raises:
        JobError: it has ended already.
    """
    folder = Path(folder).resolve()
    if files.read_state(folder).is_over:
        raise JobError(f"job {folder.name} has ended already")
    write_json(folder / files.STOP_FILE, {"time": time.time(), "grace_s": grace_s}, durable=True)
    mark = read_mark(read_json(folder / files.PROCESS_FILE))
    if mark is not None and mark.send(signal.SIGTERM):
        # beside us, so that the grace time ends also when the page does
        _detach([sys.executable, "-m", "egma.jobs.ender", str(folder), str(float(grace_s))], subprocess.DEVNULL)


def resume(folder: Path) -> JobFolder:
    """Start an ended job again where it was.

    Raises:
        JobError: it has not ended, it finished, or nobody knows how it was started.
    """
    folder = Path(folder).resolve()
    found = JobFolder(folder)
    job, state = found.job, found.state()
    if not state.may_resume:
        raise JobError(f"job {folder.name} is {state.name}; only one that stopped, failed or was lost can be resumed")
    if not job.get("resume_argv"):
        raise JobError(f"job {folder.name} was started in a terminal; resume it there with its own command")
    _start(folder, {**job, "time": time.time()}, [str(word) for word in job["resume_argv"]])
    return found


def duplicate(folder: Path) -> JobFolder:
    """Start the same job once more, in a new folder beside the old one, with the same config.

    Raises:
        JobError: nobody knows how it was started.
    """
    old = JobFolder(Path(folder).resolve())
    job = old.job
    if not job.get("argv"):
        raise JobError(f"job {old.id} was started in a terminal; start it again there")
    return launch(
        new_job_folder(old.path.parent),
        [str(word) for word in job["argv"]],
        resume_argv=[str(word) for word in job["resume_argv"]],
        device=str(job["device"]),
        title=str(job["title"]),
        config=old.config() or None,
    )


def command_of(folder: Path) -> list[str]:
    """The exact argv of the job, with its folder, as a terminal would run it."""
    return _fill(JobFolder(folder).job.get("argv", []), folder)


def _start(folder: Path, job: dict[str, Any], argv: list[str]) -> None:
    write_json(folder / files.JOB_FILE, job, durable=True)
    for leftover in (files.STOP_FILE, files.PROCESS_FILE, files.RESULT_FILE, files.HEARTBEAT_FILE, files.STATE_FILE):
        (folder / leftover).unlink(missing_ok=True)
    with (folder / files.LOG_FILE).open("ab") as log:
        _detach(_fill(argv, folder), log, {files.LAUNCH_VARIABLE: str(job["time"])})


def _fill(argv: Sequence[Any], folder: Path) -> list[str]:
    return [str(word).replace(_FOLDER_WORD, str(folder)) for word in argv]


def _detach(argv: list[str], output: Any, extra: dict[str, str] | None = None) -> None:
    """A process in a session of its own, collected by a thread when it ends before us."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**_environment(), **(extra or {})},
        )
    except OSError as error:
        raise JobError(f"the job's process could not be started ({error.strerror})") from None
    threading.Thread(target=process.wait, name=f"egma-job-{process.pid}", daemon=True).start()


def _environment() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name in _ENVIRONMENT.split() or name.startswith(_PREFIXES)
    }
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
    kept["PYTHONUNBUFFERED"] = "1"
    return kept
