"""Finds reports by a vector, or by words: by meaning and by BM25, joined by reciprocal rank, negation minded."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egma.index.database import Database
from egma.index.filters import Filters
from egma.index.keeper import read_masks
from egma.index.matching import MatchedSentence, match_sentence, read_sentences
from egma.index.meaning import rank_by_meaning
from egma.index.passing import PassingRows
from egma.index.records import Hit
from egma.index.rows import RECORDS, StoredRecord, read_meta, read_records
from egma.index.sections import NORMAL_BIT, named_in
from egma.index.spaces import Allowed, VectorSpace, allow_rows
from egma.index.stance import AGREES, CONTRADICTS, SILENT, Stance
from egma.index.words import Question, find_by_words, find_quoted, read_question
from egma.types import Float32

if TYPE_CHECKING:
    from egma.inference.engine import Engine

_RANK_OFFSET = 60.0  # of reciprocal rank fusion, Cormack et al. 2009
_POOL = 200  # reports taken from each ranking, or five times as many as are wanted
_WEIGHT = {AGREES: 1.0, SILENT: 0.5, CONTRADICTS: 0.1}  # below any report that does not contradict within the pool


@dataclass(frozen=True)
class _Candidate:
    """A report that one or both rankings name: places from 1, None where it is not in one."""

    row: int
    by_meaning: int | None
    by_words: int | None


@dataclass(frozen=True, eq=False)
class _Asked:
    """One search in words, with the state of the library that it sees; query is a unit vector (D,) or None."""

    connection: sqlite3.Connection
    question: Question
    stance: Stance
    query: Float32 | None
    allowed: Allowed | None
    pool: int
    negation: bool


@dataclass(frozen=True, eq=False)
class _Answer:
    """A report with its places, what it says of the question, and its score."""

    found: StoredRecord
    place: _Candidate
    said: str
    score: float


class HybridSearch:
    """The searches of one library."""

    def __init__(self, database: Database, spaces: Mapping[str, VectorSpace]) -> None:
        self._database = database
        self._spaces = spaces
        self._passing = PassingRows()

    def by_vector(self, query: Float32, k: int, filters: Filters) -> list[Hit]:
        """The k records nearest to a unit vector (D,)."""
        with self._database.reading() as connection:
            _check_width(connection, len(query))
            allowed = self.allowed(connection, filters, ())
            rows, scores = self._spaces[RECORDS].nearest(connection, query, k, allowed)
            records = read_records(connection, rows.tolist())
            hits: list[Hit] = []
            for row, score in zip(rows.tolist(), scores.tolist()):
                found = records[row]
                matched = match_sentence(read_sentences(connection, row, len(query)), query, None, None)
                hits.append(_hit(found, score, matched, SILENT))
        return hits

    def by_words(self, engine: Engine | None, words: str, k: int, filters: Filters, *, negation: bool) -> list[Hit]:
        """The k reports that answer best; the text tower runs before the library is looked at."""
        question = read_question(words)
        query = engine.embed_texts([question.text])[0] if engine is not None else None
        with self._database.reading() as connection:
            if query is not None and not read_meta(connection).get("model_hash"):
                query = None  # vectors that nobody signed cannot be compared with this model's
            asked = _Asked(
                connection=connection,
                question=question,
                stance=Stance.of(question),
                query=query,
                allowed=self.allowed(connection, filters, question.quoted),
                pool=max(_POOL, 5 * k),
                negation=negation,
            )
            by_meaning = self._rank_by_meaning(asked)
            return [_word_hit(asked, answer) for answer in _order(asked, by_meaning, _rank_by_words(asked))[:k]]

    def allowed(self, connection: sqlite3.Connection, filters: Filters, quoted: tuple[str, ...]) -> Allowed | None:
        """The rows that pass the filters and hold every quoted phrase; None where all do."""
        passing = self._passing.allowed(connection, filters) if filters else None
        if not quoted:
            return passing
        holding = find_quoted(connection, quoted)
        if passing is not None:
            holding = holding[holding < len(passing)]
            holding = holding[passing[holding]]
        return allow_rows(holding)

    def _rank_by_meaning(self, asked: _Asked) -> list[tuple[int, float]]:
        if asked.query is None:
            return []
        given = "given" in read_meta(asked.connection)
        stance = asked.stance if asked.negation else None
        return rank_by_meaning(self._spaces, asked.connection, asked.query, stance, asked.pool, asked.allowed, given)


def _rank_by_words(asked: _Asked) -> list[int]:
    """Rows by BM25; those that agree first, so that the pool does not fill with opposites."""
    allowed = asked.allowed

    def keep(row: int) -> bool:
        return allowed is None or (row < len(allowed) and bool(allowed[row]))

    found = find_by_words(asked.connection, asked.question, asked.pool, keep)
    if not asked.negation or not asked.stance.names_findings:
        return found
    present, absent = asked.stance.present, asked.stance.absent
    agreeing = ("present & ? = ? AND absent & ? = ?", [present, present, absent, absent])
    first = find_by_words(asked.connection, asked.question, asked.pool, keep, agreeing)
    return list(dict.fromkeys([*first, *found]))


def _order(asked: _Asked, by_meaning: Sequence[tuple[int, float]], by_words: Sequence[int]) -> list[_Answer]:
    """Both rankings joined, best first; reports that say the opposite come behind all others."""
    candidates = _join(by_meaning, by_words)
    records = read_records(asked.connection, [each.row for each in candidates])
    stances = {row: _stance_of(found, asked.stance) for row, found in records.items()}
    minded = asked.negation and any(stances.values())
    lists = 1 if asked.query is None else 2
    answers = [
        _Answer(records[each.row], each, said, _score(each, lists) * (_WEIGHT[said] if minded else 1.0))
        for each in candidates
        if (said := stances.get(each.row)) is not None
    ]
    return sorted(answers, key=lambda answer: (-answer.score, answer.place.by_words or sys.maxsize, answer.place.row))


def _word_hit(asked: _Asked, answer: _Answer) -> Hit:
    width = len(asked.query) if asked.query is not None else 0
    sentences = read_sentences(asked.connection, answer.found.row, width, answer.found.record.text)
    matched = match_sentence(sentences, asked.query, asked.question, asked.stance)
    place = (answer.place.by_meaning, answer.place.by_words)
    return _hit(answer.found, answer.score, matched, answer.said, place)


def _join(by_meaning: Sequence[tuple[int, float]], by_words: Sequence[int]) -> list[_Candidate]:
    """Both rankings as candidates; reports of equal cosine share a place."""
    meaning: dict[int, int] = {}
    place, before = 0, None
    for count, (row, score) in enumerate(by_meaning, start=1):
        if score != before:
            place, before = count, score
        meaning[row] = place
    words = {row: count for count, row in enumerate(by_words, start=1)}
    return [_Candidate(row, meaning.get(row), words.get(row)) for row in dict.fromkeys([*meaning, *words])]


def _score(candidate: _Candidate, lists: int) -> float:
    """Reciprocal ranks, 1 for a report that is first in every ranking."""
    places = [place for place in (candidate.by_meaning, candidate.by_words) if place is not None]
    return sum((_RANK_OFFSET + 1) / (_RANK_OFFSET + place) for place in places) / lists


def _stance_of(found: StoredRecord, stance: Stance) -> str:
    if not stance.names_findings:
        return stance.of_text(found.record.text)
    present, absent = _masks_of(found)
    return stance.of_masks(present, absent)


def _masks_of(found: StoredRecord) -> tuple[int, int]:
    if found.present is None or found.absent is None:
        return read_masks(found.record.text)
    return found.present, found.absent


def _hit(
    found: StoredRecord,
    score: float,
    matched: MatchedSentence,
    said: str,
    place: tuple[int | None, int | None] = (None, None),
) -> Hit:
    present, _ = _masks_of(found)
    return Hit(
        id=found.id,
        score=float(score),
        sentence=matched.text,
        text=found.record.text,
        record=found.record,
        cosine=matched.cosine,
        place=place,
        stance=said,
        findings=named_in(present & ~NORMAL_BIT) or named_in(present),
    )


def _check_width(connection: sqlite3.Connection, width: int) -> None:
    from egma.errors import LibraryError

    kept = int(read_meta(connection).get("width", "0"))
    if kept and kept != width:
        raise LibraryError(f"the question has {width} numbers, this library's vectors have {kept}; use the same model")
