"""How often the reports that search by film brings up speak of what the film shows: P@1/5/10, chance, intervals.

A film is a question, the reports of Open-i are what is searched, and a report is a hit where it names a finding of the
film as present; for a film without a finding, where it calls the film normal and names none (label relevance, as in
retrieval on CheXpert 8x200: Zhang et al. 2022). The way of ranking is chosen on validation films, the figures are of
test films.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from egma.data.labels import PRESENT, label_mesh, label_sentence
from egma.data.manifest import FilmRow
from egma.data.openi import OpeniReport
from egma.evaluation.intervals import Figure, Places, bootstrap
from egma.findings import FINDINGS
from egma.imaging.load import load_study
from egma.index.film_ranking import CANDIDATES, film_question, order_anew, patch_support, report_vectors
from egma.inference.engine import Engine
from egma.types import Float32

DEPTHS = (1, 5, 10)
CHOSEN_BY = 10
LEAST_FILMS = 10
"""Films of a finding in a split, for it to count in the mean over findings."""
PATCH_WEIGHTS = (0.1, 0.25, 0.5, 1.0)
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EmbeddedReports:
    """R reports to be found.

    Attributes:
        sentences: float32 (S, D), every different sentence once.
        owners: for each report the places of its sentences.
        named: bool (R, 15), findings that its text names as present, by rules; "No Finding" where it names none and
            calls the film normal.
        indexed: bool (R, 15), the same by the MeSH headings that people gave it.
    """

    sentences: Float32
    owners: tuple[tuple[int, ...], ...]
    named: Flags
    indexed: Flags

    @property
    def vectors(self) -> Float32:
        """float32 (R, D)."""
        return report_vectors(self.sentences, self.owners)


@dataclass(frozen=True, eq=False)
class EmbeddedFilms:
    """F films that ask.

    Attributes:
        vectors: float32 (F, D).
        support: float32 (F, R), mean over a report's sentences of the best patch's cosine.
        present: bool (F, 15).
        patients: (F,).
    """

    vectors: Float32
    support: Float32
    present: Flags
    patients: NDArray[np.str_]


@dataclass(frozen=True)
class Ranking:
    """A way of ranking: the mean film taken off or not, and how much the look at patches weighs among the first 100."""

    centred: bool = False
    patch_weight: float = 0.0


def embed_reports(engine: Engine, reports: Sequence[OpeniReport]) -> EmbeddedReports:
    """Embed every different sentence of the reports that have one."""
    kept = [report for report in reports if report.sentences]
    texts = list(dict.fromkeys(sentence for report in kept for sentence in report.sentences))
    place = {text: number for number, text in enumerate(texts)}
    said = np.stack([label_sentence(text) for text in texts]) == PRESENT
    owners = tuple(tuple(place[text] for text in dict.fromkeys(report.sentences)) for report in kept)
    named = np.stack([said[list(places)].any(axis=0) for places in owners])
    indexed = np.stack([label_mesh(report.mesh) for report in kept]).astype(bool)
    return EmbeddedReports(engine.embed_texts(texts), owners, _normal_alone(named), _normal_alone(indexed))


def embed_films(engine: Engine, rows: Sequence[FilmRow], reports: EmbeddedReports) -> EmbeddedFilms:
    """Embed films one at a time, and look for every report's sentences on their patches."""
    flat = np.concatenate([np.asarray(places) for places in reports.owners])
    counts = np.array([len(places) for places in reports.owners], np.float32)
    starts = [0, *accumulate(len(places) for places in reports.owners[:-1])]
    vectors, support = [], []
    for row in rows:
        study = load_study(row.path)
        found = engine.embed_studies([study])
        seen = engine.geometry(study).seen_patches(found.patches.shape[1:3])
        best = patch_support(found.patches[0][seen], reports.sentences)
        vectors.append(found.globals[0])
        support.append((np.add.reduceat(best[flat], starts) / counts).astype(np.float32))
    present = np.stack([row.present for row in rows])
    return EmbeddedFilms(np.stack(vectors), np.stack(support), present, np.array([row.patient for row in rows]))


def score_reports(films: EmbeddedFilms, reports: Float32, ranking: Ranking, film_mean: Float32) -> Float32:
    """float32 (F, R), higher is nearer."""
    scores = film_question(films.vectors, film_mean if ranking.centred else None) @ reports.T
    return np.stack([order_anew(row, extra, ranking.patch_weight) for row, extra in zip(scores, films.support)])


def best_sentence_scores(films: EmbeddedFilms, reports: EmbeddedReports) -> Float32:
    """float32 (F, R): a report as near as its nearest sentence; what is not done, for comparison."""
    cosines = films.vectors @ reports.sentences.T
    return np.stack([cosines[:, list(places)].max(axis=1) for places in reports.owners], axis=1)


