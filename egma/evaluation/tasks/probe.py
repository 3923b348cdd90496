"""`evaluate probe`: a linear layer on frozen features at 1, 10 and 100 % of the labels, AUROC and F1."""

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
    scores_at,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from egma.evaluation.scores import Scores
    from egma.evaluation.sets.films import LabelledSet
    from egma.inference.engine import Engine

NAME = "probe"
HELP = "a linear layer on frozen features at 1, 10 and 100 % of the labels"
_SPLITS = ("train", "val", "test")
Features = dict[str, dict[str, Any]]
"""name -> split -> float32 (F, C)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which shares."""
    add_set_options(parser)
    add_share_option(parser)


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every checkpoint and the frozen ImageNet features, at every share."""
    from egma.evaluation.baselines import FROZEN
    from egma.evaluation.result import Evaluation, ModelFacts
    from egma.evaluation.scores import Table
    from egma.evaluation.subjects import facts_of, open_engines

    shares = read_shares(arguments.shares)
    listed, found = open_supervised(arguments, NAME)
    engines = open_engines(arguments.checkpoint, arguments.device)
    features = _embed(found, engines, arguments)
    table = Table(found, arguments.draws, arguments.seed)
    kept = {
        share: [probe_at(found, name, each, share, arguments.seed) for name, each in features.items()]
        for share in shares
    }
    entries = [entry for share in shares for scores in kept[share] for entry in entries_at(table, scores, share)]
    return Evaluation(
        task=NAME,
        data=list_facts(listed),
        protocol=_protocol(found, shares, arguments),
        models=(*map(facts_of, engines), ModelFacts(FROZEN, "baseline"), *floor_facts()),
        entries=(*entries, *floor_entries(table, shares, arguments.seed)),
        main=main_metrics(found, shares),
        comparisons=tuple(
            each
            for share in shares
            for other in kept[share][1:]
            for each in comparisons_at(table, kept[share][0], other, share)
        ),
    ).as_result()


def probe_at(found: LabelledSet, name: str, features: dict[str, NDArray[np.float32]], share: int, seed: int) -> Scores:
    """Test probabilities after fitting on a seeded share of the training films."""
    import numpy as np

    from egma.evaluation.supervised import fit_layer, take_share

    films = found.of("train")
    places = take_share(films, share, seed)
    truth, validated = (
        np.array([film.truth for film in each]) for each in ([films[place] for place in places], found.of("val"))
    )
    layer = fit_layer(features["train"][places], truth, (features["val"], validated), exclusive=found.exclusive)
    answers = {split: layer.answer(features[split], exclusive=found.exclusive) for split in ("val", "test")}
    return scores_at(found, name, share, (validated, answers["val"]), answers["test"])


def _embed(found: LabelledSet, engines: list[Engine], arguments: argparse.Namespace) -> Features:
    """Vectors of every split by every checkpoint, and by the frozen baseline."""
    from egma.evaluation.baselines import FROZEN, embed_frozen_films
    from egma.evaluation.subjects import embed_films

    features: Features = {name: {} for name in (*(engine.checkpoint.name for engine in engines), FROZEN)}
    for split in _SPLITS:
        films = found.of(split)
        for engine, said in zip(engines, embed_films(engines, films, arguments.progress)):
            features[engine.checkpoint.name][split] = said.globals
        features[FROZEN][split] = embed_frozen_films(films, arguments.progress)
    return features


def _protocol(found: LabelledSet, shares: tuple[int, ...], arguments: argparse.Namespace) -> dict[str, Any]:
    from egma.evaluation.supervised import take_share

    films = found.of("train")
    return {
        "prompts": {"name": "none: a linear layer on image vectors", "seed": None},
        "shares": list(shares),
        "training_films": {str(share): len(take_share(films, share, arguments.seed)) for share in shares},
        "seed": arguments.seed,
        "draws": arguments.draws,
        "selection": "weight decay by macro AUROC, thresholds by F1, both on the validation films",
        "definitions": definitions(),
    }
