"""`evaluate drafts`: retrieval drafts for held-out films, scored against their own reports."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.reports import DEFINITIONS, score_reports
from egma.evaluation.tasks.shared import add_set_options

if TYPE_CHECKING:
    from egma.evaluation.drafts import DraftedFilm, HeldOut
    from egma.evaluation.result import Case, Entry, ListFacts
    from egma.evaluation.sets.films import LabelledSet
    from egma.inference.engine import Engine

NAME = "drafts"
HELP = "drafts for held-out films from other patients' reports, scored as `reports` scores them"
NEAREST, RANDOM = ", nearest report", "reports by chance"
TEXTS = "drafts.csv"
_LABELS = {"micro_f1": "label F1, micro", "macro_f1": "label F1, macro"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which films, which library, how many reports a draft is made of."""
    add_set_options(parser)
    parser.add_argument("--index", type=Path, metavar="LIBRARY", help="reports to draft from; else the data set's own")
    parser.add_argument("--neighbours", type=int, default=10, help="reports a draft reads (default: %(default)s)")
    parser.add_argument("--films", type=int, default=0, help="test films at most, 0 for all (default: 0)")
    parser.add_argument("--chexbert", type=Path, metavar="FILE", help="chexbert.pth, to label by CheXbert as well")
    parser.add_argument("--texts", action="store_true", help=f"keep the reports' words too: {TEXTS} in --out")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Drafts of every checkpoint, beside the nearest report alone and drafts of reports that were drawn."""
    from egma.evaluation.drafts import draft_films, hold_out, open_library
    from egma.evaluation.result import Evaluation, ModelFacts
    from egma.evaluation.sets.readers import open_films
    from egma.evaluation.subjects import facts_of, open_engines

    _check(arguments)
    found = open_films(arguments.data, NAME, arguments.set)
    held = hold_out(_fewer(found, arguments), own_library=arguments.index is None)
    engines = open_engines(arguments.checkpoint, arguments.device)
    drafted: dict[str, list[DraftedFilm]] = {}
    sizes: list[int] = []
    for engine in engines:
        with open_library(engine, held, arguments.index, arguments.progress) as index:
            sizes.append(len(index))
            drafted[engine.checkpoint.name] = draft_films(
                engine, index, held, arguments.progress, neighbours=arguments.neighbours, seed=arguments.seed
            )
    texts = _texts(drafted)
    scored = _score(held, texts, arguments.chexbert)
    nearest = [ModelFacts(f"{name}{NEAREST}", "baseline", note="its sentences as they stand") for name in drafted]
    result = Evaluation(
        task=NAME,
        data=_facts(found, held),
        protocol=_protocol(held, drafted, engines, sizes[0], arguments),
        models=(*map(facts_of, engines), *nearest, ModelFacts(RANDOM, "baseline", note="a draft of drawn reports")),
        entries=tuple(entry for name, scores in scored.items() for entry in _entries(name, scores)),
        main=tuple(dict.fromkeys(entry.metric for scores in scored.values() for entry in _entries("", scores))),
        cases=_cases(held, drafted),
        films={film.name: film.path for film in held.films},
        notes=_notes(held, drafted, scored),
    ).as_result()
    return _with_texts(result, held, texts) if arguments.texts else result


def _check(arguments: argparse.Namespace) -> None:
    from egma.errors import SettingsError
    from egma.index.store import MAX_HITS

    if not 1 <= arguments.neighbours <= MAX_HITS // 2:
        raise SettingsError(f"--neighbours: wanted 1 to {MAX_HITS // 2}, got {arguments.neighbours}")
    if arguments.films < 0:
        raise SettingsError(f"--films: wanted 0 (all) or more, got {arguments.films}")
    if arguments.texts and arguments.out is None and arguments.job is None:
        raise SettingsError(f"--texts keeps {TEXTS} beside the result: name a folder with --out")


def _fewer(found: LabelledSet, arguments: argparse.Namespace) -> LabelledSet:
    """At most `--films` test films, drawn by seed and patient; the other splits as they are."""
    from dataclasses import replace

    from egma.evaluation.supervised import take_at_most

    tested = found.tested
    kept = {tested[place].name for place in take_at_most(tested, arguments.films or None, arguments.seed)}
    return replace(found, films=tuple(film for film in found.films if film.split != "test" or film.name in kept))


def _texts(drafted: dict[str, list[DraftedFilm]]) -> dict[str, list[str]]:
    """What each row of the table says of every film; drawn reports are the first checkpoint's."""
    texts = {name: [each.draft for each in films] for name, films in drafted.items()}
    texts |= {f"{name}{NEAREST}": [each.nearest for each in films] for name, films in drafted.items()}
    return texts | {RANDOM: [each.random for each in next(iter(drafted.values()))]}


def _score(held: HeldOut, texts: dict[str, list[str]], chexbert: Path | None) -> dict[str, dict[str, Any]]:
    """Every row as `reports` scores it, intervals by patient."""
    import numpy as np

    patients = np.array([film.patient for film in held.films])
    return {name: score_reports(list(held.references), said, chexbert, patients) for name, said in texts.items()}


