"""Which sentence of a report answers a question: by the words in quotes, by what it asserts, by meaning, by words."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from egma.errors import PromptError
from egma.index.sections import split_report
from egma.index.stance import CONTRADICTS, Stance
from egma.index.words import Question, count_terms, stands_in
from egma.types import Float32


@dataclass(frozen=True, eq=False)
class StoredSentence:
    """A sentence; `vector` is None where it was not embedded, masks are None where it was not read for findings."""

    text: str
    masks: tuple[int, int] | None = None
    vector: Float32 | None = None


@dataclass(frozen=True)
class MatchedSentence:
    """The sentence that matched, and its cosine with the question; "" and None where there is none."""

    text: str = ""
    cosine: float | None = None


def read_sentences(connection: sqlite3.Connection, record: int, width: int, text: str = "") -> list[StoredSentence]:
    """A report's sentences as they were embedded; where none was, those of `text`."""
    found = connection.execute(
        "SELECT p.text, p.present, p.absent, v.v FROM sentences s JOIN phrases p ON p.row = s.phrase "
        "JOIN phrase_vectors v ON v.row = s.phrase WHERE s.record = ? ORDER BY s.ordinal",
        (record,),
    ).fetchall()
    if found:
        return [
            StoredSentence(words, (present, absent), np.frombuffer(blob, "<f4") if width else None)
            for words, present, absent, blob in found
        ]
    try:
        return [StoredSentence(sentence.text) for sentence in split_report(text)] if text else []
    except PromptError:
        return []


def match_sentence(
    sentences: Sequence[StoredSentence], query: Float32 | None, question: Question | None, stance: Stance | None
) -> MatchedSentence:
    """The best sentence; for a question in words one that holds what was quoted and does not say the opposite."""
    if not sentences:
        return MatchedSentence()

    def worth(sentence: StoredSentence) -> tuple[float, ...]:
        quoted = sum(stands_in(phrase, sentence.text) for phrase in question.quoted) if question else 0
        opposite = bool(stance and sentence.masks and stance.of_masks(*sentence.masks) == CONTRADICTS)
        terms = count_terms(question.terms, sentence.text) if question else 0
        cosine = _cosine(sentence, query)
        return (quoted, not opposite, terms if cosine is None else cosine, terms)

    best = max(sentences, key=worth)
    if question is not None and _cosine(best, query) is None and not count_terms(question.terms, best.text):
        return MatchedSentence()
    return MatchedSentence(best.text, _cosine(best, query))


def _cosine(sentence: StoredSentence, query: Float32 | None) -> float | None:
    return None if sentence.vector is None or query is None else float(np.clip(sentence.vector @ query, -1.0, 1.0))
