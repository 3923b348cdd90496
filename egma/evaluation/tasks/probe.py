"""`evaluate probe`: a linear layer on frozen features at 1, 10 and 100 % of the labels, AUROC and F1."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, list_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from egma.evaluation.scores import Scores
    from egma.evaluation.sets.films import LabelledSet

NAME = "probe"
HELP = "a linear layer on frozen features at 1, 10 and 100 % of the labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which shares."""
    add_set_options(parser)
    parser.add_argument("--shares", default="1,10,100", metavar="A,B", help="percent of labels (default: %(default)s)")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every checkpoint and the frozen ImageNet features, at every share."""
    from egma.evaluation.baselines import FROZEN, embed_frozen_films
    from egma.evaluation.result import Entry, Evaluation, ModelFacts
    from egma.evaluation.scores import DEFINITIONS, Table, chance_scores, majority_scores
    from egma.evaluation.sets.readers import open_films
    from egma.evaluation.subjects import embed_films, facts_of, open_engines
    from egma.evaluation.supervised import check_trainable

    shares = read_shares(arguments.shares)
    found = open_films(arguments.data, NAME, arguments.set)
    parts = {split: found.of(split) for split in ("train", "val", "test")}
    check_trainable(found.title, parts["train"], parts["val"])
    engines = open_engines(arguments.checkpoint, arguments.device)
    features: dict[str, dict[str, Any]] = {engine.checkpoint.name: {} for engine in engines} | {FROZEN: {}}
    for split, films in parts.items():
        for engine, said in zip(engines, embed_films(engines, films, arguments.progress)):
            features[engine.checkpoint.name][split] = said.globals
        features[FROZEN][split] = embed_frozen_films(films, arguments.progress)
    table = Table(found, arguments.draws, arguments.seed)
    entries: list[Entry] = []
    kept: dict[int, list[Scores]] = {}
    for share in shares:
        kept[share] = [probe_at(found, name, each, share, arguments.seed) for name, each in features.items()]
        for scores in kept[share]:
            entries += [_named(entry, share) for entry in table.entries(scores)]
    count = len(table.films)
    for scores in (majority_scores(found, count), chance_scores(found, count, arguments.seed)):
        entries += [_named(entry, share) for share in shares for entry in table.entries(scores)]
    metrics = ("AUROC", "macro F1" if found.exclusive else "F1")
    comparisons = [
        _compared(each, share)
        for share in shares
        for other in kept[share][1:]
        for each in table.compare(kept[share][0], other)
    ]
    return Evaluation(
        task=NAME,
        data=list_facts(found),
        protocol={
            "prompts": {"name": "none: a linear layer on image vectors", "seed": None},
            "shares": list(shares),
            "training_films": {str(share): _count(found, share, arguments.seed) for share in shares},
            "seed": arguments.seed,
            "draws": arguments.draws,
            "selection": "weight decay by macro AUROC on the validation films",
            "definitions": DEFINITIONS,
        },
        models=(
            *map(facts_of, engines),
            ModelFacts(FROZEN, "baseline"),
            ModelFacts("majority", "baseline"),
            ModelFacts("chance", "baseline"),
        ),
        entries=tuple(entries),
        main=tuple(f"{metric} at {share} %" for metric in metrics for share in shares),
        comparisons=tuple(comparisons),
    ).as_result()


def probe_at(found: LabelledSet, name: str, features: dict[str, NDArray[np.float32]], share: int, seed: int) -> Scores:
    """Test probabilities after fitting on a seeded share of the training films."""
    import numpy as np

    from egma.evaluation.scores import Scores
    from egma.evaluation.supervised import fit_linear, take_share

    films = found.of("train")
    places = take_share(films, share, seed)
    truth = np.array([films[place].truth for place in places])
    validation = features["val"], np.array([film.truth for film in found.of("val")])
    values = fit_linear(features["train"][places], truth, validation, features["test"], exclusive=found.exclusive)
    return Scores(f"{name}@{share}", values)


def read_shares(text: str) -> tuple[int, ...]:
    """ "1,10,100" as numbers, each 1 to 100."""
    from egma.errors import SettingsError

    try:
        shares = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"--shares: wanted whole percents such as 1,10,100, got {text[:40]!r}") from None
    if not shares or any(not 1 <= share <= 100 for share in shares):
        raise SettingsError(f"--shares: wanted percents from 1 to 100, got {text[:40]!r}")
    return tuple(sorted(set(shares)))


def _count(found: LabelledSet, share: int, seed: int) -> int:
    from egma.evaluation.supervised import take_share

    return len(take_share(found.of("train"), share, seed))


def _named(entry: Any, share: int) -> Any:
    """The entry under the model's own name, the share in its metric."""
    from dataclasses import replace

    return replace(entry, model=entry.model.removesuffix(f"@{share}"), metric=f"{entry.metric} at {share} %")


def _compared(each: Any, share: int) -> Any:
    from dataclasses import replace

    first, second = (name.removesuffix(f"@{share}") for name in (each.first, each.second))
    return replace(each, first=first, second=second, metric=f"{each.metric} at {share} %")


def shares_of(entries: Sequence[Any]) -> list[str]:
    """The metrics named with a share, in order."""
    return list(dict.fromkeys(entry.metric for entry in entries if entry.metric.endswith("%")))
