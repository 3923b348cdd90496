"""`evaluate retrieval`: image to text and text to image, by class (8x200, 5x200) or by each film's own text."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, list_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from egma.evaluation.retrieval import Ranked
    from egma.evaluation.sets.films import LabelledSet
    from egma.inference.engine import Engine

NAME = "retrieval"
HELP = "find texts by films and films by texts: P@1/5/10, R@1/5/10, mAP"
DIRECTIONS = ("image to text", "text to image")
DEFINITIONS = {
    "P@k": "mean share of right answers among the first k",
    "R@k": "share of queries with a right answer among the first k",
    "mAP": "mean average precision over queries",
    "right": "a text of the film's class (lists of classes), or the film's own text (pairs)",
    "interval": "percentile bootstrap of queries (films by patient), 95 %",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which sentences."""
    add_set_options(parser)
    parser.add_argument("--prompts", metavar="NAME", default="convirt-8x200", help="sentences of the classes")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Both directions for every checkpoint, and chance."""
    import numpy as np

    from egma.evaluation.intervals import Figure
    from egma.evaluation.result import MACRO, Entry, Evaluation, ModelFacts
    from egma.evaluation.retrieval import chance_precision, rank, retrieval_figures
    from egma.evaluation.sets.readers import open_films
    from egma.evaluation.subjects import embed_films, facts_of, open_engines

    found = open_films(arguments.data, NAME, arguments.set)
    texts, owners, told = _texts(found, arguments.prompts)
    engines = open_engines(arguments.checkpoint, arguments.device)
    embedded = embed_films(engines, found.tested, arguments.progress)
    relevant = _relevant(found, owners)
    patients = np.array([film.patient for film in found.tested])
    entries, cases = [], []
    for engine, said in zip(engines, embedded):
        scores = said.globals @ engine.embed_texts(texts).T
        ways = (rank(scores, relevant, patients), rank(scores.T, relevant.T, np.arange(len(texts))))
        for direction, ranked in zip(DIRECTIONS, ways):
            for metric, figure in retrieval_figures(ranked, arguments.draws, arguments.seed).items():
                entries.append(Entry(engine.checkpoint.name, f"{direction} {metric}", MACRO, figure))
        cases += _cases(engine, found, texts, ways[0])
    none = Figure(chance_precision(relevant), float("nan"), float("nan"), len(found.tested))
    for metric in (entry.metric for entry in entries if "P@" in entry.metric or "mAP" in entry.metric):
        if not any(entry.model == "chance" and entry.metric == metric for entry in entries):
            entries.append(Entry("chance", metric, MACRO, none))
    return Evaluation(
        task=NAME,
        data=list_facts(found),
        protocol={"prompts": told, "seed": arguments.seed, "draws": arguments.draws, "definitions": DEFINITIONS},
        models=(*map(facts_of, engines), ModelFacts("chance", "baseline", note="the share of right pairs")),
        entries=tuple(entries),
        main=tuple(dict.fromkeys(entry.metric for entry in entries)),
        cases=tuple(cases),
        films={film.name: film.path for film in found.tested},
    ).as_result()


def _texts(found: LabelledSet, prompts: str) -> tuple[list[str], list[int], dict[str, Any]]:
    """Texts, the class or film that each belongs to, and where they come from."""
    from egma.evaluation.prompts import load_prompts
    from egma.evaluation.sets.films import hash_list

    if not found.classes or all(film.text for film in found.tested):
        texts = [film.text for film in found.tested]
        return (
            texts,
            list(range(len(texts))),
            {"name": "each film's own text", "sha256": hash_list(texts), "seed": None},
        )
    loaded = load_prompts(prompts, found.classes)
    texts = [text for label in found.classes for text in loaded.sentences[label]]
    owners = [column for column, label in enumerate(found.classes) for _ in loaded.sentences[label]]
    about = {"name": prompts, "source": loaded.source, "sha256": loaded.sha256, "seed": None, "sentences": len(texts)}
    return texts, owners, about


def _relevant(found: LabelledSet, owners: list[int]) -> NDArray[np.bool_]:
    """bool (F, T): texts that are right for each film."""
    import numpy as np

    from egma.evaluation.sets.films import PRESENT

    if len(owners) == len(found.tested) and owners == list(range(len(owners))):
        if not found.classes:
            return np.eye(len(owners), dtype=bool)
        shown = np.array([film.truth for film in found.tested]).argmax(axis=1)
        return shown[:, None] == shown[None]
    truth = np.array([film.truth for film in found.tested])
    return (truth == PRESENT)[:, owners]


def _cases(engine: Engine, found: LabelledSet, texts: list[str], ranked: Ranked) -> list[Any]:
    """The films whose first right text came latest."""
    from egma.evaluation.result import Case

    first = ranked.relevant.argmax(axis=1)
    films = found.tested
    return [
        Case(
            engine.checkpoint.name,
            DIRECTIONS[0],
            films[row].name,
            f"right at {first[row] + 1}",
            texts[int(ranked.order[row, 0])][:80],
            float(first[row]),
        )
        for row in sorted(range(len(films)), key=lambda row: (-first[row], films[row].name))[:24]
    ]
