"""What a task hands back: values for a script, lines for a person, and how to keep it in a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egma.errors import SettingsError

RESULT_NAME = "result.json"
RESULTS = "results"
"""The folder of tables and pictures inside a job's own."""


@dataclass(frozen=True, eq=False)
class TaskResult:
    """The outcome of one task.

    Attributes:
        values: plain JSON values, every number finite.
        text: the same for a person, Markdown.
        save_more: writes tables and pictures into a folder beside result.json.
    """

    values: dict[str, Any]
    text: str
    save_more: Callable[[Path], None] | None = None

    def save(self, folder: Path) -> None:
        """Write result.json, table.md and what else the task has into `folder`, which is made where it is absent."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / RESULT_NAME).write_text(dump_json(self.values), encoding="utf-8")
            (folder / "table.md").write_text(self.text + "\n", encoding="utf-8")
            if self.save_more is not None:
                self.save_more(folder)
        except OSError as error:
            raise SettingsError(
                f"--out: {folder.name[:60]!r} cannot be written ({error.strerror}); choose another folder"
            ) from None


def dump_json(values: dict[str, Any]) -> str:
    """The one spelling of a result: two runs that found the same give the same bytes."""
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def finite(value: float) -> float | None:
    """The number, or None where JSON has no word for it."""
    return float(value) if math.isfinite(value) else None
