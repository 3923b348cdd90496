"""The stages of egma-mini's training, from films on disk to a calibrated checkpoint; `recipe` runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from egma.config import ModelConfig
from egma.data.films import load_film_array
from egma.data.manifest import FilmRow, label_arrays
from egma.data.openi import OpeniReport
from egma.display import fit_display
from egma.errors import DataError
from egma.findings import FINDINGS
from egma.finetune.mini.calibrate import calibrate_findings
from egma.finetune.mini.command import Note
from egma.finetune.mini.features import FilmFeatures, embed_films
from egma.finetune.mini.heads import HeadSettings
from egma.finetune.mini.heads_data import HeadsData, LabelledFeatures, PhantomFeatures, build_phantom_features
from egma.finetune.mini.phantoms import build_phantom_set
from egma.finetune.mini.sentences import build_bank
from egma.finetune.mini.teacher import Layer, soft_answers
from egma.finetune.mini.trunk import LabelledFilms, TrunkSettings
from egma.finetune.mini.validation import Validation, embed_prompts, prompt_positives, score_films
from egma.model.egma import EgmaModel
from egma.model.presets import LITE1, MOBILENET

TRUNKS_OF_MINI = (
    TrunkSettings(MOBILENET, epochs=12, size_px=256, seed=1),
    TrunkSettings(LITE1, epochs=12, size_px=256, seed=2),
)
"""Two networks that err differently: their answers together are better than either's."""


@dataclass(frozen=True)
class Recipe:
    """Every number of the training.

    Attributes:
        films_px: side of the films kept in memory; crops are taken from it.
        views: of each training film whose features are cached, the first unchanged.
        phantoms, validation_phantoms: how many are built.
        trunks: settings of every image trunk, in the order they stand side by side.
        heads: the second stage's settings.
        seed: of phantoms, views and sentences; the stages have their own.
    """

    films_px: int = 352
    views: int = 3
    phantoms: int = 600
    validation_phantoms: int = 150
    trunks: tuple[TrunkSettings, ...] = TRUNKS_OF_MINI
    heads: HeadSettings = field(default_factory=HeadSettings)
    seed: int = 0


MINIATURE = Recipe(
    films_px=128,
    views=2,
    phantoms=12,
    validation_phantoms=10,
    trunks=(
        TrunkSettings("tiny", epochs=1, batch=8, size_px=128),
        TrunkSettings("tiny", epochs=1, batch=8, size_px=128, seed=1),
    ),
    heads=HeadSettings(steps=2, films=6, phantoms=4, validate_every=1),
)
"""Seconds long, on phantoms alone: every line of the recipe runs, and nothing is learned."""


@dataclass(frozen=True, eq=False)
class TrainingFilms:
    """Films to train on and to choose by, and what was left out.

    Attributes:
        train, validation: films with labels.
        excluded: licence (or "no licence stated") -> films of the training split left out for it.
    """

    train: LabelledFilms
    validation: LabelledFilms
    excluded: dict[str, int]


def load_training_films(rows: list[FilmRow], films_px: int, note: Note) -> TrainingFilms:
    """Train and val films that a shipped model may learn from; validation only where all labels are known."""
    kept = [row for row in rows if row.may_ship and row.split == "train"]
    chosen_by = [row for row in rows if row.may_ship and row.split == "val" and row.known.all()]
    if not kept or not chosen_by:
        raise DataError(
            "the manifest has no film to train or to validate on: wanted rows of both splits, freely licensed"
        )
    left_out: dict[str, int] = {}
    for row in rows:
        if row.split == "train" and not row.may_ship:
            name = row.licence if row.licence not in ("", "unstated") else "no licence stated"
            left_out[name] = left_out.get(name, 0) + 1
    return TrainingFilms(_load(kept, films_px, note), _load(chosen_by, films_px, note), left_out)


