"""Numbers in sentences: 1 fixation, 1,204 fixations."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with thousands marked and its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
