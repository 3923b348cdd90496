"""`evaluate grounding`: do maps lie on what readers marked? Boxes and masks of seven data sets, against guesses."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, region_facts

if TYPE_CHECKING:
    from egma.evaluation.localization import Located
    from egma.evaluation.sets.films import Region, RegionSet
    from egma.evaluation.subjects import Progress
    from egma.inference.engine import Engine
    from egma.types import Study

NAME = "grounding"
HELP = "do maps lie on what readers marked: CNR, mIoU, pointing game, Dice, pixel AUC"
GUESSES = ("centre bias", "chance")
DEFINITIONS = {
    "CNR": "|mean inside - mean outside| / sqrt(variance inside + variance outside) of the cosine map",
    "mIoU": "mean over levels 0.1, 0.2, 0.3, 0.4, 0.5 of the overlap of map and region by their union",
    "pointing game": "share of regions that hold the map's maximum (the strongest patch's centre)",
    "Dice": "at one level for all films: chosen on validation regions, else the display range's middle",
    "pixel AUC": "AUROC of pixels inside against outside, mean over regions",
    "interval": "percentile bootstrap of regions by patient, 95 %",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set."""
    add_set_options(parser)


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every measure of every checkpoint and guess, over all regions and by finding."""
    from egma.evaluation.draw import draw_bars
    from egma.evaluation.result import MACRO, Case, Evaluation, ModelFacts
    from egma.evaluation.sets.readers import open_regions
    from egma.evaluation.subjects import facts_of, open_engines

    found = open_regions(arguments.data, NAME, arguments.set)
    engines = open_engines(arguments.checkpoint, arguments.device)
    levels = {engine.checkpoint.name: choose_level(engine, found, arguments.progress) for engine in engines}
    located = locate_regions(engines, found.tested, levels, arguments.progress, arguments.seed)
    entries, comparisons = _figures(found.tested, located, arguments)
    findings = sorted({region.finding for region in found.tested})
    bars = {
        model: [_bar(entries, model, finding) for finding in findings]
        for model in (*levels, *GUESSES)
        if model in located
    }
    cases = [
        Case(model, region.finding, region.film.name, "marked", f"CNR {each.cnr:.2f}", 10 - each.cnr, region.phrase)
        for model in levels
        for region, each in zip(found.tested, located[model])
        if each.cnr == each.cnr
    ]
    return Evaluation(
        task=NAME,
        data=region_facts(found),
        protocol={
            "prompts": {"name": "the data set's phrases, else each finding's first sentence", "seed": None},
            "seed": arguments.seed,
            "draws": arguments.draws,
            "dice_level": {name: {"level": level, "chosen_on": where} for name, (level, where) in levels.items()},
            "definitions": DEFINITIONS,
        },
        models=(*map(facts_of, engines), *(ModelFacts(name, "baseline") for name in GUESSES)),
        entries=tuple(entries),
        main=tuple(dict.fromkeys(entry.metric for entry in entries if entry.item == MACRO)),
        comparisons=tuple(comparisons),
        cases=tuple(sorted(cases, key=lambda case: (case.model, -case.badness, case.film))),
        films={region.film.name: region.film.path for region in found.tested},
        pictures=(lambda folder: draw_bars(folder / "cnr.png", findings, bars, "Contrast-to-noise ratio"),),
    ).as_result()


def choose_level(engine: Engine, found: RegionSet, progress: Progress) -> tuple[float, str]:
    """The similarity at which maps are cut for Dice, and where it was chosen: never on a test film."""
    import numpy as np

    from egma.evaluation.localization import DICE_LEVELS, dice

    validation = [region for region in found.regions if region.film.split == "val"]
    if not validation:
        low, high = engine.display_range
        return round((low + high) / 2, 4), "the middle of the checkpoint's display range"
    totals = np.zeros(len(DICE_LEVELS))
    for region, study in with_films(validation, progress, "validation regions"):
        values, mask = engine.ground(study, [region.phrase[:300]])[0].cosine, region.mask(study.shape)
        totals += [dice(values >= level, mask) for level in DICE_LEVELS]
    return DICE_LEVELS[int(totals.argmax())], f"{len(validation)} validation regions"


def locate_regions(
    engines: Sequence[Engine],
    regions: Sequence[Region],
    levels: dict[str, tuple[float, str]],
    progress: Progress,
    seed: int,
) -> dict[str, list[Located]]:
    """Model -> what it did on each region; the guesses too."""
    import numpy as np

    from egma.evaluation.localization import centre_map, locate, random_map

    found: dict[str, list[Located]] = {engine.checkpoint.name: [] for engine in engines} | {
        name: [] for name in GUESSES
    }
    generator = np.random.default_rng(seed)
    for region, study in with_films(regions, progress, "regions"):
        mask = region.mask(study.shape)
        for engine in engines:
            (asked,) = engine.ground(study, [region.phrase[:300]])
            name = engine.checkpoint.name
            found[name].append(locate(asked.cosine, mask, asked.peak_xy_px, levels[name][0]))
        for name, values in zip(GUESSES, (centre_map(study.shape), random_map(study.shape, generator))):
            row, column = np.unravel_index(int(values.argmax()), values.shape)
            found[name].append(locate(values, mask, (float(column), float(row)), 0.5))
    return found


def with_films(regions: Sequence[Region], progress: Progress, what: str) -> Iterator[tuple[Region, Study]]:
    """Regions with their films; films that follow each other are read once."""
    from egma.errors import DataError, FilmError
    from egma.imaging import load_study

    last: tuple[str, Study] | None = None
    for place, region in enumerate(regions):
        progress(place, len(regions), what)
        if last is None or last[0] != region.film.name:
            try:
                last = region.film.name, load_study(region.film.path)
            except FilmError as error:
                raise DataError(f"the film {region.film.name[-60:]} cannot be read: {error}") from None
        yield region, last[1]
    progress(len(regions), len(regions), what)


def _figures(
    regions: Sequence[Region], located: dict[str, list[Located]], arguments: Any
) -> tuple[list[Any], list[Any]]:
    import numpy as np

    from egma.evaluation.classification import paired_bootstrap
    from egma.evaluation.intervals import Figure, draw_places
    from egma.evaluation.localization import METRICS
    from egma.evaluation.result import MACRO, Comparison, Entry

    patients = np.array([region.film.patient for region in regions])
    findings = np.array([region.finding for region in regions])
    draws = draw_places(patients, arguments.draws, arguments.seed)
    entries: list[Entry] = []
    drawn: dict[tuple[str, str], tuple[Figure, Any]] = {}
    for model, each in located.items():
        for metric in METRICS:
            values = np.array([one.values()[metric] for one in each])
            over = np.array([_mean(values[places]) for places in draws])
            figure = _with_interval(values, over, patients)
            drawn[(model, metric)] = figure, over
            entries.append(Entry(model, metric, MACRO, figure))
            for finding in sorted(set(findings)):
                rows = findings == finding
                sub = np.array([_mean(values[places[rows[places]]]) for places in draws])
                entries.append(Entry(model, metric, finding, _with_interval(values[rows], sub, patients[rows])))
    first, *others = located
    comparisons = [
        Comparison(
            metric,
            MACRO,
            first,
            other,
            paired_bootstrap(
                drawn[(first, metric)][0],
                drawn[(other, metric)][0],
                drawn[(other, metric)][1] - drawn[(first, metric)][1],
            ),
        )
        for other in others
        for metric in METRICS
    ]
    return entries, comparisons


def _mean(values: Any) -> float:
    import numpy as np

    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _with_interval(values: Any, over: Any, patients: Any) -> Any:
    """No interval where fewer than two patients stand behind the figure: draws of one say nothing."""
    import numpy as np

    from egma.evaluation.intervals import Figure

    finite = over[np.isfinite(over)]
    low, high = (np.nan, np.nan)
    if len(finite) > len(over) / 2 and len(set(patients[np.isfinite(values)])) > 1:
        low, high = np.percentile(finite, (2.5, 97.5))
    return Figure(_mean(values), float(low), float(high), int(np.isfinite(values).sum()))


def _bar(entries: list[Any], model: str, finding: str) -> tuple[float, float, float]:
    figure = next(
        entry.figure for entry in entries if (entry.model, entry.metric, entry.item) == (model, "CNR", finding)
    )
    return figure.value, figure.low, figure.high
