"""Many wordings of one thing: a finding present, absent, or on one side, composed of names and frames kept as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.data.labels import ABSENT, NORMAL, PRESENT
from egma.findings import FINDINGS, build_findings

SIDES = ("left", "right")
ZONES = ("upper", "mid", "lower")
_NEIGHBOURS = 40
"""Composed sentences that deny several findings at once, as reports do."""


@dataclass(frozen=True)
class Phrase:
    """A wording.

    Attributes:
        text: as a reader would type or dictate it.
        said: (finding, 1 present or -1 absent) pairs.
        side, zone: where it places the finding; "" where it does not.
    """

    text: str
    said: tuple[tuple[str, int], ...]
    side: str = ""
    zone: str = ""


@cache
def _frames() -> dict:  # type: ignore[type-arg]
    return json.loads(Path(__file__).with_name("phrases.json").read_text(encoding="utf-8"))


def write_phrases(rng: Generator) -> list[Phrase]:
    """Every wording of every finding, the checkpoint's own prompts among them."""
    frames = _frames()
    found: list[Phrase] = []
    for finding, names in frames["names"].items():
        for name in names:
            found += [Phrase(_fill(frame, x=name), ((finding, PRESENT),)) for frame in frames["present"]]
            bare = name.removeprefix("a ").removeprefix("an ")
            found += [Phrase(_fill(frame, x=bare), ((finding, ABSENT),)) for frame in frames["absent"]]
            found += _placed(finding, bare)
    found += [Phrase(text, ((NORMAL, PRESENT),)) for text in frames["normal"]]
    found += [Phrase(text, ((NORMAL, ABSENT),)) for text in frames["abnormal"]]
    found += _denials(rng)
    for finding, config in build_findings().items():
        found += [Phrase(text, ((finding, PRESENT),)) for text in config.positive]
        found += [Phrase(text, ((finding, ABSENT),)) for text in config.negative]
    return found


def label_phrases(phrases: list[Phrase]) -> NDArray[np.int8]:
    """int8 (T, 15): 1 present, -1 absent, 0 not spoken of. A finding that is present makes the film abnormal."""
    labels = np.zeros((len(phrases), len(FINDINGS)), np.int8)
    for row, phrase in enumerate(phrases):
        for finding, value in phrase.said:
            labels[row, FINDINGS.index(finding)] = value
            if value == PRESENT and finding != NORMAL:
                labels[row, FINDINGS.index(NORMAL)] = ABSENT
    return labels


def _placed(finding: str, name: str) -> list[Phrase]:
    frames, said = _frames(), ((finding, PRESENT),)
    found = []
    if finding in frames["one_sided"]:
        for side in SIDES:
            found += [Phrase(_fill(frame, x=name, side=side), said, side) for frame in frames["located"]]
    if finding in frames["zones"]:
        for side in SIDES:
            for zone in ZONES:
                found += [
                    Phrase(_fill(frame, x=name, side=side, zone=zone), said, side, zone) for frame in frames["zoned"]
                ]
    return found


def _denials(rng: Generator) -> list[Phrase]:
    frames = _frames()
    findings = list(frames["names"])
    found = []
    for _ in range(_NEIGHBOURS):
        three = [str(name) for name in rng.permutation(findings)[:3]]
        names = [str(rng.choice(frames["names"][finding])).removeprefix("a ").removeprefix("an ") for finding in three]
        for frame in frames["absent_beside"]:
            text = _fill(frame, x=names[0], y=names[1], z=names[2])
            spoken = three if "{z}" in frame else three[:2]
            found.append(Phrase(text, tuple((finding, ABSENT) for finding in spoken)))
    return found


def _fill(frame: str, **words: str) -> str:
    text = frame.format(**words)
    return text[0].upper() + text[1:] if text.endswith(".") else text
