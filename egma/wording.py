"""Numbers in sentences and tables: 1 fixation, 1,204 fixations; 0.731, none."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with thousands marked and its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def three_digits(value: float | None) -> str:
    """A figure with three digits after the point, or "none"."""
    return "none" if value is None else f"{value:.3f}"
