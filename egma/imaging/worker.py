"""The process that reads films: everything untrusted is parsed and decoded here, under hard limits.

Started by `egma.imaging.pool` as `python -m egma.imaging.worker` and kept warm. It takes one request a line on standard
input, `{"path": ..., "frame": ...}`, and answers on standard output (`egma.imaging.wire`). It ends when its input does,
so it cannot outlive its caller by more than one film's time limit.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import BinaryIO

from egma.errors import FilmDecodeError, FilmError, FilmTooLargeError
from egma.imaging.budget import MAX_FILE_BYTES, MAX_MEMORY_BYTES, MAX_SECONDS, check_file_bytes
from egma.imaging.sniff import HEAD_BYTES, detect_kind
from egma.imaging.wire import Film, write_error, write_film

try:
    import resource
except ImportError:  # Windows: the caller's wall clock is then the only limit
    resource = None  # type: ignore[assignment]


def read_film(path: Path, frame: int | None) -> Film:
    """Read one file of any accepted kind, in this process. Callers outside use `egma.imaging.load_study`."""
    data = _read_file(path)
    kind = detect_kind(data[:HEAD_BYTES])
    if kind == "dicom":
        from egma.imaging.dicom import read_dicom

        return read_dicom(data, frame)
    from egma.imaging.raster import read_raster

    return read_raster(data, kind, frame)


def main() -> None:
    """Serve requests until standard input ends."""
    answers = _take_standard_output()
    _quieten()
    _import_readers()
    _limit_process()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_film(float(request.get("seconds", MAX_SECONDS)))
        _serve(answers, request)
        _lift_alarm()


def _serve(answers: BinaryIO, request: dict) -> None:
    """Answer one request with a film or with one sentence.

    Whatever a parser of untrusted bytes raises may quote the file, so only its type leaves this process.
    """
    try:
        film = read_film(Path(request["path"]), request["frame"])
    except FilmError as error:
        write_error(answers, error)
    except MemoryError:
        write_error(answers, FilmTooLargeError("The film needs more memory than one film may use; scale it down."))
    except Exception as error:
        kind = type(error).__name__
        write_error(
            answers, FilmDecodeError(f"The film is damaged and could not be decoded ({kind}); export it again.")
        )
    else:
        write_film(answers, film)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise FilmError("The file could not be opened; check that it still exists and may be read.") from None
    check_file_bytes(len(data))
    return data


def _take_standard_output() -> BinaryIO:
    """Keep the answer channel for answers alone: C libraries that print find standard output closed to them."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return answers


def _quieten() -> None:
    """Parsers' own warnings and logs may quote a file's values: none leave this process."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's; the end of input is this process's


def _import_readers() -> None:
    """Pay for the imports before the first film asks."""
    from egma.imaging import dicom, raster

    dicom.warm_up()
    raster.warm_up()


def _limit_process() -> None:
    """Bound memory, and forbid growing a file or dumping core, for the life of the process."""
    if resource is None:
        return
    for name, limit in (("RLIMIT_AS", MAX_MEMORY_BYTES), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        if hasattr(resource, name):
            try:
                resource.setrlimit(getattr(resource, name), (limit, limit))
            except (ValueError, OSError):  # a lower limit is in force already, or the platform has none
                continue


def _limit_film(seconds: float) -> None:
    """Give one film its own time: a warm process has used processor time on earlier films, so the limit moves along.

    Both limits end the process even inside a decoder written in C, and even if the caller is gone.
    """
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds + 2)


def _lift_alarm() -> None:
    if resource is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
