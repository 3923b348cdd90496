"""Reports as vectors: every sentence that says what the film shows on its own, the report as their mean direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class SplitReports:
    """Reports and their sentences.

    Attributes:
        records: the reports.
        sentences: of each report, in order.
        phrases: every distinct sentence once; phrase_masks: (present, absent) findings of each.
    """

    records: tuple[ReportRecord, ...]
    sentences: tuple[tuple[Sentence, ...], ...]
    phrases: tuple[str, ...]
    phrase_masks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class EmbeddedReports(SplitReports):
    """Reports ready to be written; phrase_vectors: float32 (P, D), unit norm."""

    phrase_vectors: Float32


def split_reports(records: Sequence[ReportRecord]) -> SplitReports:
    """Split reports into sentences and read the findings of each distinct one."""
    sentences = tuple(split_report(record.text) for record in records)
    phrases = tuple(dict.fromkeys(sentence.text for report in sentences for sentence in report))
    return SplitReports(tuple(records), sentences, phrases, tuple(label_masks([phrase]) for phrase in phrases))


def embed_reports(engine: Engine, reports: SplitReports, known: Mapping[str, Float32]) -> EmbeddedReports:
    """Embed every sentence that is not `known` already."""
    new = [phrase for phrase in reports.phrases if phrase not in known]
    vectors = {**known, **dict(zip(new, embed_phrases(engine, new)))}
    width = engine.checkpoint.config.embed_dim
    stacked = np.stack([vectors[phrase] for phrase in reports.phrases]) if reports.phrases else np.zeros((0, width))
    return EmbeddedReports(
        reports.records, reports.sentences, reports.phrases, reports.phrase_masks, stacked.astype(np.float32)
    )


def embed_phrases(engine: Engine, phrases: Sequence[str]) -> Float32:
    """Unit vectors (P, D) of sentences, sorted by length so that a run of the text tower holds equal ones."""
    vectors = np.zeros((len(phrases), engine.checkpoint.config.embed_dim), np.float32)
    order = sorted(range(len(phrases)), key=lambda place: len(phrases[place].split()))
    for start in range(0, len(order), _AT_ONCE):
        places = order[start : start + _AT_ONCE]
        vectors[places] = engine.embed_texts([phrases[place] for place in places])
    return vectors


def mean_vector(vectors: Float32) -> Float32 | None:
    """The mean direction (D,) of a report's distinct sentences (S, D); None where there is none, or they cancel out."""
    if not len(vectors):
        return None
    mean = vectors.mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return (mean / norm).astype(np.float32) if norm > _LEAST_NORM else None