@dataclass(frozen=True, eq=False)
class Precision:
    """P@k of F films, each film's first reports judged.

    Attributes:
        hits: bool (F, 10), whether each of a film's first ten reports shares a finding with it.
        found: float (F, 10, 15), the findings of those reports.
        films: who asked.
        chance: share of all reports that are relevant, mean over films.
        finding_chance: (15,), share of all reports that name each finding.
    """

    hits: Flags
    found: Flags
    films: EmbeddedFilms
    chance: float
    finding_chance: NDArray[np.float64]

    @property
    def columns(self) -> list[int]:
        """Findings with enough films."""
        return [int(column) for column in np.flatnonzero(self.films.present.sum(axis=0) >= LEAST_FILMS)]

    def at(self, depth: int) -> Callable[[Places], float]:
        """P@depth over films, as a measure of places."""
        each = self.hits[:, :depth].mean(axis=1)
        return lambda places: float(each[places].mean())

    def by_finding_at(self, depth: int) -> Callable[[Places], float]:
        """P@depth of "the report names the same finding", every finding counting alike, as in 8x200."""
        each, present, columns = self.found[:, :depth].mean(axis=1), self.films.present, self.columns

        def measure(places: Places) -> float:
            rows = [each[places, column][present[places, column]] for column in columns]
            means = [float(row.mean()) for row in rows if len(row)]
            return float(np.mean(means)) if means else float("nan")

        return measure

    @property
    def chance_by_finding(self) -> float:
        """What `by_finding_at` gives a random order."""
        return float(self.finding_chance[self.columns].mean()) if self.columns else float("nan")


def judge(films: EmbeddedFilms, scores: Float32, named: Flags) -> Precision:
    """Judge the first ten reports of every film by shared findings."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, : max(DEPTHS)]
    relevant = (films.present.astype(np.int64) @ named.T.astype(np.int64)) > 0
    hits = np.take_along_axis(relevant, first, axis=1)
    return Precision(hits, named[first], films, float(relevant.mean()), named.mean(axis=0))


def figures_of(precision: Precision) -> dict[str, object]:
    """P@1/5/10 with bootstrap intervals (patients drawn) and chance, for a file."""
    groups = precision.films.patients
    return {
        "p_at": {str(depth): as_values(bootstrap(precision.at(depth), groups)) for depth in DEPTHS},
        "chance": round(precision.chance, 4),
        "by_finding": {str(depth): as_values(bootstrap(precision.by_finding_at(depth), groups)) for depth in DEPTHS},
        "chance_by_finding": round(precision.chance_by_finding, 4),
        "findings": [FINDINGS[column] for column in precision.columns],
    }


def as_values(figure: Figure) -> dict[str, float | int]:
    """A figure as plain values."""
    low, high = round(figure.low, 4), round(figure.high, 4)
    return {"value": round(figure.value, 4), "low": low, "high": high, "n": figure.n}


def choose_ranking(films: EmbeddedFilms, reports: EmbeddedReports, film_mean: Float32) -> tuple[Ranking, list[dict]]:
    """The way of ranking that validation films favour, and what was tried.

    The mean film is taken off where that raises P@10; patches are looked at only where the whole 95 % interval of their
    gain is above zero.
    """
    vectors, tried = reports.vectors, []

    def judged(ranking: Ranking) -> Precision:
        return judge(films, score_reports(films, vectors, ranking, film_mean), reports.named)

    plain, centred = judged(Ranking()), judged(Ranking(centred=True))
    everyone = np.arange(len(films.patients))
    chosen = Ranking(centred=centred.at(CHOSEN_BY)(everyone) > plain.at(CHOSEN_BY)(everyone))
    tried += [_tried(Ranking(), plain), _tried(Ranking(centred=True), centred)]
    kept, best = judged(chosen), chosen
    for weight in PATCH_WEIGHTS:
        ranking = Ranking(chosen.centred, weight)
        other = judged(ranking)
        gain = bootstrap(_gain(other, kept), films.patients)
        tried.append({**_tried(ranking, other), "gain": as_values(gain)})
        if gain.low > 0 and other.at(CHOSEN_BY)(everyone) > judged(best).at(CHOSEN_BY)(everyone):
            best = ranking
    sentence = judge(films, best_sentence_scores(films, reports), reports.named)
    tried.append({"by": "film as it is, report by its best sentence", **_precisions(sentence)})
    return best, tried


def _gain(other: Precision, kept: Precision) -> Callable[[Places], float]:
    ours, theirs = other.at(CHOSEN_BY), kept.at(CHOSEN_BY)
    return lambda places: ours(places) - theirs(places)


def _tried(ranking: Ranking, precision: Precision) -> dict[str, object]:
    by = "film less the mean film" if ranking.centred else "film as it is"
    patches = f" + {ranking.patch_weight:g} x patches of the first {CANDIDATES}" if ranking.patch_weight else ""
    return {"by": by + patches, **_precisions(precision)}


def _precisions(precision: Precision) -> dict[str, object]:
    everyone = np.arange(len(precision.hits))
    return {f"p_at_{depth}": round(precision.at(depth)(everyone), 4) for depth in DEPTHS}


def _normal_alone(named: Flags) -> Flags:
    """A report that names any finding is not one of a normal film, whatever else it says."""
    normal = FINDINGS.index("No Finding")
    others = np.delete(named, normal, axis=1).any(axis=1)
    clean = named.copy()
    clean[:, normal] &= ~others
    return clean
