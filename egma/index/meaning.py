"""Reports by meaning: each by its sentence that is nearest to the question and does not say the opposite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

import numpy as np

from egma.index.rows import RECORDS, SENTENCES
from egma.index.spaces import Allowed, VectorSpace, allow_rows
from egma.index.stance import CONTRADICTS, Stance
from egma.types import Float32

_PHRASES = 256
_RECORDS_A_PHRASE = 1_000
_FEW_RECORDS = 2_000  # a filter that leaves at most this many: their own sentences alone are compared


def rank_by_meaning(
    spaces: Mapping[str, VectorSpace],
    connection: sqlite3.Connection,
    query: Float32,
    stance: Stance | None,
    pool: int,
    allowed: Allowed | None,
    given: bool,
) -> list[tuple[int, float]]:
    """(row, cosine) of reports by their nearest sentence, or by their own vector where they came with one."""
    best = _by_sentence(spaces, connection, query, stance, pool, allowed)
    if given:
        rows, scores = spaces[RECORDS].nearest(connection, query, pool, allowed)
        for row, score in zip(rows.tolist(), scores.tolist()):
            best[row] = max(best.get(row, -2.0), score)
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))


def _by_sentence(
    spaces: Mapping[str, VectorSpace],
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
        phrases, scores = spaces[SENTENCES].nearest(connection, query, wanted, few)
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
