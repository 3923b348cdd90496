"""`evaluate zeroshot`: films told apart by sentences alone, on every published list the user has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, list_facts
from egma.evaluation.tasks.shares import floor_facts

if TYPE_CHECKING:
    from egma.evaluation.prompts import PromptSet
    from egma.evaluation.sets.films import LabelledSet

NAME = "zeroshot"
HELP = "classify films by sentences alone: accuracy, F1, AUROC, AUPRC, calibration"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which prompts."""
    add_set_options(parser)
    parser.add_argument("--prompts", metavar="NAME", help="own, gloria-5x200, convirt-8x200, single or pairs")
    parser.add_argument("--rule", choices=("mean", "max"), help="how a class's sentences are put together")
    parser.add_argument("--without-frozen", action="store_true", help="leave the probe on ImageNet features out")
    parser.add_argument("--prompts-per-class", type=int, metavar="N", help="draw N sentences a class, with --seed")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Scores of every checkpoint and baseline on the data set's test films."""
    from egma.evaluation.baselines import trained_baselines
    from egma.evaluation.draw import curve_pictures
    from egma.evaluation.prompts import OWN
    from egma.evaluation.result import Evaluation
    from egma.evaluation.scores import EACH, Table, chance_scores, majority_scores
    from egma.evaluation.sets.readers import open_films
    from egma.evaluation.subjects import embed_films, facts_of, open_engines
    from egma.evaluation.zeroshot import default_prompts, list_cases, score_by_prompts

    found = open_films(arguments.data, NAME, arguments.set)
    name = arguments.prompts or default_prompts(found)
    prompts = None if name == OWN else _load(name, found, arguments)
    engines = open_engines(arguments.checkpoint, arguments.device)
    embedded = embed_films(engines, found.tested, arguments.progress)
    table = Table(found, arguments.draws, arguments.seed)
    own = [score_by_prompts(engine, said, found, prompts) for engine, said in zip(engines, embedded)]
    facts, baselines = trained_baselines(found, arguments.progress, frozen=not arguments.without_frozen)
    count = len(table.films)
    everyone = [*own, *baselines, majority_scores(found, count), chance_scores(found, count, arguments.seed)]
    comparisons = [each for other in everyone[1 : len(own) + len(baselines)] for each in table.compare(own[0], other)]
    return Evaluation(
        task=NAME,
        data=list_facts(found),
        protocol=_protocol(prompts, arguments),
        models=(*map(facts_of, engines), *facts, *floor_facts()),
        entries=tuple(entry for scores in everyone for entry in table.entries(scores)),
        main=table.metrics if found.exclusive else EACH,
        comparisons=tuple(comparisons),
        cases=tuple(case for scores in own for case in list_cases(scores, found, table.truth)),
        films={film.name: film.path for film in table.films},
        pictures=curve_pictures(table, [*own, *baselines]),
        notes=_notes(found),
    ).as_result()


def _load(name: str, found: LabelledSet, arguments: argparse.Namespace) -> PromptSet:
    from egma.evaluation.prompts import load_prompts

    return load_prompts(name, found.classes, rule=arguments.rule, each=arguments.prompts_per_class, seed=arguments.seed)


def _protocol(prompts: PromptSet | None, arguments: argparse.Namespace) -> dict[str, Any]:
    from egma.evaluation.scores import DEFINITIONS, THRESHOLD
    from egma.evaluation.zeroshot import TEMPERATURE

    if prompts is None:
        told: dict[str, Any] = {"name": "own", "source": "each checkpoint's config.json, named by its hash"}
    else:
        told = {
            "name": prompts.name,
            "source": prompts.source,
            "sha256": prompts.sha256,
            "rule": prompts.rule,
            "seed": prompts.seed,
            "sentences": sum(map(len, prompts.sentences.values())),
        }
    return {
        "prompts": told,
        "seed": arguments.seed,
        "draws": arguments.draws,
        "threshold": THRESHOLD,
        "temperature": TEMPERATURE,
        "definitions": DEFINITIONS,
    }


def _notes(found: LabelledSet) -> tuple[str, ...]:
    if found.of("train"):
        return ()
    return ("the list has no training films, so the probe on frozen ImageNet features has nothing to learn from",)
