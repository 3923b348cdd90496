"""The cause of a failure, by name, and one sentence with what to do next."""

from __future__ import annotations

import errno
from pathlib import Path

from egma.errors import DataError, EgmaError, JobFailedError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = (
    "no space left",
    "disk quota",
    "file too large",
    "os error 28",
    "os error 27",
    "os error 122",
    "enforce fail at inline_container",  # how torch.save says that it wrote less than it wanted
    "pytorchstreamwriter failed",
)
_MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "std::bad_alloc",
    "defaultcpuallocator",
    "not enough memory",
)


def explain_failure(error: BaseException) -> JobFailedError:
    """The failure with its cause named. One that carries its cause already is returned as it is."""
    if isinstance(error, JobFailedError):
        return error
    chain = _chain(error)
    if any(_is_disk_full(each) for each in chain):
        return JobFailedError("disk full", "The disk is full: free some space, then resume the run.")
    if any(_is_out_of_memory(each) for each in chain):
        return JobFailedError(
            "out of memory", "The memory did not suffice: choose a smaller batch or model, then resume the run."
        )
    return JobFailedError(*_name_kind(error))


def _name_kind(error: BaseException) -> tuple[str, str]:
    """Cause and sentence of a failure that is neither of disk nor of memory."""
    if isinstance(error, DataError):
        return "data missing", str(error)
    if isinstance(error, FileNotFoundError):
        return "data missing", f"A file is missing: {Path(str(error.filename)).name[-120:]}."
    if isinstance(error, EgmaError):
        return "wrong settings", str(error)
    if isinstance(error, KeyboardInterrupt):
        return "killed", "It was interrupted from the keyboard; resume it."
    return "bug", f"{type(error).__name__}: {str(error)[:200]}. The log holds the traceback."


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return isinstance(error, Exception) and any(word in str(error).lower() for word in _FULL_WORDS)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _MEMORY_WORDS)
