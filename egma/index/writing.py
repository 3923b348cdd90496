"""Writes batches of records with their vectors, and keeps whose vectors they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from egma.errors import LibraryError
from egma.index.embedding import POLICY, EmbeddedReports, mean_vector
from egma.index.records import ReportRecord
from egma.index.rows import delete_rows, find_rows, insert_records, insert_vectors, read_meta, write_meta
from egma.index.sections import join_masks
from egma.types import Float32

if TYPE_CHECKING:
    from egma.checkpoints import Checkpoint

GIVEN = "given with the records"


@dataclass(frozen=True)
class ModelStamp:
    """Whose vectors a library holds; all empty where nobody said, or where there is none yet.

    Attributes:
        name, hash: of the checkpoint.
        policy: how a report was turned into vectors.
        width: of the vectors; 0 where there is none.
    """

    name: str = ""
    hash: str = ""
    policy: str = ""
    width: int = 0

    @classmethod
    def of(cls, checkpoint: Checkpoint | None) -> ModelStamp:
        """The stamp of a checkpoint."""
        if checkpoint is None:
            return cls()
        return cls(checkpoint.name, checkpoint.hash, "", checkpoint.config.embed_dim)

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> ModelStamp:
        """The stamp a library carries."""
        meta = read_meta(connection)
        return cls(
            meta.get("model", ""), meta.get("model_hash", ""), meta.get("policy", ""), int(meta.get("width", "0"))
        )

    def check(self, checkpoint: Checkpoint, folder: Path) -> None:
        """Refuse a checkpoint whose vectors cannot be compared with these."""
        if self.hash and self.hash != checkpoint.hash:
            raise LibraryError(
                f"the library {folder.name!r} was made with the checkpoint {self.name} ({self.hash[:8]}), not with "
                f"{checkpoint.name} ({checkpoint.hash[:8]}); search with that one, or embed it again: "
                f"python -m egma index reembed {folder} --checkpoint {checkpoint.name}"
            )
        if self.width and self.width != checkpoint.config.embed_dim:
            raise LibraryError(
                f"the library {folder.name!r} has vectors of width {self.width}, {checkpoint.name} makes "
                f"{checkpoint.config.embed_dim}; search with the model that made them"
            )


def write_given(
    connection: sqlite3.Connection,
    ids: Sequence[str],
    vectors: Float32,
    records: Sequence[ReportRecord],
    model: ModelStamp,
) -> None:
    """Write records with given unit vectors (N, D), in place of those with the same ids."""
    if not ids:
        return
    _stamp(connection, vectors.shape[1], model, GIVEN)
    _replace(connection, ids)
    rows = insert_records(connection, ids, records, [None if record.text else (0, 0) for record in records])
    insert_vectors(connection, "vectors", rows, vectors)
    write_meta(connection, "given", "1")


def write_embedded(
    connection: sqlite3.Connection, ids: Sequence[str], reports: EmbeddedReports, model: ModelStamp
) -> None:
    """Write reports with their sentences, in place of those with the same ids."""
    if not ids:
        return
    _stamp(connection, reports.phrase_vectors.shape[1], model, POLICY)
    _replace(connection, ids)
    phrases = dict(zip(reports.phrases, reports.phrase_masks, strict=True))
    masks = [join_masks([phrases[sentence.text] for sentence in report]) for report in reports.sentences]
    rows = insert_records(connection, ids, reports.records, masks)
    numbers = _write_phrases(connection, phrases, reports)
    connection.executemany(
        "INSERT INTO sentences VALUES (?, ?, ?, ?)",
        (
            (row, ordinal, numbers[sentence.text], sentence.section)
            for row, report in zip(rows, reports.sentences)
            for ordinal, sentence in enumerate(report)
        ),
    )
    place = {text: at for at, text in enumerate(reports.phrases)}
    means = [
        (row, mean_vector(reports.phrase_vectors[sorted({place[sentence.text] for sentence in report})]))
        for row, report in zip(rows, reports.sentences)
    ]
    kept = [(row, mean) for row, mean in means if mean is not None]
    if kept:
        insert_vectors(connection, "vectors", [row for row, _ in kept], np.stack([mean for _, mean in kept]))


def _write_phrases(
    connection: sqlite3.Connection, phrases: dict[str, tuple[int, int]], reports: EmbeddedReports
) -> dict[str, int]:
    """The rows of the phrases; those that are new are written with their vectors."""
    marked = json.dumps(reports.phrases)
    there = "SELECT text, row FROM phrases WHERE text IN (SELECT value FROM json_each(?))"
    known = dict(connection.execute(there, (marked,)))
    new = [text for text in reports.phrases if text not in known]
    connection.executemany(
        "INSERT INTO phrases (text, present, absent) VALUES (?, ?, ?)", ((text, *phrases[text]) for text in new)
    )
    numbers = dict(connection.execute(there, (marked,)))
    place = {text: at for at, text in enumerate(reports.phrases)}
    insert_vectors(
        connection,
        "phrase_vectors",
        [numbers[text] for text in new],
        reports.phrase_vectors[[place[text] for text in new]],
    )
    return numbers


def _replace(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    there = find_rows(connection, ids)
    if there:
        delete_rows(connection, list(there.values()))


def _stamp(connection: sqlite3.Connection, width: int, model: ModelStamp, policy: str) -> None:
    """Note whose vectors these are, or refuse them where the library's are another's."""
    kept = ModelStamp.read(connection)
    if kept.width and kept.width != width:
        raise LibraryError(f"vectors: this library's have {kept.width} numbers, got {width}; use the same model")
    if kept.width and kept.hash != model.hash and (model.hash or policy != GIVEN):
        raise LibraryError(
            f"vectors: this library's were made by {kept.name or 'a model that was not named'}"
            f"{f' ({kept.hash[:8]})' if kept.hash else ''}, got some by {model.name} ({model.hash[:8]}); use the same"
        )
    if kept.width:
        return
    facts = {"width": str(width), "model": model.name, "model_hash": model.hash, "policy": policy}
    for key, value in facts.items():
        write_meta(connection, key, value)
