"""A report's sections and sentences: what was seen, apart from why it was asked and with what it was compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from egma.data.labels import ABSENT, NORMAL, PRESENT, label_sentence
from egma.findings import FINDINGS
from egma.inference.prompts import split_sentences

_HEADINGS = {
    "findings": "findings and impression|findings?|report|results?",
    "impression": "impressions?|conclusions?|opinion|summary|interpretation|addendum",
    "indication": "(?:clinical |patient )?(?:indications?|history|information|data)"
    "|reason for (?:exam(?:ination)?|study)",
    "comparison": "comparisons?|prior(?: exam(?:ination)?s?| stud(?:y|ies))?",
    "technique": "techniques?|procedures?|exam(?:ination)?|views?|study",
}
_NAMED = "|".join(f"(?P<{name}>{words})" for name, words in _HEADINGS.items())
_HEADING = re.compile(rf"(?:^|(?<=[.!?\n]))[ \t]*\**(?:{_NAMED})\**[ \t]*:\**", re.IGNORECASE | re.MULTILINE)
NORMAL_BIT = 1 << FINDINGS.index(NORMAL)
_CONTEXT = ("indication", "comparison", "technique")


@dataclass(frozen=True)
class Section:
    """A stretch of a report under one heading; `name` is "" before the first heading."""

    name: str
    text: str

    @property
    def is_seen(self) -> bool:
        """Whether it says what the film shows, rather than why or how it was taken."""
        return self.name not in _CONTEXT


@dataclass(frozen=True)
class Sentence:
    """A sentence and the section it stands in."""

    text: str
    section: str


def split_sections(text: str) -> tuple[Section, ...]:
    """The report's sections in order, headings taken off; empty ones are left out."""
    sections: list[Section] = []
    name, start = "", 0
    for match in _HEADING.finditer(text):
        sections.append(Section(name, text[start : match.start()].strip()))
        name, start = str(match.lastgroup), match.end()
    sections.append(Section(name, text[start:].strip()))
    return tuple(section for section in sections if section.text)


def split_report(text: str) -> tuple[Sentence, ...]:
    """The sentences that say what the film shows, in order; where no section does so, all of them."""
    sections = split_sections(text)
    seen = [section for section in sections if section.is_seen] or list(sections)
    return tuple(Sentence(sentence, section.name) for section in seen for sentence in split_sentences(section.text))


def label_masks(sentences: Sequence[str]) -> tuple[int, int]:
    """(present, absent): bit n is set where a sentence names finding n of `FINDINGS` as there, or as not there.

    What one sentence calls present is present, whatever another denies.
    """
    return join_masks([_sentence_masks(sentence) for sentence in sentences])


def join_masks(masks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(present, absent) of a report from those of its sentences; a report with a finding is not normal."""
    present = absent = 0
    for there, denied in masks:
        present |= there
        absent |= denied
    if present & ~NORMAL_BIT:
        present, absent = present & ~NORMAL_BIT, absent | NORMAL_BIT
    return present, absent & ~present


def named_in(mask: int) -> tuple[str, ...]:
    """The findings whose bits are set."""
    return tuple(finding for bit, finding in enumerate(FINDINGS) if mask >> bit & 1)


def finding_bit(finding: str) -> int:
    """The mask of one finding, by its name in any case."""
    return 1 << [name.lower() for name in FINDINGS].index(finding.strip().lower())


@lru_cache(maxsize=50_000)  # reports say the same things: 20,000 Open-i sentences are 8,600
def _sentence_masks(sentence: str) -> tuple[int, int]:
    labels = label_sentence(sentence)
    return _mask(labels == PRESENT), _mask(labels == ABSENT)


def _mask(flags: np.ndarray) -> int:
    return sum(1 << int(bit) for bit in np.flatnonzero(flags))
