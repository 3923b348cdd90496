"""`evaluate segmentation`: Dice of a light decoder on patch vectors, trunk frozen or trained, on RSNA and SIIM."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, region_facts
from egma.evaluation.tasks.tuning import add_film_options, add_tune_options, read_cap, read_tune_settings

if TYPE_CHECKING:
    from egma.evaluation.finetuning import Tuned, TuneSettings
    from egma.evaluation.result import Comparison, Entry
    from egma.evaluation.sets.films import Region, RegionSet
    from egma.inference.engine import Engine

NAME = "segmentation"
HELP = "Dice of a light decoder on patch vectors, the trunk frozen or trained (RSNA boxes, SIIM masks)"
USUAL, TUNED = "usual place", ", fine-tuned"
DEFINITIONS = {
    "Dice": "mean over test films with a lesion of 2 |A and B| / (|A| + |B|), at the film's own size",
    "decoder": "one logistic layer on the drawn grid's patch vectors; decay and level chosen on validation films",
    "fine-tuned": "trunk and heads trained from that decoder on; step by Dice on the grid, level likewise",
    "interval": "percentile bootstrap by patient, 95 %",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, how many films to learn from, and whether the trunk is trained too."""
    add_set_options(parser)
    add_film_options(parser, "training films")
    parser.add_argument("--full", action="store_true", help="a second row: trunk and heads trained with the decoder")
    add_tune_options(parser)


@dataclass(frozen=True, eq=False)
class Segmented:
    """Dice of every test film by one model, the level that validation films chose, and how its fine-tuning went."""

    model: str
    dice: list[float]
    level: float | None = None
    run: Tuned | None = None


def run(arguments: argparse.Namespace) -> TaskResult:
    """The decoder of every checkpoint, the same with its trunk trained, and the place where lesions usually lie."""
    from egma.evaluation.result import Evaluation, ModelFacts
    from egma.evaluation.sets.readers import open_regions
    from egma.evaluation.subjects import open_engines

    settings = read_tune_settings(arguments)
    caps = {"train": read_cap(arguments, "films"), "val": read_cap(arguments, "validation_films")}
    found = open_regions(arguments.data, NAME, arguments.set)
    parts = {split: _take(found, split, most, arguments.seed) for split, most in caps.items()}
    engines = open_engines(arguments.checkpoint, arguments.device)
    segmented = [each for engine in engines for each in _segment(engine, found, parts, settings, arguments)]
    # The mean lesion lies on each checkpoint's own grid; the first one's stands for all.
    segmented = [*(each for each in segmented if each.model != USUAL), next(s for s in segmented if s.model == USUAL)]
    entries, comparisons = _figures(found.tested, segmented, arguments)
    return Evaluation(
        task=NAME,
        data=region_facts(found),
        protocol=_protocol(parts, segmented, settings, arguments),
        models=(*_models(engines, full=arguments.full), ModelFacts(USUAL, "baseline", note="mean training lesion")),
        entries=entries,
        main=("Dice",),
        comparisons=comparisons,
        cases=_cases(found.tested, segmented),
        films={region.film.name: region.film.path for region in found.tested},
    ).as_result()


def _take(found: RegionSet, split: str, most: int | None, seed: int) -> list[Region]:
    """A split's regions, seeded and by whole patients where there are more than are wanted."""
    from egma.errors import DataError
    from egma.evaluation.supervised import take_at_most

    regions = [region for region in found.regions if region.film.split == split]
    if not regions:
        raise DataError(f"{found.title}: a decoder needs training and validation films with lesions; none were found")
    return [regions[place] for place in take_at_most([region.film for region in regions], most, seed)]


