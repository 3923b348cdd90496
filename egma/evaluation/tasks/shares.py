"""What the tasks that learn from a share of the labels have in common: the shares, their table and its floors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from egma.evaluation.result import Comparison, Entry, ModelFacts
    from egma.evaluation.scores import Scores, Table
    from egma.evaluation.sets.films import LabelledSet

F1 = "F1 of the finding called from the threshold that has the best F1 on validation films; of classes that exclude"
CALLED = {
    "F1": f"{F1} each other, of the likeliest",
    "accuracy": "share of films whose class was named; with many findings, of films called right at that threshold",
    "balanced accuracy": "mean of the classes' recalls; with many findings, of sensitivity and specificity there",
}


def add_share_option(parser: argparse.ArgumentParser) -> None:
    """`--shares`."""
    parser.add_argument("--shares", default="1,10,100", metavar="A,B", help="percent of labels (default: %(default)s)")


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


def open_supervised(arguments: argparse.Namespace, task: str) -> tuple[LabelledSet, LabelledSet]:
    """The data set as its owners list it, and as it is learned: one finding against none is that finding."""
    from egma.evaluation.sets.readers import open_films
    from egma.evaluation.supervised import as_findings, check_trainable

    listed = open_films(arguments.data, task, arguments.set)
    check_trainable(listed.title, listed.of("train"), listed.of("val"))
    return listed, as_findings(listed)


def main_metrics(found: LabelledSet, shares: Sequence[int]) -> tuple[str, ...]:
    """The table's columns."""
    metrics = ("AUROC", "macro F1" if found.exclusive else "F1")
    return tuple(f"{metric} at {share} %" for metric in metrics for share in shares)


def definitions() -> dict[str, str]:
    """Of every metric in the table."""
    from egma.evaluation.scores import DEFINITIONS

    return DEFINITIONS | CALLED


def scores_at(
    found: LabelledSet,
    model: str,
    share: int,
    validation: tuple[NDArray[np.integer], NDArray[np.float64]],
    values: NDArray[np.float64],
) -> Scores:
    """A model's probabilities of the test films, called from the thresholds that validation films choose.

    Args:
        found: the data set.
        model: its name.
        share: percent of the labels it learned from.
        validation: truth and probabilities, (F, K) each.
        values: probabilities of the test films.
    """
    from egma.evaluation.scores import Scores
    from egma.evaluation.supervised import choose_thresholds

    return Scores(f"{model}@{share}", values, None if found.exclusive else choose_thresholds(*validation))


def floor_entries(table: Table, shares: Sequence[int], seed: int) -> list[Entry]:
    """Majority and chance, their thresholds chosen as a model's are, the same at every share."""
    from dataclasses import replace

    import numpy as np

    from egma.evaluation.scores import chance_scores, majority_scores
    from egma.evaluation.supervised import choose_thresholds

    found, films = table.found, table.found.of("val")
    truth, entries = np.array([film.truth for film in films]), []
    floors = (
        (majority_scores(found, len(films)), majority_scores(found, len(table.films))),
        (chance_scores(found, len(films), seed + 1), chance_scores(found, len(table.films), seed)),
    )
    for validation, scores in floors:
        cuts = None if found.exclusive else choose_thresholds(truth, validation.values)
        plain = table.entries(replace(scores, thresholds=cuts))
        entries += [name_share(entry, share) for share in shares for entry in plain]
    return entries


def floor_facts() -> tuple[ModelFacts, ModelFacts]:
    """Who the floors are."""
    from egma.evaluation.result import ModelFacts

    return (
        ModelFacts("majority", "baseline", note="the share of each class, the same for every film"),
        ModelFacts("chance", "baseline", note="uniform numbers, seeded"),
    )


def entries_at(table: Table, scores: Scores, share: int) -> list[Entry]:
    """A model's figures at a share."""
    return [name_share(entry, share) for entry in table.entries(scores)]


def comparisons_at(table: Table, first: Scores, second: Scores, share: int) -> list[Comparison]:
    """Second minus first at a share."""
    from dataclasses import replace

    end = f"@{share}"
    return [
        replace(
            each,
            first=each.first.removesuffix(end),
            second=each.second.removesuffix(end),
            metric=f"{each.metric} at {share} %",
        )
        for each in table.compare(first, second)
    ]


def name_share(entry: Any, share: int) -> Any:
    """The entry under the model's own name, the share in its metric."""
    from dataclasses import replace

    return replace(entry, model=entry.model.removesuffix(f"@{share}"), metric=f"{entry.metric} at {share} %")
