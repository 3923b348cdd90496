"""The method's equations once more, one study at a time in NumPy float64, written from the paper's notation alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlainStudy:
    """patches (N, D), sentences (m, D) without padding, gaze and labels (m, N), and whether it was recorded."""

    patches: Array
    sentences: Array
    gaze: Array
    labels: NDArray[np.bool_]
    gazed: bool


def log_sum_exp(values: Sequence[float]) -> float:
    top = max(values)
    return top + float(np.log(sum(np.exp(value - top) for value in values)))


def instance_similarity(studies: list[PlainStudy], scale: float) -> tuple[Array, Array]:
    i2t, t2i = np.full((2, len(studies), len(studies)), -np.inf)
    for i, film in enumerate(studies):
        for j, report in enumerate(studies):
            score = [[scale * float(p @ s) for s in report.sentences] for p in film.patches]
            if len(report.sentences):
                i2t[i, j] = np.mean([max(row) for row in score])
                t2i[i, j] = np.mean([max(column) for column in zip(*score)])
    return i2t, t2i


def contrastive(studies: list[PlainStudy], scale: float) -> float:
    i2t, t2i = instance_similarity(studies, scale)
    told = [j for j, study in enumerate(studies) if len(study.sentences)]
    rows = [log_sum_exp([i2t[i, j] for j in told]) - i2t[i, i] for i in told]
    columns = [log_sum_exp([t2i[i, j] for i in range(len(studies))]) - t2i[j, j] for j in told]
    return float(np.mean(rows) + np.mean(columns)) / 2


def alignment(studies: list[PlainStudy], scale: float, text_weight: float) -> float:
    found = []
    for study in studies:
        if study.gazed and len(study.sentences):
            score = scale * study.sentences @ study.patches.T
            by_sentence = np.mean([_row(score[m], study.labels[m]) for m in range(len(score))])
            by_patch = np.mean([_row(score[:, n], study.labels[:, n]) for n in range(score.shape[1])])
            found.append(text_weight * by_sentence + (1 - text_weight) * by_patch)
    return float(np.mean(found)) if found else 0.0


def _row(score: Array, label: NDArray[np.bool_]) -> float:
    repel = np.log(1 + sum(np.exp(s) for s, y in zip(score, label) if not y))
    return float(repel + np.log(1 + sum(np.exp(-s) for s, y in zip(score, label) if y)))


def mapping(study: PlainStudy) -> tuple[Array, Array]:
    cosine = study.sentences @ study.patches.T
    to_text = np.array([_weigh(cosine[m], study.gaze[m], study.gazed) for m in range(len(cosine))])
    if len(study.sentences) == 1:
        return to_text @ study.patches, study.patches
    to_patches = [_weigh(cosine[:, n], study.gaze[:, n], study.gazed) for n in range(cosine.shape[1])]
    return to_text @ study.patches, np.array(to_patches) @ study.sentences


def _weigh(row: Array, heat: Array, gazed: bool) -> Array:
    span = row.max() - row.min()
    scaled = (row - row.min()) / span if span > 1e-14 else np.zeros_like(row)
    weight = (scaled + heat) / 2 if gazed else scaled
    weight = np.where(weight < (3 / 7 if gazed else 2 / 7), 0, weight) + 0.01
    return weight / weight.sum()


def mapping_loss(studies: list[PlainStudy], scale: float, text_weight: float) -> float:
    found = []
    for study in studies:
        if len(study.sentences) == 0:
            continue
        text, image = mapping(study)
        if len(study.sentences) == 1:
            found.append(text_weight * float(((text - study.sentences) ** 2).sum()))
        else:
            text_loss = info_nce(scale * text @ study.sentences.T)
            found.append(text_weight * text_loss + (1 - text_weight) * info_nce(scale * image @ study.patches.T))
    return float(np.mean(found)) if found else 0.0


def info_nce(logits: Array) -> float:
    rows = [log_sum_exp(logits[k]) - logits[k, k] for k in range(len(logits))]
    columns = [log_sum_exp(logits[:, k]) - logits[k, k] for k in range(len(logits))]
    return float(np.mean(rows) + np.mean(columns)) / 2


def label_alignment(
    images: Array, sentences: Array, image_labels: Array, sentence_labels: Array, scale: float
) -> float:
    logits, alike = scale * images @ sentences.T, (image_labels @ sentence_labels.T).astype(float)
    return (_soft_cross_entropy(logits, alike) + _soft_cross_entropy(logits.T, alike.T)) / 2


def _soft_cross_entropy(logits: Array, alike: Array) -> float:
    rows = []
    for logit, similarity in zip(logits, alike):
        target = np.exp(similarity) / np.exp(similarity).sum()
        rows.append(-sum(t * (x - log_sum_exp(logit)) for t, x in zip(target, logit)))
    return float(np.mean(rows))
