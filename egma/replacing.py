"""A file is replaced as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write beside the file and take its place: whoever reads sees the old bytes or the new ones, never a part.

    Args:
        path: the file.
        data: what it holds afterwards.
        durable: wait until the disk has it, for what must outlive a power cut.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