def _entries(name: str, scores: dict[str, Any]) -> list[Entry]:
    """The figures of `reports`, each with the reason where there is none."""
    from egma.evaluation.intervals import Figure
    from egma.evaluation.result import MACRO, Entry

    nan = float("nan")

    def entry(metric: str, plain: dict[str, Any] | None, reason: str = "") -> Entry:
        value, low, high = (
            nan if plain is None or plain[key] is None else float(plain[key]) for key in ("value", "low", "high")
        )
        return Entry(name, metric, MACRO, Figure(value, low, high, scores["n"]), reason)

    measures = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "meteor", "radgraph_f1")
    found = [entry(key, scores["intervals"].get(key), scores["reasons"].get(key, "")) for key in measures]
    for labeller, labels in scores["labels"].items():
        found += [
            entry(f"{said} ({labeller})", labels[key], "no finding is named in any report")
            for key, said in _LABELS.items()
        ]
    return found


def _facts(found: LabelledSet, held: HeldOut) -> ListFacts:
    from egma.evaluation.result import ListFacts

    patients = len({film.patient for film in held.films})
    rule = f"{found.rule}; films with a report of their own"
    return ListFacts(found.name, found.title, held.list_sha256, len(held.films), patients, found.view_filter, rule)


def _protocol(
    held: HeldOut,
    drafted: dict[str, list[DraftedFilm]],
    engines: list[Engine],
    size: int,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    from egma.index.draft import LEAST_REPORTS, SAME_FROM
    from egma.index.film_settings import load_film_settings

    settings = {engine.checkpoint.name: load_film_settings(engine.checkpoint) for engine in engines}
    own = arguments.index is None
    return {
        "prompts": {"name": "none: reports are found by the film", "seed": None},
        "neighbours": arguments.neighbours,
        "least_reports": LEAST_REPORTS,
        "same_from": SAME_FROM,
        "library": {
            "from": held.rule if own else "a library of the user's",
            "reports": size,
            "sha256": held.library_sha256 if own else None,
        },
        "never_a_neighbour": "the film's own report and every report of its patient; where the library does not say "
        "whose a report is, one that says the same word for word",
        "passed_over": {name: sum(each.passed_over for each in films) for name, films in drafted.items()},
        "empty_drafts": {name: sum(not each.draft for each in films) for name, films in drafted.items()},
        "ranking": {
            name: {"mean_film_taken_off": each.film_mean is not None, "patch_weight": each.patch_weight}
            for name, each in settings.items()
        },
        "reference": "the report's sentences on what the film shows, without headings, reasons and comparisons",
        "seed": arguments.seed,
        "draws": 1000,
        "definitions": DEFINITIONS | {"interval": DEFINITIONS["interval"].replace("of pairs", "by patient")},
    }


def _cases(held: HeldOut, drafted: dict[str, list[DraftedFilm]]) -> tuple[Case, ...]:
    """Every film by the ROUGE-L of its draft, worst first; no word of a report is in it."""
    from egma.evaluation.captions.ptb import tokenize_texts
    from egma.evaluation.captions.scores import rouge_l
    from egma.evaluation.result import MACRO, Case

    references = tokenize_texts(list(held.references))
    cases = []
    for name, films in drafted.items():
        said = tokenize_texts([each.draft for each in films])
        for film, reference, words in zip(held.films, references, said):
            value = rouge_l(reference, words)
            cases.append(Case(name, MACRO, film.name, f"{len(reference)} words", f"ROUGE-L {value:.2f}", 1 - value))
    return tuple(sorted(cases, key=lambda case: (case.model, -case.badness, case.film)))


def _notes(held: HeldOut, drafted: dict[str, list[DraftedFilm]], scored: dict[str, Any]) -> tuple[str, ...]:
    reasons = next(iter(scored.values()))["reasons"]
    notes = [f"{name} is none: {why}" for name, why in reasons.items() if name != "chexbert"]
    if held.without:
        notes.append(f"{held.without:,} test films have no report and were left out")
    for name, films in drafted.items():
        empty = sum(not each.draft for each in films)
        if empty:
            notes.append(
                f"{name}: for {empty:,} of {len(films):,} films the reports agreed on no sentence: scored as empty"
            )
    return (*notes, "a draft is made of other patients' sentences and is no finding of its film")


def _with_texts(result: TaskResult, held: HeldOut, texts: dict[str, list[str]]) -> TaskResult:
    """The result, which writes the texts as well, in columns that `evaluate reports --csv` reads."""
    import csv
    import io
    from dataclasses import replace

    from egma.cells import safe_cell

    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["film", "reference", *map(safe_cell, texts)])
    for place, film in enumerate(held.films):
        words = (film.name, held.references[place], *(said[place] for said in texts.values()))
        writer.writerow(map(safe_cell, words))

    def save_more(folder: Path) -> None:
        if result.save_more is not None:
            result.save_more(folder)
        (folder / TEXTS).write_text(stream.getvalue(), encoding="utf-8", newline="")

    return replace(result, save_more=save_more)
