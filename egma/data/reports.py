"""The sentences of a written report that describe the film: its findings and impression, not why it was taken."""

from __future__ import annotations

import re

from egma.errors import PromptError
from egma.inference.prompts import split_sentences

# Headings as MIMIC-CXR's free-text reports have them: capitals at a line's start, a colon behind.
_HEADING = re.compile(r"^[ \t]*([A-Z][A-Z /&-]{2,60}):", re.MULTILINE)
_KEPT = (
    "FINDINGS",
    "IMPRESSION",
    "CONCLUSION",
    "FINDINGS AND IMPRESSION",
    "FINDINGS/IMPRESSION",
    "FINDINGS IMPRESSION",
)


def report_sentences(text: str) -> tuple[str, ...]:
    """Sentences of the findings and impression, in order; of the whole text where it has neither heading.

    Raises:
        PromptError: the text is longer than any report.
    """
    parts = _sections(text)
    kept = [body for name, body in parts if name in _KEPT and body.strip()]
    return tuple(sentence for body in kept or [text] if body.strip() for sentence in split_sentences(body))


def read_sentences(text: str) -> tuple[str, ...] | None:
    """As `report_sentences`; None where the text cannot be a report."""
    try:
        return report_sentences(text)
    except PromptError:
        return None


def _sections(text: str) -> list[tuple[str, str]]:
    """(heading, body) of each section; what stands before the first heading is left out."""
    found = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in found[1:]] + [len(text)]
    return [(heading[1].strip(), text[heading.end() : end]) for heading, end in zip(found, ends)]
