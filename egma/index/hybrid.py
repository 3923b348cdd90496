"""Finds reports by a vector, or by words: by meaning and by BM25, joined by reciprocal rank, negation minded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.index.database import Database
from egma.index.filters import Filters
from egma.index.keeper import read_masks
from egma.index.matching import MatchedSentence, match_sentence, read_sentences
from egma.index.records import Hit
from egma.index.rows import RECORDS, SENTENCES, StoredRecord, read_meta, read_records
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
_PHRASES = 256
_RECORDS_A_PHRASE = 1_000
_FEW_RECORDS = 2_000  # a filter that leaves at most this many: their own sentences alone are compared


@dataclass(frozen=True)
class _Candidate:
    """A report that one or both rankings name: places from 1, None where it is not in one."""

    row: int
    by_meaning: int | None
    by_words: int | None


class HybridSearch:
    """The searches of one library."""

    def __init__(self, database: Database, spaces: Mapping[str, VectorSpace]) -> None:
        self._database = database
        self._spaces = spaces

    def by_vector(self, query: Float32, k: int, filters: Filters) -> list[Hit]:
        """The k records nearest to a unit vector (D,)."""
        with self._database.reading() as connection:
            _check_width(connection, len(query))
            allowed = self._allowed(connection, filters, ())
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
        stance = Stance.of(question)
        query = engine.embed_texts([question.text])[0] if engine is not None else None
        pool = max(_POOL, 5 * k)
        with self._database.reading() as connection:
            meta = read_meta(connection)
            if query is not None and not meta.get("model_hash"):
                query = None  # vectors that nobody signed cannot be compared with this model's
            allowed = self._allowed(connection, filters, question.quoted)
            by_words = self._rank_words(connection, question, pool, filters, allowed)
            if negation and stance.names_findings:
                by_words = self._agreeing_first(connection, question, stance, pool, filters, allowed, by_words)
            by_meaning = (
                self._rank_meaning(connection, query, stance if negation else None, pool, allowed, "given" in meta)
                if query is not None
                else []
            )
            candidates = _join(by_meaning, by_words)
            records = read_records(connection, [each.row for each in candidates])
            lists = 2 if query is not None else 1
            scored = [
                (_score(each, lists), each, _stance_of(records[each.row], stance)) for each in candidates
                if each.row in records
            ]  # fmt: skip
            if negation and any(said for *_, said in scored):
                scored = [(score * _WEIGHT[said], each, said) for score, each, said in scored]
            scored.sort(key=lambda item: (-item[0], item[1].by_words or pool + 1, item[1].row))
            return [
                self._word_hit(connection, records[each.row], score, each, said, question, stance, query)
                for score, each, said in scored[:k]
            ]

    def _word_hit(
        self,
        connection: sqlite3.Connection,
        found: StoredRecord,
        score: float,
        candidate: _Candidate,
        said: str,
        question: Question,
        stance: Stance,
        query: Float32 | None,
    ) -> Hit:
        width = len(query) if query is not None else 0
        sentences = read_sentences(connection, found.row, width, found.record.text)
        matched = match_sentence(sentences, query, question, stance)
        return _hit(found, score, matched, said, (candidate.by_meaning, candidate.by_words))

    def _allowed(self, connection: sqlite3.Connection, filters: Filters, quoted: tuple[str, ...]) -> Allowed | None:
        """The rows that pass the filters and hold every quoted phrase; None where all do."""
        if not filters and not quoted:
            return None
        rows: NDArray[np.int64] | None = None
        if filters:
            rows = _filtered(connection, filters)
        if quoted:
            holding = find_quoted(connection, quoted)
            rows = holding if rows is None else np.intersect1d(rows, holding)
        return allow_rows(rows if rows is not None else np.zeros(0, np.int64))

    def _rank_words(
        self,
        connection: sqlite3.Connection,
        question: Question,
        pool: int,
        filters: Filters,
        allowed: Allowed | None,
    ) -> list[int]:
        keep = (lambda row: True) if allowed is None else (lambda row: row < len(allowed) and bool(allowed[row]))
        return find_by_words(connection, question, pool, filters.sql(), keep)

    def _agreeing_first(
        self,
        connection: sqlite3.Connection,
        question: Question,
        stance: Stance,
        pool: int,
        filters: Filters,
        allowed: Allowed | None,
        found: list[int],
    ) -> list[int]:
        """The same ranking among reports that agree, then the others: the pool must not fill with opposites."""
        condition, values = filters.sql()
        agreeing = "(present & ? = ? AND absent & ? = ?)"
        where = (f"{condition} AND {agreeing}", [*values, stance.present, stance.present, stance.absent, stance.absent])
        keep = (lambda row: True) if allowed is None else (lambda row: row < len(allowed) and bool(allowed[row]))
        first = find_by_words(connection, question, pool, where, keep)
        return list(dict.fromkeys([*first, *found]))

    def _rank_meaning(
        self,
        connection: sqlite3.Connection,
        query: Float32,
        stance: Stance | None,
        pool: int,
        allowed: Allowed | None,
        given: bool,
    ) -> list[tuple[int, float]]:
        """(row, cosine) of reports by their nearest sentence, or by their own vector where they came with one."""
        best = self._by_sentence(connection, query, stance, pool, allowed)
        if given:
            rows, scores = self._spaces[RECORDS].nearest(connection, query, pool, allowed)
            for row, score in zip(rows.tolist(), scores.tolist()):
                best[row] = max(best.get(row, -2.0), score)
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _by_sentence(
        self,
        connection: sqlite3.Connection,
        query: Float32,
        stance: Stance | None,
        pool: int,
        allowed: Allowed | None,
    ) -> dict[int, float]:
        """The best cosine of each report among its sentences that do not contradict the question."""
        wanted, best = _PHRASES, dict[int, float]()
        there = int(allowed.sum()) if allowed is not None else 0
        few = _phrases_of(connection, allowed) if allowed is not None and there <= _FEW_RECORDS else None
        while True:
            phrases, scores = self._spaces[SENTENCES].nearest(connection, query, wanted, few)
            best.clear()
            for phrase, score in zip(phrases.tolist(), scores.tolist()):
                if stance is not None and _contradicts(connection, phrase, stance):
                    continue
                for (row,) in connection.execute(
                    "SELECT record FROM sentences WHERE phrase = ? LIMIT ?", (phrase, _RECORDS_A_PHRASE)
                ):
                    if row not in best and (allowed is None or (row < len(allowed) and allowed[row])):
                        best[row] = score
                if len(best) >= pool:
                    return best
            if len(phrases) < wanted or (allowed is not None and len(best) >= there):
                return best
            wanted *= 4


def _phrases_of(connection: sqlite3.Connection, allowed: Allowed) -> Allowed:
    """The sentences of a few records."""
    marked = json.dumps(np.flatnonzero(allowed).tolist())
    there = "SELECT DISTINCT phrase FROM sentences WHERE record IN (SELECT value FROM json_each(?))"
    return allow_rows(np.array([row for (row,) in connection.execute(there, (marked,))], np.int64))


def _contradicts(connection: sqlite3.Connection, phrase: int, stance: Stance) -> bool:
    masks = connection.execute("SELECT present, absent FROM phrases WHERE row = ?", (phrase,)).fetchone()
    return masks is not None and stance.of_masks(*masks) == CONTRADICTS


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


def _filtered(connection: sqlite3.Connection, filters: Filters) -> NDArray[np.int64]:
    """The rows that pass; those whose findings were not read yet are read now."""
    condition, values = filters.sql()
    found = connection.execute(f"SELECT row, present, absent FROM records WHERE {condition}", values)  # noqa: S608
    wanted = (filters.present, filters.absent)
    rows = [
        row for row, *masks in found if None not in masks or not any(wanted) or _read_and_check(connection, row, wanted)
    ]
    return np.array(rows, np.int64)


def _read_and_check(connection: sqlite3.Connection, row: int, wanted: tuple[int, int]) -> bool:
    (text,) = connection.execute("SELECT text FROM records WHERE row = ?", (row,)).fetchone()
    present, absent = read_masks(text)
    return present & wanted[0] == wanted[0] and absent & wanted[1] == wanted[1]


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
