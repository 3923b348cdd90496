"""Reports as vectors: every sentence that says what the film shows on its own, the report as their mean direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from egma.index.records import ReportRecord
from egma.index.sections import Sentence, label_masks, split_report
from egma.types import Float32

if TYPE_CHECKING:
    from egma.inference.engine import Engine

POLICY = "sentences of findings and impression, report as their mean (1)"
_AT_ONCE = 512
_LEAST_NORM = 1e-6


@dataclass(frozen=True, eq=False)
class EmbeddedReports:
    """Reports ready to be written.

    Attributes:
        records: the reports.
        sentences: of each report, in order.
        phrases: every distinct sentence once; phrase_masks: (present, absent) findings of each.
        phrase_vectors: float32 (P, D), unit norm.
    """

    records: tuple[ReportRecord, ...]
    sentences: tuple[tuple[Sentence, ...], ...]
    phrases: tuple[str, ...]
    phrase_masks: tuple[tuple[int, int], ...]
    phrase_vectors: Float32


def embed_reports(engine: Engine, records: Sequence[ReportRecord]) -> EmbeddedReports:
    """Split reports into sentences and embed each distinct one once."""
    sentences = tuple(split_report(record.text) for record in records)
    phrases = tuple(dict.fromkeys(sentence.text for report in sentences for sentence in report))
    masks = tuple(label_masks([phrase]) for phrase in phrases)
    return EmbeddedReports(tuple(records), sentences, phrases, masks, embed_phrases(engine, phrases))


def embed_phrases(engine: Engine, phrases: Sequence[str]) -> Float32:
    """Unit vectors (P, D) of sentences, sorted by length so that a run of the text tower holds equal ones."""
    vectors = np.zeros((len(phrases), engine.checkpoint.config.embed_dim), np.float32)
    order = sorted(range(len(phrases)), key=lambda place: len(phrases[place].split()))
    for start in range(0, len(order), _AT_ONCE):
        places = order[start : start + _AT_ONCE]
        vectors[places] = engine.embed_texts([phrases[place] for place in places])
    return vectors


def mean_vector(vectors: Float32) -> Float32 | None:
    """The mean direction (D,) of unit vectors (S, D); None where there is none, or they cancel out."""
    if not len(vectors):
        return None
    mean = vectors.mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return (mean / norm).astype(np.float32) if norm > _LEAST_NORM else None
