"""`evaluate finetune`: trunk and a linear layer trained at 1, 10 and 100 % of the labels, AUROC and F1."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, list_facts
from egma.evaluation.tasks.shares import (
    add_share_option,
    comparisons_at,
    definitions,
    entries_at,
    floor_entries,
    floor_facts,
    main_metrics,
    open_supervised,
    read_shares,
)
from egma.evaluation.tasks.tuning import add_film_options, add_tune_options, read_cap, read_tune_settings

if TYPE_CHECKING:
    from egma.evaluation.result import Comparison
    from egma.evaluation.scores import Table
    from egma.evaluation.tuned_films import TunedShare
    from egma.inference.engine import Engine

NAME = "finetune"
HELP = "the whole image half trained at 1, 10 and 100 % of the labels, AUROC and F1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which shares, and what bounds the time that it takes."""
    add_set_options(parser)
    add_share_option(parser)
    add_tune_options(parser)
    add_film_options(parser, "training films a share")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every checkpoint fine-tuned at every share, beside the frozen probe that it starts from."""
    from egma.evaluation.result import Evaluation
    from egma.evaluation.scores import Table
    from egma.evaluation.subjects import open_engines
    from egma.evaluation.tuned_films import TuneTask, tune_films

    shares, settings = read_shares(arguments.shares), read_tune_settings(arguments)
    films, validation = read_cap(arguments, "films"), read_cap(arguments, "validation_films")
    listed, found = open_supervised(arguments, NAME)
    task = TuneTask.of(found, shares, settings, films, validation)
    engines = open_engines(arguments.checkpoint, arguments.device)
    tuned = [share for engine in engines for share in tune_films(engine, task, arguments.progress)]
    table = Table(found, arguments.draws, arguments.seed)
    entries = [
        entry
        for each in tuned
        for scores in (each.tuned, each.frozen)
        for entry in entries_at(table, scores, each.share)
    ]
    return Evaluation(
        task=NAME,
        data=list_facts(listed),
        protocol=_protocol(task, tuned, arguments),
        models=(*_models(engines), *floor_facts()),
        entries=(*entries, *floor_entries(table, shares, arguments.seed)),
        main=main_metrics(found, shares),
        comparisons=tuple(_compare(table, tuned, shares)),
        notes=tuple(task.notes),
    ).as_result()


def _models(engines: list[Engine]) -> list[Any]:
    from egma.evaluation.result import ModelFacts
    from egma.evaluation.subjects import facts_of
    from egma.evaluation.tuned_films import FROZEN

    return [
        facts
        for engine in engines
        for facts in (
            facts_of(engine),
            ModelFacts(f"{engine.checkpoint.name}{FROZEN}", "baseline", note="the linear layer that it starts from"),
        )
    ]


def _compare(table: Table, tuned: list[TunedShare], shares: tuple[int, ...]) -> list[Comparison]:
    """The first checkpoint, fine-tuned, against its own frozen probe and against the other checkpoints."""
    found: list[Comparison] = []
    for share in shares:
        first, *others = [each for each in tuned if each.share == share]
        for other in (first.frozen, *(each.tuned for each in others)):
            found += comparisons_at(table, first.tuned, other, share)
    return found


def _protocol(task: Any, tuned: list[TunedShare], arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "prompts": {"name": "none: a linear layer on image vectors, trunk and heads trained", "seed": None},
        "shares": list(task.shares),
        "training_films": {str(share): len(places) for share, places in task.places.items()},
        "validation_films": len(task.validation),
        **task.settings.as_json(),
        "start": "the linear probe on the frozen vectors of the same films",
        "selection": "epoch by macro AUROC (of equal ones the lower loss), thresholds by F1, all on validation films",
        "runs": [each.as_json() for each in tuned],
        "seed": arguments.seed,
        "draws": arguments.draws,
        "definitions": definitions(),
    }
