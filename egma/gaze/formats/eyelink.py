"""EyeLink `.asc` recordings: the tracker's own fixations (EFIX lines) where it parsed any, else the raw samples.

A file holds a block from START to END for every trial; blocks of one TRIALID belong together, and each trial is a
recording of its own, since another film may have been shown. Positions are pixels of the tracker's screen: the film
must have been drawn on the whole of it (DISPLAY_COORDS), or its place said afterwards. A missing position is "." or
1e8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.head import Head, decode
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.table import read_table
from egma.gaze.recordings import Entry, Recordings, one_or_many
from egma.gaze.track import GazeTrack

_NUMBER = r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?"
FIXATION = re.compile(
    rf"^EFIX\s+(?P<eye>[LR])\s+(?P<start>{_NUMBER})\s+(?P<end>{_NUMBER})\s+{_NUMBER}\s+"
    rf"(?P<x>{_NUMBER}|\.)\s+(?P<y>{_NUMBER}|\.)\s+(?P<pupil>{_NUMBER}|\.)"
)
DISPLAY = re.compile(
    r"(?:DISPLAY_COORDS|GAZE_COORDS)\s*=?\s*(-?\d+)(?:\.\d*)?[\s,]+(-?\d+)(?:\.\d*)?[\s,]+(\d+)(?:\.\d*)?[\s,]+(\d+)"
)
START = re.compile(r"^START\s+(\d+\.?\d*)")
TRIAL = re.compile(r"^MSG\s+\d+\.?\d*\s+TRIALID\s+(\S.*)$")
KIND = re.compile(r"^(SAMPLES|EVENTS)\s+(GAZE|HREF|RAW|PUPIL)\b(.*)$")
MARKS = ("** CONVERTED FROM", "** DATE:", "** TYPE:")
MISSING_PX = 1e7  # edf2asc writes 1e8 where there is no position
NOTE = "positions are pixels of the tracker's screen: they fit a film only if it filled the screen"


@dataclass
class _Trial:
    """One trial while its lines are read: times in milliseconds, samples as runs (first, past the last) of lines."""

    name: str
    zero_ms: float | None = None
    eyes: tuple[str, ...] = ()
    events: dict[str, list[list[float]]] = field(default_factory=dict)
    samples: list[list[int]] = field(default_factory=list)


def matches(head: Head) -> bool:
    """Whether this is an EyeLink recording converted to text."""
    return head.text.lstrip().startswith(MARKS) or bool(
        re.search(r"^(EFIX|SAMPLES\s+GAZE|START\s+\d+)\b", head.text, re.M)
    )


def load(head: Head) -> GazeTrack | Recordings:
    """Read every trial; the eye that was tracked better where both were."""
    try:
        text = decode(head.path.read_bytes())
    except OSError as error:
        raise GazeError(f"the file cannot be read ({error.strerror}); check that it may be") from None
    lines = text.splitlines()
    screen = next((found for line in lines if (found := DISPLAY.search(line))), None)
    frame = None if screen is None else (int(screen[4]) - int(screen[2]) + 1, int(screen[3]) - int(screen[1]) + 1)
    trials = [trial for trial in _read_trials(lines) if trial.events or trial.samples]
    check.check_rows(len(trials), "fixation (EFIX) or sample")
    entries = [
        Entry(trial.name, lambda trial=trial: _build(trial, lines, frame, len(trials) > 1), {"recording": trial.name})
        for trial in trials
    ]
    return one_or_many(Recordings(entries))


def _read_trials(lines: list[str]) -> list[_Trial]:
    """The file's trials in order; what stands before the first START belongs to the first."""
    trials: dict[str, _Trial] = {}
    named, current = "", _Trial("trial 1")
    for number, line in enumerate(lines):
        if line[:1].isdigit():
            if current.samples and current.samples[-1][1] == number:
                current.samples[-1][1] = number + 1
            else:
                current.samples.append([number, number + 1])
        elif found := FIXATION.match(line):
            row = [_number(found[name]) for name in ("start", "end", "x", "y", "pupil")]
            current.events.setdefault(found["eye"], []).append(row)
        elif found := TRIAL.match(line):
            named = f"trial {found[1].strip()[:60]}"
        elif found := START.match(line):
            name = named or f"trial {len(trials) + 1}"
            current = trials.setdefault(name, current if not trials else _Trial(name))
            current.name = name
            current.zero_ms = float(found[1]) if current.zero_ms is None else current.zero_ms
        elif found := KIND.match(line):
            _check_kind(found[2])
            current.eyes = tuple(eye for eye in ("LEFT", "RIGHT") if eye in found[3]) or current.eyes
    return list(trials.values()) or [current]


def _check_kind(kind: str) -> None:
    if kind != "GAZE":
        raise GazeError(f"the EyeLink file has {kind} positions, wanted GAZE, in screen pixels; convert it again so")


def _build(trial: _Trial, lines: list[str], frame: tuple[int, int] | None, several: bool) -> GazeTrack:
    if trial.events:
        eye = max(trial.events, key=lambda each: len(trial.events[each]))
        table = np.array(trial.events[eye], np.float64)
        start_ms, end_ms, xy, pupil, notes = table[:, 0], table[:, 1], table[:, 2:4], table[:, 4], ()
    else:
        start_ms, xy, pupil, notes = _read_samples(trial, lines)
        end_ms = sample_ends(start_ms)
    zero_ms = float(start_ms[0]) if trial.zero_ms is None else trial.zero_ms
    with np.errstate(invalid="ignore", over="ignore"):  # times that are none are refused next, by their row
        start_s, end_s = (start_ms - zero_ms) / 1e3, (end_ms - zero_ms) / 1e3
    check.check_times(start_s, end_s)
    xy = np.where(np.abs(xy) > MISSING_PX, np.nan, xy)
    check.check_positions(xy)
    return GazeTrack(
        xy_px=xy,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="fixations" if trial.events else "samples",
        pupil=pupil,
        pupil_unit="tracker units",
        frame_hw=frame,
        stretched=frame is not None,
        source="eyelink",
        ids={"recording": trial.name} if several else {},
        notes=(*notes, NOTE),
    )


def _read_samples(trial: _Trial, lines: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Times in ms (S,), positions (S, 2) and pupil (S,) of the eye with more positions, and what was left out."""
    width = 7 if len(trial.eyes) > 1 else 4
    body = [line for start, stop in trial.samples for line in lines[start:stop]]
    if "\t" not in body[0]:  # edited by hand: blanks for tabs
        body = ["\t".join(line.split()) for line in body]
    names = [f"cell {number}" for number in range(max(width, body[0].count("\t") + 1))]
    data = "\n".join(["\t".join(names), *body]).encode()
    table = read_table(data, "the samples", numbers=names[:width], separator="\t")
    check.check_rows(len(table), "whole sample")
    eyes = [table.stack(names[at : at + 3]) for at in range(1, width, 3)]
    best = max(eyes, key=lambda eye: int(np.isfinite(eye[:, :2]).all(axis=1).sum()))
    return table.numbers(names[0]), best[:, :2], best[:, 2], table.notes


def _number(text: str) -> float:
    return float("nan") if text == "." else float(text)