def build_phantom_films(recipe: Recipe) -> TrainingFilms:
    """Phantoms in the films' place, for the miniature."""
    sets = [
        build_phantom_set(count, recipe.films_px, recipe.seed + 5 + place, with_gaze=False)
        for place, count in enumerate((recipe.phantoms, recipe.validation_phantoms))
    ]
    train, validation = (
        LabelledFilms(each.films, each.present, np.ones_like(each.present), np.arange(len(each))) for each in sets
    )
    return TrainingFilms(train, validation, {})


def build_heads_data(
    model: EgmaModel,
    films: TrainingFilms,
    reports: list[OpeniReport],
    layers: Sequence[Layer | None],
    recipe: Recipe,
    note: Note,
) -> HeadsData:
    """Everything frozen, computed once: features of films and phantoms by the trained trunks, and of all sentences.

    Args:
        model: with its trunks in place.
        films, reports: what is learned from.
        layers: the trunks' own, whose answers are learned beside the labels.
        recipe: numbers.
        note: told of progress.
    """
    train = embed_films(model, films.train.pixels, recipe.views, seed=recipe.seed, note=note)
    validation = embed_films(model, films.validation.pixels, 1, exact=True, note=note)
    bank = build_bank(model, reports, recipe.seed)
    note(f"sentences: {int(bank.from_reports.sum())} of reports, {int((~bank.from_reports).sum())} composed")
    return HeadsData(
        films=replace(_labelled(train, films.train), soft=soft_answers(model, train, layers)),
        validation=_labelled(validation, films.validation),
        phantoms=_build_phantoms(model, recipe.phantoms, recipe.seed + 1, note, with_gaze=True),
        validation_phantoms=_build_phantoms(model, recipe.validation_phantoms, recipe.seed + 2, note, with_gaze=False),
        bank=bank,
        prompts=embed_prompts(model),
    )


def calibrate(model: EgmaModel, data: HeadsData, validation: Validation) -> ModelConfig:
    """The config with patch share, calibration and display range fitted on validation films."""
    with torch.inference_mode():
        scores = score_films(model, data.validation.features, data.prompts)
        cosines = _patch_cosines(model, data.validation.features, data)
    present, known = data.validation.present, data.validation.known
    rate = data.prior.double().numpy()
    mixed = scores.mixed(validation.patch_share)
    display = fit_display(cosines)
    return replace(
        model.config,
        patch_share=validation.patch_share,
        classify=calibrate_findings(model.config.classify, mixed, present, known, rate, data.validation.patients),
        display_range=display.display_range,
        drawn_from=display.drawn_from,
    )


def _load(rows: list[FilmRow], films_px: int, note: Note) -> LabelledFilms:
    present, known = label_arrays(rows)
    pixels = load_film_array([row.path for row in rows], films_px, note)
    return LabelledFilms(pixels, present, known, np.array([row.patient for row in rows]))


def _labelled(features: FilmFeatures, films: LabelledFilms) -> LabelledFeatures:
    return LabelledFeatures(features, films.present, films.known, films.patients)


def _build_phantoms(model: EgmaModel, count: int, seed: int, note: Note, *, with_gaze: bool) -> PhantomFeatures:
    phantoms = build_phantom_set(count, model.config.image.input_px, seed, with_gaze=with_gaze, note=note)
    layers = np.concatenate((phantoms.masks, phantoms.gaze), axis=1)
    features = embed_films(model, phantoms.films, 1, masks=layers, exact=not with_gaze, note=note)
    return build_phantom_features(model, phantoms, features)


def _patch_cosines(model: EgmaModel, features: FilmFeatures, data: HeadsData) -> NDArray[np.float32]:
    """Cosines of every validation patch with every positive prompt but those of a normal film: any order."""
    prompts = prompt_positives(model, data.prompts)[1 : len(FINDINGS)]
    places = np.arange(features.fine.shape[1])
    found = []
    for chosen in np.array_split(places, max(1, len(places) // 32)):
        grids = model.heads(features.pick(0, chosen, model.logit_scale.device)).grids[model.drawn]
        found.append((grids.flatten(0, 2) @ prompts.T).cpu().numpy().ravel())
    return np.concatenate(found)
