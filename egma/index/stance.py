"""What a question asserts or denies, and whether a report says the same or the opposite.

For the fifteen findings this is `egma.data.labels`. For any other word ("no fracture") the same lists of negations
decide whether the clause that holds it denies it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from egma.data.labels import load_vocabulary, split_clauses
from egma.index.sections import NORMAL_BIT, label_masks, split_sections
from egma.index.words import Question

AGREES, CONTRADICTS, SILENT = "agrees", "contradicts", ""
_LEAST_STEM = 5


@dataclass(frozen=True)
class Stance:
    """A question's stance.

    Attributes:
        present, absent: masks of the findings it asserts and denies.
        terms: the words it asks for.
        denies: whether it denies them, where no finding is named.
    """

    present: int
    absent: int
    terms: tuple[str, ...]
    denies: bool

    @classmethod
    def of(cls, question: Question) -> Stance:
        """Read a question's stance."""
        present, absent = label_masks([question.text])
        vocabulary = load_vocabulary()
        denies = bool(vocabulary.negations.search(vocabulary.not_negations.sub(" ", question.text.lower())))
        return cls(present, absent & ~NORMAL_BIT, question.terms, denies)

    @property
    def names_findings(self) -> bool:
        """Whether it speaks of any of the fifteen findings."""
        return bool(self.present | self.absent)

    def of_masks(self, present: int, absent: int) -> str:
        """What a report, or a sentence, with these findings says of it."""
        if (self.present & absent) | (self.absent & present):
            return CONTRADICTS
        return AGREES if (self.present & present) | (self.absent & absent) else SILENT

    def of_text(self, text: str) -> str:
        """What a text says of words that are no finding: agrees where one clause does, whatever another says."""
        vocabulary = load_vocabulary()
        seen = " . ".join(section.text for section in split_sections(text) if section.is_seen) or text
        found = SILENT
        for clause in split_clauses(seen.lower(), vocabulary):
            match = self._terms_pattern.search(clause)
            if match is None:
                continue
            spoken = vocabulary.not_negations.sub(lambda words: " " * len(words.group()), clause)
            before = vocabulary.negations.search(spoken)
            after = vocabulary.negations_after.search(spoken)
            denied = (before is not None and before.start() < match.start()) or (
                after is not None and after.start() >= match.end()
            )
            if denied == self.denies:
                return AGREES
            found = CONTRADICTS
        return found

    @cached_property
    def _terms_pattern(self) -> re.Pattern[str]:
        """The rarest kind of word it asks for is taken to be the longest."""
        longest = max(self.terms, key=len)
        stem = longest[: max(_LEAST_STEM, len(longest) - 2)]
        return re.compile(rf"\b{re.escape(stem)}\w*")
