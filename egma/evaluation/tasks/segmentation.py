"""`evaluate segmentation`: Dice of a light decoder on frozen patch vectors, on RSNA's boxes and SIIM's masks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, region_facts

if TYPE_CHECKING:
    from egma.evaluation.segmentation import Decoder, PatchFilm
    from egma.evaluation.sets.films import Region
    from egma.evaluation.subjects import Progress
    from egma.inference.engine import Engine

NAME = "segmentation"
HELP = "Dice of a light decoder on frozen patch vectors (RSNA boxes, SIIM masks)"
DEFINITIONS = {
    "Dice": "mean over test films with a lesion of 2 |A and B| / (|A| + |B|), at the film's own size",
    "decoder": "one logistic layer on the drawn grid's patch vectors; decay and level chosen on validation films",
    "interval": "percentile bootstrap by patient, 95 %",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, how many films to learn from."""
    add_set_options(parser)
    parser.add_argument("--films", type=int, default=2000, help="training films at most (default: %(default)s)")


def run(arguments: argparse.Namespace) -> TaskResult:
    """The decoder of every checkpoint, and the place where lesions usually lie."""
    import numpy as np

    from egma.errors import DataError
    from egma.evaluation.intervals import bootstrap
    from egma.evaluation.result import MACRO, Case, Entry, Evaluation, ModelFacts
    from egma.evaluation.sets.readers import open_regions
    from egma.evaluation.subjects import facts_of, open_engines

    found = open_regions(arguments.data, NAME, arguments.set)
    parts = {split: [region for region in found.regions if region.film.split == split] for split in ("train", "val")}
    if not parts["train"] or not parts["val"]:
        raise DataError(f"{found.title}: a decoder needs training and validation films with lesions; none were found")
    parts["train"], parts["val"] = parts["train"][: arguments.films], parts["val"][: arguments.films]
    engines = open_engines(arguments.checkpoint, arguments.device)
    values: dict[str, list[float]] = {}
    levels: dict[str, float] = {}
    for engine in engines:
        learned = [_embed(engine, parts[split], arguments.progress) for split in ("train", "val")]
        decoder, usual = _fit(*learned)
        levels[engine.checkpoint.name] = decoder.level
        ours, guess = _measure(engine, found.tested, decoder, usual, arguments.progress)
        values[engine.checkpoint.name] = ours
        values.setdefault("usual place", guess)
    patients = np.array([region.film.patient for region in found.tested])
    entries = [
        Entry(name, "Dice", MACRO, bootstrap(_mean_of(each), patients, arguments.draws, arguments.seed))
        for name, each in values.items()
    ]
    cases = [
        Case(name, region.finding, region.film.name, "marked", f"Dice {value:.2f}", 1 - value, region.phrase)
        for name in levels
        for region, value in zip(found.tested, values[name])
    ]
    return Evaluation(
        task=NAME,
        data=region_facts(found),
        protocol={
            "prompts": {"name": "none: patch vectors", "seed": None},
            "level": levels,
            "training_films": len(parts["train"]),
            "seed": arguments.seed,
            "draws": arguments.draws,
            "definitions": DEFINITIONS,
        },
        models=(*map(facts_of, engines), ModelFacts("usual place", "baseline", note="mean of the training lesions")),
        entries=tuple(entries),
        main=("Dice",),
        cases=tuple(sorted(cases, key=lambda case: (case.model, -case.badness, case.film))),
        films={region.film.name: region.film.path for region in found.tested},
    ).as_result()


def _embed(engine: Engine, regions: Sequence[Region], progress: Progress) -> list[PatchFilm]:
    """Each film's patch vectors and how much of each patch its lesion covers."""
    import numpy as np

    from egma.evaluation.segmentation import PatchFilm
    from egma.evaluation.tasks.grounding import with_films

    films = []
    for region, study in with_films(regions, progress, "training regions"):
        patches = engine.embed_studies([study]).patches[0]
        geometry = engine.geometry(study)
        covered = geometry.image_to_model(region.mask(study.shape).astype(np.float32))
        grid = _to_grid(covered, patches.shape[0], patches.shape[1])
        grid[~geometry.seen_patches((patches.shape[0], patches.shape[1]))] = np.nan
        films.append(PatchFilm(patches, grid))
    return films


def _fit(train: list[PatchFilm], validation: list[PatchFilm]) -> tuple[Decoder, Any]:
    """The decoder, and the mean lesion of the training films on the grid."""
    import numpy as np

    from egma.evaluation.segmentation import fit_decoder

    usual = np.mean([np.nan_to_num(film.share) for film in train], axis=0)
    return fit_decoder(train, validation), usual


def _measure(
    engine: Engine, regions: Sequence[Region], decoder: Decoder, usual: Any, progress: Progress
) -> tuple[list[float], list[float]]:
    import numpy as np

    from egma.evaluation.localization import dice
    from egma.evaluation.tasks.grounding import with_films

    ours, guess = [], []
    for region, study in with_films(regions, progress, "test regions"):
        geometry, mask = engine.geometry(study), region.mask(study.shape)
        drawn = geometry.map_to_source(decoder.predict(engine.embed_studies([study]).patches[0]))
        ours.append(dice(np.nan_to_num(drawn) >= decoder.level, mask))
        placed = geometry.map_to_source(np.asarray(usual, np.float32))
        guess.append(dice(np.nan_to_num(placed) >= usual.max() / 2, mask))
    return ours, guess


def _to_grid(pixels: Any, rows: int, columns: int) -> Any:
    """Means over equal cells; the model's side is a multiple of the grid's."""
    high, wide = pixels.shape
    trimmed = pixels[: high // rows * rows, : wide // columns * columns]
    return trimmed.reshape(rows, trimmed.shape[0] // rows, columns, trimmed.shape[1] // columns).mean(axis=(1, 3))


def _mean_of(values: list[float]) -> Any:
    import numpy as np

    numbers = np.array(values)
    return lambda places: float(numbers[places].mean())
