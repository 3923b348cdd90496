"""Phrases with known answers on cached features: whether heads point into lesions and boxes, no trunk run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from egma.evaluation.grounding import BoxedFinding, box_mask
from egma.evaluation.lungs import guess_hits, guess_lung_centers, lung_centers
from egma.finetune.mini.features import FilmFeatures, embed_films, embed_sentences
from egma.imaging.geometry import Geometry
from egma.model.egma import EgmaModel
from egma.testing.phantoms import Phantom
from egma.types import Study


@dataclass(frozen=True, eq=False)
class Questions:
    """L phrases, each on one of F films.

    Attributes:
        features: of the films, one view, as they are.
        film: (L,), the film of each phrase.
        sentences: float32 (L, width), text-tower features.
        inside, seen: bool (L, N), patches whose centre lies in the finding, and on the film at all.
        guess: (L,), how often the middle of a lung lies in it.
    """

    features: FilmFeatures
    film: NDArray[np.intp]
    sentences: NDArray[np.float32]
    inside: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    guess: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What heads did on L phrases: (L,) whether the strongest patch lies inside, and mean inside minus outside."""

    hit: NDArray[np.float64]
    gap: NDArray[np.float64]


def ask_phantoms(model: EgmaModel, phantoms: Sequence[Phantom]) -> Questions:
    """Every lesion's own sentence."""
    rows = [
        (place, phantom.masks[finding], sentence, side)
        for place, phantom in enumerate(phantoms)
        for finding, side, sentence in zip(phantom.findings, phantom.sides, phantom.sentences)
    ]
    guesses = [
        guess_hits(mask, lung_centers(phantoms[place].lungs), side if side in sentence.lower() else "")
        for place, mask, sentence, side in rows
    ]
    masks = [(place, mask, sentence) for place, mask, sentence, _ in rows]
    return _ask(model, [phantom.study for phantom in phantoms], masks, guesses)


def ask_boxes(model: EgmaModel, studies: dict[str, Study], boxed: Sequence[BoxedFinding]) -> Questions:
    """Every boxed finding's first positive prompt; boxes of films that are not there are left out."""
    names = sorted({each.image for each in boxed if each.image in studies})
    known = [each for each in boxed if each.image in studies and each.finding in model.config.classify]
    rows, guesses = [], []
    for each in known:
        study = studies[each.image]
        mask = box_mask(each, study.shape)
        rows.append((names.index(each.image), mask, model.config.classify[each.finding].positive[0]))
        guesses.append(guess_hits(mask, guess_lung_centers(study.pixels), ""))
    return _ask(model, [studies[name] for name in names], rows, guesses)


def answer(model: EgmaModel, questions: Questions) -> Answers:
    """The model's heads and projection on the cached features."""
    hits, gaps = [], []
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(questions.film)), max(1, len(questions.film) // 32)):
            features = questions.features.pick(0, questions.film[rows], model.logit_scale.device)
            patches = model.heads(features).grids[model.drawn].flatten(1, 2)
            sentences = model.project_text(torch.from_numpy(questions.sentences[rows]).to(patches.device))
            cosines = torch.einsum("lnd,ld->ln", patches, sentences).cpu().numpy()
            inside, seen = questions.inside[rows], questions.seen[rows]
            peaks = np.where(seen, cosines, -np.inf).argmax(axis=1)
            hits.append(inside[np.arange(len(rows)), peaks].astype(float))
            gaps.append(_mean(cosines, inside & seen) - _mean(cosines, ~inside & seen))
    return Answers(np.concatenate(hits), np.concatenate(gaps))


def embed_studies(model: EgmaModel, studies: Sequence[Study]) -> FilmFeatures:
    """The trunks on films as the engine brings them in, in float32."""
    side = model.config.image.input_px
    films = [Geometry(study.shape, (side, side), "pad").image_to_model(study.pixels) for study in studies]
    return embed_films(model, np.stack([np.rint(film * 255).astype(np.uint8) for film in films]), 1, exact=True)


def _ask(
    model: EgmaModel,
    studies: Sequence[Study],
    rows: Sequence[tuple[int, NDArray[np.bool_], str]],
    guesses: Sequence[float],
) -> Questions:
    features = embed_studies(model, studies)
    grid = (features.fine.shape[-2], features.fine.shape[-1])
    side = model.config.image.input_px
    inside, seen = [], []
    for _, mask, _ in rows:
        geometry = Geometry(mask.shape, (side, side), "pad")
        centers = geometry.patch_centers_px(grid).reshape(-1, 2)
        columns = np.clip(centers[:, 0].astype(int), 0, mask.shape[1] - 1)
        lines = np.clip(centers[:, 1].astype(int), 0, mask.shape[0] - 1)
        on_film = geometry.seen_patches(grid).ravel()
        inside.append(mask[lines, columns] & on_film)
        seen.append(on_film)
    return Questions(
        features=features,
        film=np.array([place for place, _, _ in rows], np.intp),
        sentences=embed_sentences(model, [text for _, _, text in rows]),
        inside=np.stack(inside),
        seen=np.stack(seen),
        guess=np.array(guesses, float),
    )


def _mean(values: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean of each row over some of its places; NaN where there is none."""
    counts = where.sum(axis=1).astype(float)
    return np.where(counts > 0, (values * where).sum(axis=1) / np.maximum(counts, 1), np.nan)
