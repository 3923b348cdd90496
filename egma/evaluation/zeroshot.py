"""Films told apart by sentences alone: scores of a checkpoint by prompts, and the films it got most wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.classification import softmax
from egma.evaluation.prompts import OWN, PromptSet, canonical
from egma.evaluation.result import Case
from egma.evaluation.scores import Scores
from egma.evaluation.sets.films import PRESENT, UNKNOWN, LabelledSet
from egma.evaluation.subjects import Embedded
from egma.inference.engine import Engine

TEMPERATURE = 0.07
"""Of every softmax over cosines, so that calibration errors of checkpoints can be compared; ranks do not need it."""
WORST = 12
"""Cases kept of each class and model, worst first."""


def score_by_prompts(engine: Engine, embedded: Embedded, found: LabelledSet, prompts: PromptSet | None) -> Scores:
    """Probabilities (F, K) by a prompt set; None = the checkpoint's own prompts."""
    name = engine.checkpoint.name
    if prompts is None:
        return Scores(name, _own(embedded, found))
    positive = _cosines(engine, embedded, prompts.sentences, found.classes, prompts.rule)
    if prompts.kind == "classes":
        return Scores(name, softmax(positive / TEMPERATURE))
    negative = _cosines(engine, embedded, prompts.denials, found.classes, prompts.rule)
    present = softmax(np.stack([positive, negative], axis=-1) / TEMPERATURE)[..., 0]
    if found.exclusive:
        present = present / np.maximum(present.sum(axis=1, keepdims=True), 1e-12)
    return Scores(name, present)


def default_prompts(found: LabelledSet) -> str:
    """The published prompts of a data set, else the checkpoint's own."""
    known = {"chexpert-5x200": "gloria-5x200", "mimic-5x200": "gloria-5x200", "chexpert-8x200": "convirt-8x200"}
    known |= {"rsna": "convirt-8x200", "siim": "convirt-8x200"}
    return known.get(found.name, OWN)


def list_cases(scores: Scores, found: LabelledSet, truth: NDArray[np.int8]) -> list[Case]:
    """The worst films of each class: positives scored low and negatives scored high, worst first."""
    films = found.tested
    cases = []
    for column, label in enumerate(found.classes):
        values = scores.values[:, column]
        rows = np.flatnonzero((truth[:, column] != UNKNOWN) & np.isfinite(values))
        wrong = np.where(truth[rows, column] == PRESENT, 1 - values[rows], values[rows])
        for place in np.argsort(-wrong, kind="stable")[:WORST]:
            row = int(rows[place])
            said = "present" if truth[row, column] == PRESENT else "absent"
            answer = f"{values[row]:.3f}"
            cases.append(Case(scores.model, label, films[row].name, said, answer, float(wrong[place])))
    return cases


def _own(embedded: Embedded, found: LabelledSet) -> NDArray[np.float64]:
    columns = [
        embedded.findings.index(canonical(label)) if canonical(label) in embedded.findings else None
        for label in found.classes
    ]
    values = np.full((len(embedded.globals), len(found.classes)), np.nan)
    for place, column in enumerate(columns):
        if column is not None:
            values[:, place] = embedded.own[:, column]
    if found.exclusive and np.isfinite(values).all():
        values = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
    return values


def _cosines(
    engine: Engine, embedded: Embedded, sentences: dict[str, tuple[str, ...]], classes: tuple[str, ...], rule: str
) -> NDArray[np.float64]:
    """float64 (F, K): the mean or the highest cosine of each class's sentences."""
    columns = []
    for label in classes:
        cosines = embedded.globals @ engine.embed_texts(list(sentences[label])).T
        columns.append(cosines.max(axis=1) if rule == "max" else cosines.mean(axis=1))
    return np.stack(columns, axis=1).astype(np.float64)