def _segment(
    engine: Engine,
    found: RegionSet,
    parts: dict[str, list[Region]],
    settings: TuneSettings,
    arguments: argparse.Namespace,
) -> list[Segmented]:
    """One checkpoint: frozen, fine-tuned where asked, and the usual place on its grid."""
    from egma.evaluation.tasks.lesions import draw_answers, embed_lesions, fit_lesions, measure_lesions
    from egma.evaluation.tuned_patches import tune_decoder

    name, progress = engine.checkpoint.name, arguments.progress
    lesions = embed_lesions(engine, parts["train"], progress), embed_lesions(engine, parts["val"], progress)
    decoder, usual = fit_lesions(*lesions)
    ours, guess = measure_lesions(engine, found.tested, decoder, usual, progress)
    segmented = [Segmented(name, ours, decoder.level)]
    if arguments.full:
        films = [region.film for region in parts["train"]], [region.film for region in parts["val"]]
        tuned = tune_decoder(engine, films, lesions, decoder, settings, progress)
        answers = tuned.predict([region.film for region in found.tested], progress)
        drawn = draw_answers(engine, found.tested, list(answers), tuned.level, progress)
        segmented.append(Segmented(f"{name}{TUNED}", drawn, tuned.level, tuned.run))
    return [*segmented, Segmented(USUAL, guess)]


def _figures(
    regions: Sequence[Region], segmented: list[Segmented], arguments: argparse.Namespace
) -> tuple[tuple[Entry, ...], tuple[Comparison, ...]]:
    """Dice with intervals, and what differs from the first model on the same draws of patients."""
    import numpy as np

    from egma.evaluation.classification import paired_bootstrap
    from egma.evaluation.intervals import bootstrap, draw_places
    from egma.evaluation.result import MACRO, Comparison, Entry

    patients = np.array([region.film.patient for region in regions])
    values = {each.model: np.array(each.dice) for each in segmented}
    draws = draw_places(patients, arguments.draws, arguments.seed)
    drawn = {name: np.array([each[places].mean() for places in draws]) for name, each in values.items()}
    figures = {
        name: bootstrap(lambda places, each=each: float(each[places].mean()), patients, arguments.draws, arguments.seed)
        for name, each in values.items()
    }
    first, *others = (each.model for each in segmented if each.model != USUAL)
    comparisons = [
        Comparison(
            "Dice", MACRO, first, name, paired_bootstrap(figures[first], figures[name], drawn[name] - drawn[first])
        )
        for name in others
    ]
    return tuple(Entry(name, "Dice", MACRO, figure) for name, figure in figures.items()), tuple(comparisons)


def _cases(regions: Sequence[Region], segmented: list[Segmented]) -> tuple[Any, ...]:
    """Every test film of every model, worst first."""
    from egma.evaluation.result import Case

    cases = [
        Case(each.model, region.finding, region.film.name, "marked", f"Dice {value:.2f}", 1 - value, region.phrase)
        for each in segmented
        if each.model != USUAL
        for region, value in zip(regions, each.dice)
    ]
    return tuple(sorted(cases, key=lambda case: (case.model, -case.badness, case.film)))


def _models(engines: Sequence[Engine], *, full: bool) -> list[Any]:
    """The checkpoints, each followed by itself fine-tuned."""
    from dataclasses import replace

    from egma.evaluation.subjects import facts_of

    note = "trunk, heads and decoder trained"
    return [
        facts
        for engine in engines
        for plain in [facts_of(engine)]
        for facts in ((plain, replace(plain, name=f"{plain.name}{TUNED}", note=note)) if full else (plain,))
    ]


def _protocol(
    parts: dict[str, list[Region]], segmented: list[Segmented], settings: TuneSettings, arguments: argparse.Namespace
) -> dict[str, Any]:
    """What it takes to repeat it; of the fine-tuning only where there was one."""
    runs = [{"model": each.model, **each.run.as_json("dice")} for each in segmented if each.run is not None]
    return {
        "prompts": {"name": "none: patch vectors", "seed": None},
        "level": {each.model: each.level for each in segmented if each.level is not None},
        "training_films": len(parts["train"]),
        "validation_films": len(parts["val"]),
        **({"finetune": settings.as_json(), "runs": runs} if runs else {}),
        "seed": arguments.seed,
        "draws": arguments.draws,
        "definitions": DEFINITIONS,
    }
