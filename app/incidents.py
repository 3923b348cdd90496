"""Unexpected errors in the log: where they happened, under a reference number, without what they were about."""

from __future__ import annotations

import logging
import secrets
import traceback

log = logging.getLogger("egma.app")


def log_incident(error: BaseException) -> str:
    """Log where an unexpected error came from, and return the reference number to tell the reader.

    The error's own message is left out: it may quote a film's tags or a path.
    """
    reference = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    where = " <- ".join(f"{frame.name} ({_short(frame.filename)}:{frame.lineno})" for frame in reversed(frames))
    log.error("incident %s: %s in %s", reference, type(error).__name__, where)
    return reference


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").split("/")[-2:])
