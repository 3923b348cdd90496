"""Cells of a CSV file that a spreadsheet shows as text, whatever they hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULAS = ("=", "+", "-", "@")
_STARTS = (*_FORMULAS, "\t", "\r", "\n")
"""What a spreadsheet takes for the start of a formula, or drops to find one behind it."""


def safe_cell(value: object) -> str:
    """A cell's text, with an apostrophe in front where a spreadsheet would run it as a formula; numbers stay."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) or text.lstrip().startswith(_FORMULAS) else text


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole CSV file as text: every text cell quoted and defused, lines ended as RFC 4180 wants."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow([safe_cell(cell) for cell in head])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return stream.getvalue()
