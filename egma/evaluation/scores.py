"""Scores of films by prompts or by a baseline, and every figure of a classification table drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.evaluation import classification as measures
from egma.evaluation.classification import Difference
from egma.evaluation.films import LEAST_POSITIVES
from egma.evaluation.intervals import Figure, Places, draw_places
from egma.evaluation.metrics import auroc, expected_calibration_error
from egma.evaluation.result import MACRO, Comparison, Entry
from egma.evaluation.sets.films import PRESENT, UNKNOWN, LabelledSet

Measure = Callable[[NDArray[np.int8], NDArray[np.float64]], float]
THRESHOLD = 0.5
"""A finding counts as called where its probability is at least this: fixed, never chosen on the films measured."""


@dataclass(frozen=True, eq=False)
class Scores:
    """One model's answers on F films with K classes.

    Attributes:
        model: its name.
        values: float64 (F, K) in [0, 1]; rows sum to 1 where classes exclude each other. NaN where it has no answer.
        thresholds: (K,), from which each class is called, chosen on other films; None for `THRESHOLD`.
    """

    model: str
    values: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure and its value in each of the shared draws."""

    figure: Figure
    draws: NDArray[np.float64]
    reason: str = ""


EXCLUSIVE = ("accuracy", "balanced accuracy", "macro F1", "AUROC", "AUPRC", "ECE")
EACH = ("AUROC", "AUPRC", "ECE", "F1", "balanced accuracy", "accuracy")
DEFINITIONS = {
    "accuracy": "share of films whose class was named; with many findings, of films called right at 0.5",
    "balanced accuracy": "mean of the classes' recalls; with many findings, of sensitivity and specificity at 0.5",
    "macro F1": "mean of the classes' F1, as scikit-learn",
    "F1": "F1 of the finding called at 0.5",
    "AUROC": "area under the ROC curve, ties half; each class against the rest",
    "AUPRC": "average precision, as scikit-learn",
    "ECE": "expected calibration error, 10 equal bins; drawing films again adds to it, so its interval may lie above",
    "all": f"mean over classes with {LEAST_POSITIVES} positives and negatives or more (over all where they exclude)",
    "interval": "percentile bootstrap by patient, 95 %",
}


