"""Options and facts that tasks on data sets share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.evaluation.result import ListFacts
    from egma.evaluation.sets.films import LabelledSet, RegionSet

DRAWS = 1000


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """`--set`, `--seed`, `--draws`."""
    parser.add_argument("--set", metavar="NAME", help="which data set, where the folder holds several (see doctor)")
    parser.add_argument("--seed", type=int, default=0, help="of bootstrap, subsets and drawn prompts (default: 0)")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the bootstrap (default: %(default)s)")


def list_facts(found: LabelledSet) -> ListFacts:
    """The list of test films."""
    from egma.evaluation.result import ListFacts

    films = found.tested
    patients = len({film.patient for film in films})
    return ListFacts(found.name, found.title, found.list_sha256, len(films), patients, found.view_filter, found.rule)


def region_facts(found: RegionSet) -> ListFacts:
    """The list of test regions."""
    from egma.evaluation.result import ListFacts

    regions = found.tested
    patients = len({region.film.patient for region in regions})
    return ListFacts(found.name, found.title, found.list_sha256, len(regions), patients, found.view_filter, found.rule)
