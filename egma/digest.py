"""The one way a file is named by its content."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path


def digest_file(path: Path) -> str:
    """SHA-256 of a file, in lower-case hex."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