class Table:
    """Every figure of a list of films, on draws that all models share."""

    def __init__(self, found: LabelledSet, draws: int, seed: int) -> None:
        self.found = found
        self.films = found.tested
        self.truth = np.array([film.truth for film in self.films], np.int8).reshape(len(self.films), -1)
        self.patients = np.array([film.patient for film in self.films])
        self.draws = draw_places(self.patients, draws, seed)
        self._cache: dict[tuple[str, str, str], Drawn] = {}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The main table's columns."""
        return EXCLUSIVE if self.found.exclusive else EACH

    @property
    def judged(self) -> list[int]:
        """Classes that a mean runs over."""
        if self.found.exclusive:
            return list(range(len(self.found.classes)))
        positives, known = (self.truth == PRESENT).sum(axis=0), (self.truth != UNKNOWN).sum(axis=0)
        return [k for k in range(self.truth.shape[1]) if LEAST_POSITIVES <= positives[k] <= known[k] - LEAST_POSITIVES]

    def entries(self, scores: Scores) -> list[Entry]:
        """The model's figures over all classes, then of each class."""
        entries = [self._entry(scores, metric, MACRO) for metric in self.metrics]
        each = ("AUROC", "AUPRC") if self.found.exclusive else EACH
        for column, label in enumerate(self.found.classes):
            if self.found.exclusive or np.any(self.truth[:, column] != UNKNOWN):
                entries += [self._entry(scores, metric, label) for metric in each]
        return entries

    def compare(self, first: Scores, second: Scores) -> list[Comparison]:
        """Second minus first: main metrics by the paired bootstrap, AUROCs of single classes by DeLong's test."""
        found = []
        for metric in self.metrics:
            one, two = self._drawn(first, metric, MACRO), self._drawn(second, metric, MACRO)
            difference = measures.paired_bootstrap(one.figure, two.figure, two.draws - one.draws)
            found.append(Comparison(metric, MACRO, first.model, second.model, difference))
        for column in self.judged:
            rows = self._rows(column, first) & self._rows(column, second)
            present = self.truth[rows, column] == PRESENT
            if present.any() and not present.all():
                difference = measures.delong(present, first.values[rows, column], second.values[rows, column])
                found.append(Comparison("AUROC", self.found.classes[column], first.model, second.model, difference))
        return found

    def _entry(self, scores: Scores, metric: str, item: str) -> Entry:
        drawn = self._drawn(scores, metric, item)
        return Entry(scores.model, metric, item, drawn.figure, drawn.reason)

    def _drawn(self, scores: Scores, metric: str, item: str) -> Drawn:
        key = (scores.model, metric, item)
        if key not in self._cache:
            self._cache[key] = self._draw(scores, metric, item)
        return self._cache[key]

    def _draw(self, scores: Scores, metric: str, item: str) -> Drawn:
        everything = np.arange(len(self.films))
        reason = self._reason(scores, metric, item)
        if reason:
            none = Figure(float("nan"), float("nan"), float("nan"), len(everything))
            return Drawn(none, np.full(len(self.draws), np.nan), reason)
        measure = self._measure(scores, metric, item)
        values = np.array([measure(places) for places in self.draws])
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) >= max(1, len(values) / 2) else (np.nan, np.nan)
        count = len(everything) if item == MACRO else int(self._rows(self.found.classes.index(item), scores).sum())
        return Drawn(Figure(float(measure(everything)), float(low), float(high), count), values)

    def _reason(self, scores: Scores, metric: str, item: str) -> str:
        if item == MACRO:
            if not self.judged:
                return f"no finding has {LEAST_POSITIVES} positives and negatives"
            return (
                "" if np.isfinite(scores.values[:, self.judged]).any() else "the model has no answer for these classes"
            )
        column = self.found.classes.index(item)
        rows = self._rows(column, scores)
        if not rows.any():
            return "the model has no answer for this class"
        present = self.truth[rows, column] == PRESENT
        if metric in ("AUROC", "AUPRC", "balanced accuracy") and (present.all() or not present.any()):
            return f"{metric} needs both kinds of films; {item} has {'only' if present.all() else 'no'} positives"
        return ""

    def _rows(self, column: int, scores: Scores) -> NDArray[np.bool_]:
        """Films whose label and answer are known."""
        return (self.truth[:, column] != UNKNOWN) & np.isfinite(scores.values[:, column])

    def _measure(self, scores: Scores, metric: str, item: str) -> Callable[[Places], float]:
        if item != MACRO:
            return self._one(scores, metric, self.found.classes.index(item))
        if self.found.exclusive and metric in _JOINT:
            truth, joint = self.truth.argmax(axis=1), _JOINT[metric]
            return lambda places: joint(truth[places], scores.values[places])
        single = [self._one(scores, metric, column) for column in self.judged if self._rows(column, scores).any()]

        def mean(places: Places) -> float:
            values = np.array([measure(places) for measure in single])
            return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

        return mean

    def _one(self, scores: Scores, metric: str, column: int) -> Callable[[Places], float]:
        known, present = self._rows(column, scores), self.truth[:, column] == PRESENT
        cut = THRESHOLD if scores.thresholds is None else float(scores.thresholds[column])
        single = _SINGLE.get(metric) or _CALLED[metric]
        values = scores.values[:, column] if metric in _SINGLE else scores.values[:, column] >= cut
        complete = bool(known.all())

        def measure(places: Places) -> float:
            kept = places if complete else places[known[places]]
            return single(present[kept], values[kept])

        return measure


def _both_kinds(measure: Callable[..., float]) -> Callable[..., float]:
    """NaN where a draw has films of one kind only."""

    def guarded(present: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
        return measure(present, values) if present.any() and not present.all() else float("nan")

    return guarded


_SINGLE: dict[str, Callable[..., float]] = {
    "AUROC": _both_kinds(auroc),
    "AUPRC": _both_kinds(measures.average_precision),
    "ECE": expected_calibration_error,
}
_CALLED: dict[str, Callable[..., float]] = {
    "F1": measures.binary_f1,
    "balanced accuracy": _both_kinds(measures.balanced_accuracy),
    "accuracy": measures.accuracy,
}
_JOINT: dict[str, Callable[..., float]] = {
    "accuracy": lambda truth, values: measures.accuracy(truth, values.argmax(axis=1)),
    "balanced accuracy": lambda truth, values: measures.balanced_accuracy(truth, values.argmax(axis=1)),
    "macro F1": lambda truth, values: measures.macro_f1(truth, values.argmax(axis=1)),
    "ECE": measures.top_calibration_error,
}


def significance(difference: Difference) -> str:
    """A mark for a table: "*" under 0.05, "" otherwise."""
    return "*" if difference.p is not None and difference.p < 0.05 else ""


def chance_scores(found: LabelledSet, films: int, seed: int) -> Scores:
    """A guess without looking: uniform numbers, seeded."""
    values = np.random.default_rng(seed).random((films, len(found.classes)))
    return Scores("chance", values / values.sum(axis=1, keepdims=True) if found.exclusive else values)


def majority_scores(found: LabelledSet, films: int) -> Scores:
    """The same answer for every film: how often each class is, in the training split where there is one."""
    counted = np.array([film.truth for film in (found.of("train") or found.tested)])
    known = np.maximum((counted != UNKNOWN).sum(axis=0), 1)
    share = (counted == PRESENT).sum(axis=0) / known
    return Scores("majority", np.tile(share, (films, 1)))


def worst_first(values: Sequence[float]) -> list[int]:
    """Places from the worst to the best."""
    return sorted(range(len(values)), key=lambda place: -values[place])
