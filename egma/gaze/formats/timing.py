"""A table's times in seconds, whatever unit its columns have: named in the header, or told by how long things last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egma.gaze.formats.columns import ColumnMapping, Unit
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.table import Float64, Table

SECONDS: dict[Unit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
UNIT_WORDS: dict[Unit, str] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# A fixation lasts 0.05 to 5 s and samples are 0.1 to 50 ms apart: typical values beyond these are in a smaller unit.
LARGEST_FIXATION: dict[Unit, float] = {"s": 10.0, "ms": 1e4, "us": 1e7}
LARGEST_STEP: dict[Unit, float] = {"s": 0.5, "ms": 500.0, "us": 5e5}
# Fixations follow each other: starts a hundred times as far apart as the fixations are long are in another unit.
OTHER_UNIT = 100.0


@dataclass(frozen=True, eq=False)
class Times:
    """When each row begins and ends, in seconds; whether rows are samples; what had to be supposed."""

    start_s: Float64
    end_s: Float64
    samples: bool
    notes: list[str]


def read_times(table: Table, mapping: ColumnMapping, rows: slice | np.ndarray) -> Times:
    """The times of the chosen rows."""
    start_name = mapping.start or mapping.time
    start = table.numbers(start_name)[rows] if start_name else None
    end = table.numbers(mapping.end)[rows] if mapping.end and mapping.start else None
    duration = table.numbers(mapping.duration)[rows] if mapping.duration and end is None else None
    if duration is not None:
        return _from_durations(start, duration, mapping)
    if start is None:
        start = np.empty(0)
    with np.errstate(invalid="ignore"):  # infinite times are refused later, by their row
        lengths = np.diff(start) if end is None else end - start
    unit = mapping.unit or _unit(lengths, LARGEST_STEP if end is None else LARGEST_FIXATION)
    notes = [] if mapping.unit else [_supposed("times", unit)]
    start_s = start * SECONDS[unit]
    return Times(start_s, sample_ends(start_s) if end is None else end * SECONDS[unit], end is None, notes)


def _from_durations(start: Float64 | None, duration: Float64, mapping: ColumnMapping) -> Times:
    """Starts and durations, which may be in two units (Tobii: microseconds and milliseconds)."""
    unit = mapping.duration_unit or mapping.unit or _unit(duration, LARGEST_FIXATION)
    notes = [] if mapping.duration_unit or mapping.unit else [_supposed("times", unit)]
    duration_s = duration * SECONDS[unit]
    if start is None:
        notes.append("only durations are recorded: fixations follow each other without a gap")
        start_s = np.r_[0.0, np.cumsum(duration_s)[:-1]]
        return Times(start_s, start_s + duration_s, False, notes)
    of_start: Unit = mapping.unit or unit
    if mapping.unit is None:
        with np.errstate(invalid="ignore"):
            apart = np.diff(start)
        told = _unit(apart, LARGEST_FIXATION)
        ratio = _typical(apart) / max(_typical(duration), 1e-12)
        if mapping.duration_unit or (len(apart) and (ratio > OTHER_UNIT or ratio < 1 / OTHER_UNIT)):
            of_start = told
            notes.append(_supposed("starts", told))
    start_s = start * SECONDS[of_start]
    return Times(start_s, start_s + duration_s, False, notes)


def _supposed(what: str, unit: Unit) -> str:
    return f"{what} are taken to be in {UNIT_WORDS[unit]}"


def _typical(lengths: Float64) -> float:
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) if len(lengths) else 0.0


def _unit(lengths: Float64, largest: dict[Unit, float]) -> Unit:
    typical = _typical(lengths)
    for unit, most in largest.items():
        if typical <= most:
            return unit
    return "ns"
