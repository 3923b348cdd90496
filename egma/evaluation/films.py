"""How well a checkpoint tells findings on labelled films, asked in words: AUROC with intervals, against the probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.data.manifest import FilmRow, label_arrays
from egma.evaluation.intervals import Figure, Places, bootstrap
from egma.evaluation.metrics import auroc, expected_calibration_error
from egma.inference.engine import Engine
from egma.types import Study

LEAST_POSITIVES = 10


@dataclass(frozen=True, eq=False)
class ScoredFilms:
    """F films with labels and scores.

    Attributes:
        present: bool (F, K), one column a finding.
        scores: (F, K), higher where the finding is likelier.
        patients: (F,).
    """

    present: NDArray[np.bool_]
    scores: NDArray[np.float64]
    patients: NDArray[np.str_]

    @property
    def columns(self) -> list[int]:
        """Findings with at least 10 positives and 10 negatives: what a macro mean runs over."""
        positives = self.present.sum(axis=0)
        return [
            column
            for column, count in enumerate(positives)
            if LEAST_POSITIVES <= count <= len(self.present) - LEAST_POSITIVES
        ]

    def macro(self, places: Places | None = None) -> float:
        """Macro AUROC over `columns` on the films at these places; findings of one kind only are left out of a draw."""
        rows = np.arange(len(self.present)) if places is None else places
        values = [self._auroc(column, rows) for column in self.columns]
        return float(np.nanmean(values)) if values else float("nan")

    def _auroc(self, column: int, rows: Places) -> float:
        labels = self.present[rows, column]
        return float("nan") if labels.all() or not labels.any() else auroc(labels, self.scores[rows, column])


def score_films(engine: Engine, studies: Sequence[Study], rows: Sequence[FilmRow]) -> ScoredFilms:
    """Probabilities of every finding, by the checkpoint's own prompts."""
    answers = [engine.classify(study) for study in studies]
    scores = np.array([[answer[finding] for finding in engine.findings] for answer in answers])
    present, _ = label_arrays(rows)
    return ScoredFilms(present, scores, np.array([row.patient for row in rows]))


def score_by_absence(engine: Engine, studies: Sequence[Study], films: ScoredFilms) -> ScoredFilms:
    """The same films scored by the negative prompts alone: how far a film is from "there is no X"."""
    sides = [engine.embed_texts(list(engine.prompts(finding).negative)).mean(axis=0) for finding in engine.findings]
    vectors = np.concatenate([engine.embed_studies([study]).globals for study in studies])
    return ScoredFilms(films.present, np.asarray(-(vectors @ np.stack(sides).T), np.float64), films.patients)


def macro_figure(films: ScoredFilms) -> Figure:
    """Macro AUROC with its interval, patients drawn."""
    return bootstrap(films.macro, films.patients)


def finding_figures(films: ScoredFilms, findings: Sequence[str]) -> dict[str, tuple[Figure, int]]:
    """AUROC of each finding with at least 10 positives, and how many positives it has."""
    return {
        findings[column]: (
            bootstrap(lambda places, column=column: films._auroc(column, places), films.patients),
            int(films.present[:, column].sum()),
        )
        for column in films.columns
    }


def paired_figure(films: ScoredFilms, baseline: ScoredFilms) -> Figure:
    """Macro AUROC of a model minus a baseline's on the same films, drawn together."""
    return bootstrap(lambda places: films.macro(places) - baseline.macro(places), films.patients)


def calibration_error(films: ScoredFilms) -> float:
    """Mean over findings of the expected calibration error, 10 bins."""
    errors = [
        expected_calibration_error(films.present[:, column], films.scores[:, column])
        for column in range(films.present.shape[1])
    ]
    return float(np.mean(errors))
