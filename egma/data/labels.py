"""What a report sentence says of each finding: present, absent, or nothing. Rules, with the words kept as data.

In the manner of NegEx (Chapman et al. 2001) and the CheXpert labeller (Irvin et al. 2019): a finding's term counts as
absent where a negation stands before it in the same scope, or a few set phrases after it. A hedged finding ("possible
pneumonia") counts as present: a radiologist who writes it saw something.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.findings import FINDINGS

PRESENT, ABSENT, UNSAID = 1, -1, 0
NORMAL = "No Finding"
_VOCABULARY = Path(__file__).with_name("vocabulary.json")
_LATERALITY = re.compile(r"\b(left|right|bilateral(?:ly)?|bibasilar|biapical|both)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Vocabulary:
    """The compiled words of vocabulary.json; see there for what each list is for."""

    terms: dict[str, re.Pattern[str]]
    denied_by: dict[str, re.Pattern[str]]
    normal: re.Pattern[str]
    not_of_the_chest: re.Pattern[str]
    clear_lungs: re.Pattern[str]
    denied_by_clear_lungs: tuple[str, ...]
    denied_by_normal_film: tuple[str, ...]
    negations: re.Pattern[str]
    negations_after: re.Pattern[str]
    not_negations: re.Pattern[str]
    scope_ends: re.Pattern[str]
    ignored: re.Pattern[str]
    mesh: dict[str, tuple[str, ...]]


@cache
def load_vocabulary() -> Vocabulary:
    """Read vocabulary.json once."""
    raw = json.loads(_VOCABULARY.read_text(encoding="utf-8"))
    return Vocabulary(
        terms={finding: _any_of(words) for finding, words in raw["terms"].items()},
        denied_by={finding: _any_of(words) for finding, words in raw["denied_by"].items()},
        normal=_any_of(raw["normal"]),
        not_of_the_chest=_any_of(raw["not_of_the_chest"]),
        clear_lungs=_any_of(raw["clear_lungs"]),
        denied_by_clear_lungs=tuple(raw["denied_by_clear_lungs"]),
        denied_by_normal_film=tuple(raw["denied_by_normal_film"]),
        negations=_any_of(raw["negations"]),
        negations_after=_any_of(raw["negations_after"]),
        not_negations=_any_of(raw["not_negations"]),
        scope_ends=_any_of(raw["scope_ends"]),
        ignored=_any_of(raw["ignored"]),
        mesh={heading: tuple(findings) for heading, findings in raw["mesh"].items()},
    )


def label_sentence(sentence: str) -> NDArray[np.int8]:
    """int8 (15,) in the order of `FINDINGS`: 1 present, -1 absent, 0 not spoken of.

    "No Finding" is present where the sentence calls lungs or film normal and names nothing present, and absent where
    any other finding is present.
    """
    words = load_vocabulary()
    said = dict.fromkeys(FINDINGS, UNSAID)
    text = words.ignored.sub(" ", sentence.lower())
    for clause in split_clauses(text, words):
        _read_clause(clause, words, said)
    if words.clear_lungs.search(text):
        _deny(said, words.denied_by_clear_lungs)
    is_normal = bool(words.normal.search(text)) and not words.not_of_the_chest.search(text)
    if is_normal and not words.clear_lungs.search(text):
        _deny(said, words.denied_by_normal_film)
    if PRESENT in said.values():
        said[NORMAL] = ABSENT
    elif is_normal:
        said[NORMAL] = PRESENT
    return np.array([said[finding] for finding in FINDINGS], np.int8)


def label_mesh(headings: tuple[str, ...]) -> NDArray[np.int8]:
    """int8 (15,): findings that MeSH headings ("Cardiomegaly/mild") name; 1 named, 0 not."""
    words = load_vocabulary()
    named = {finding for heading in headings for finding in words.mesh.get(heading.split("/")[0].strip(), ())}
    return np.array([finding in named for finding in FINDINGS], np.int8)


def sides_of(sentence: str) -> frozenset[str]:
    """The sides a sentence speaks of: "left", "right", both or none."""
    found = {match.lower() for match in _LATERALITY.findall(sentence)}
    sides = found & {"left", "right"}
    return frozenset({"left", "right"} if found - {"left", "right"} else sides)


def swap_sides(sentence: str) -> str:
    """The sentence as it reads for the mirrored film: left for right and right for left, capitals kept."""

    def swapped(match: re.Match[str]) -> str:
        word = match.group(0)
        other = "right" if word.lower() == "left" else "left"
        return other.capitalize() if word[0].isupper() else other

    return re.sub(r"\b(?:left|right)\b", swapped, sentence, flags=re.IGNORECASE)


def split_clauses(text: str, words: Vocabulary) -> list[str]:
    """Stretches that a negation's scope does not leave: cut at stops, semicolons and words such as "but"."""
    marked = words.scope_ends.sub(lambda match: f"; {match.group(0)}", text)
    return [clause for clause in re.split(r"[.;:!?]\s", marked + " ") if clause.strip()]


def _read_clause(clause: str, words: Vocabulary, said: dict[str, int]) -> None:
    clause = words.not_negations.sub(" ", clause)
    negation = words.negations.search(clause)
    denied_after = words.negations_after.search(clause)
    for finding, term in words.terms.items():
        for match in term.finditer(clause):
            before = negation is not None and negation.start() < match.end()
            after = denied_after is not None and denied_after.start() >= match.end()
            said[finding] = max(said[finding], ABSENT if before or after else PRESENT, key=_certainty)
    for finding, phrase in words.denied_by.items():
        if said[finding] == UNSAID and phrase.search(clause):
            said[finding] = ABSENT


def _certainty(label: int) -> int:
    """A finding named present anywhere in the sentence is present."""
    return {UNSAID: 0, ABSENT: 1, PRESENT: 2}[label]


def _deny(said: dict[str, int], findings: tuple[str, ...]) -> None:
    for finding in findings:
        if said[finding] == UNSAID:
            said[finding] = ABSENT


def _any_of(words: list[str]) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:" + "|".join(words) + r")(?![\w])", re.IGNORECASE)
