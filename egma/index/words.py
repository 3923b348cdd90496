"""A reader's words as a full-text question that cannot fail, and the reports that hold them, best first by BM25."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.errors import PromptError
from egma.inference.prompts import clean_text

MAX_QUESTION_CHARS = 10_000  # a pasted report
_MAX_TERMS = 48
_COMMON_FROM = 50_000  # reports that hold a term, from which it tells none of them apart
_QUOTED = re.compile(r'["\u201c\u201d]([^"\u201c\u201d]*)["\u201c\u201d]')
_QUOTES = re.compile(r'["\u201c\u201d]')
_WORD = re.compile(r"\w+")
# Words that nearly every report holds, and the negations: what is denied is compared by `egma.index.stance`.
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be been by for from has have in into is it its of on or that the there these this to was "
        "were which with seen noted evidence no not without any"
    )
)


@dataclass(frozen=True)
class Question:
    """What was asked.

    Attributes:
        text: the words without quotation marks, one line.
        quoted: what must stand in the report word for word.
        terms: distinct words to look up, in lower case; those that nearly every report holds are left out.
    """

    text: str
    quoted: tuple[str, ...]
    terms: tuple[str, ...]


def read_question(words: str) -> Question:
    """Read what a reader typed; any text is a question as long as a word is in it."""
    if not isinstance(words, str):
        raise PromptError(f"wanted words to search for, got {type(words).__name__}")
    if len(words) > MAX_QUESTION_CHARS:
        raise PromptError(
            f"the question has {len(words):,} characters, at most {MAX_QUESTION_CHARS:,} can be asked; shorten it"
        )
    cleaned = clean_text(words.replace("\0", " "))
    text = clean_text(_QUOTES.sub(" ", cleaned))
    if not _WORD.search(text):
        raise PromptError("there is nothing to search for: type words such as 'left pleural effusion'")
    quoted = tuple(dict.fromkeys(each for each in map(str.strip, _QUOTED.findall(cleaned)) if _WORD.search(each)))
    found = list(dict.fromkeys(_WORD.findall(text.lower())))
    terms = [word for word in found if word not in _COMMON] or found
    return Question(text, quoted, tuple(terms[:_MAX_TERMS]))


def find_by_words(
    connection: sqlite3.Connection,
    question: Question,
    most: int,
    keep: Callable[[int], bool],
    where: tuple[str, list[Any]] | None = None,
) -> list[int]:
    """Rows of the reports that hold the terms: first those that hold all, then those that hold some; each by BM25.

    Args:
        keep: what a row must pass.
        where: a condition over `records` besides; it costs a look at the record of every report that holds the terms.
    """
    quoted = [_phrase(each) for each in question.quoted]
    every = [_phrase(term) for term in question.terms]
    found = _match(connection, " AND ".join([*quoted, *every]), most, keep, where)
    if len(found) < most and len(every) > 1:
        some = f"({' OR '.join(_telling(connection, every))})"
        found += _match(connection, " AND ".join([*quoted, some]), most, keep, where)
    return list(dict.fromkeys(found))[:most]


def find_quoted(connection: sqlite3.Connection, quoted: tuple[str, ...]) -> NDArray[np.int64]:
    """Rows of all reports in which every quoted phrase stands word for word."""
    patterns = [_pattern(phrase) for phrase in quoted]
    found = connection.execute(
        "SELECT r.row, r.text FROM words JOIN records r ON r.row = words.rowid WHERE words MATCH ?",
        (" AND ".join(map(_phrase, quoted)),),
    )
    return np.array([row for row, text in found if all(pattern.search(text) for pattern in patterns)], np.int64)


def stands_in(phrase: str, text: str) -> bool:
    """Whether a quoted phrase stands in a text word for word, whatever the case and the punctuation between."""
    return _pattern(phrase).search(text) is not None


def count_terms(terms: tuple[str, ...], sentence: str) -> int:
    """How many of the terms a sentence holds, endings aside."""
    stems = {_stem(word) for word in _WORD.findall(sentence.lower())}
    return sum(_stem(term) in stems for term in terms)


def _match(
    connection: sqlite3.Connection,
    expression: str,
    most: int,
    keep: Callable[[int], bool],
    where: tuple[str, list[Any]] | None,
) -> list[int]:
    condition, values = where or ("1", [])
    joined = "JOIN records ON records.row = words.rowid" if where else ""
    rows = connection.execute(
        f"SELECT words.rowid FROM words {joined} "  # noqa: S608 - conditions of our own, their values bound
        f"WHERE words MATCH ? AND {condition} ORDER BY words.rank, words.rowid",
        [expression, *values],
    )
    found: list[int] = []
    for (row,) in rows:
        if keep(row):
            found.append(row)
            if len(found) == most:
                break
    return found


def _telling(connection: sqlite3.Connection, terms: list[str]) -> list[str]:
    """The terms that tell reports apart: without those that a large library's reports hold by the ten thousand, which
    add next to nothing to BM25 and the scoring of every such report to the time. All of them where all are so common.
    """
    counted = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
    rare = [term for term in terms if connection.execute(counted, (term, _COMMON_FROM)).fetchone()[0] < _COMMON_FROM]
    return rare or terms


def _phrase(text: str) -> str:
    """A string literal of FTS5: only words inside, so that nothing in it is an operator."""
    return '"' + " ".join(_WORD.findall(text)) + '"'


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + r"\W+".join(map(re.escape, _WORD.findall(phrase))) + r"(?!\w)", re.IGNORECASE)


def _stem(word: str) -> str:
    """A word without its commonest endings; only for telling which sentence matched."""
    for ending in ("ies", "es", "s", "y", "al", "ed", "ing"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
