"""A draft from the reports nearest to a film: their own sentences, each with who wrote it and who contradicts it.

Nothing is generated. Sentences that say the same are put together (near in the text space, same findings present and
absent, same sides); one of them, as a report has it, stands for all. A group is kept where several reports say it. Two
groups contradict where one names a finding as present and the other as absent, or one has it on the left and the other
on the right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from egma.data.labels import ABSENT, NORMAL, PRESENT, label_sentence, sides_of
from egma.errors import LibraryError
from egma.findings import FINDINGS
from egma.index.records import Hit
from egma.index.sections import split_report
from egma.types import Float32

if TYPE_CHECKING:
    from egma.inference.engine import Engine

SAME_FROM = 0.88
"""Cosine from which two sentences with the same findings and sides count as saying the same; egma-mini puts rewordings
("Heart size normal.", "The heart is within normal limits in size.") at 0.89 to 0.98."""
LEAST_REPORTS = 2
NEIGHBOURS = 10
_OF_CHANGE = re.compile(
    r"\b(?:stable|unchanged|interval(?:ly)?|again|previous(?:ly)?|prior|earlier|compar(?:ed|ison)|since|newly|new|remains?"
    r"|persist(?:ent|s)?|improv\w*|worsen\w*|resol(?:ved|ving|ution)|no (?:significant )?change)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"\b[Xx]{2,}\b|_{3,}")


@dataclass(frozen=True)
class Source:
    """A report that says a sentence: its id, its own words, and how near the report is to the film."""

    report: str
    words: str
    score: float


@dataclass(frozen=True)
class DraftSentence:
    """A sentence of the draft.

    Attributes:
        words: as the first of `sources` has it.
        sources: the reports that say it or the same, nearest first.
        present, absent: findings that it names as there, and as not there.
        of_change: it speaks of an earlier film, which this film's reader may not have.
        marked: it holds marks of de-identification where words were.
        contradicts: places in the draft of the sentences that say otherwise.
    """

    words: str
    sources: tuple[Source, ...]
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    of_change: bool = False
    marked: bool = False
    contradicts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """What two groups of sentences disagree on: a finding, and whether it is its presence or its side."""

    finding: str
    about: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Draft:
    """Sentences in the order in which reports have them.

    Attributes:
        sentences: what several of the reports say.
        conflicts: where they disagree.
        reports: ids of the reports that were read, nearest first.
        left_out: different sentences that only one report says.
    """

    sentences: tuple[DraftSentence, ...]
    conflicts: tuple[Conflict, ...]
    reports: tuple[str, ...]
    left_out: int


@dataclass(frozen=True, eq=False)
class _Said:
    """One sentence of one report. `place` in [0, 1] is how far down the report it stands."""

    words: str
    report: str
    score: float
    place: float
    labels: tuple[int, ...]
    sides: frozenset[str]


def draft_from(engine: Engine, hits: Sequence[Hit], least_reports: int = LEAST_REPORTS) -> Draft:
    """The draft of the nearest reports.

    Args:
        engine: embeds the sentences.
        hits: the reports, nearest first.
        least_reports: how many of them must say a sentence; with a single report, one.

    Raises:
        LibraryError: none of the reports holds a sentence on what a film shows.
    """
    said = [each for hit in hits for each in _sentences(hit)]
    if not said:
        raise LibraryError("the nearest reports hold no sentence to draft from; search in a library with report texts")
    vectors = engine.embed_texts([each.words for each in said])
    groups = _group(said, vectors)
    least = min(least_reports, len({each.report for each in said}))
    kept = [group for group in groups if len({said[place].report for place in group}) >= least]
    kept.sort(key=lambda group: float(np.mean([said[place].place for place in group])))
    sentences = [_sentence(said, vectors, group) for group in kept]
    conflicts = find_conflicts(sentences)
    return Draft(
        tuple(_with_conflicts(sentences, conflicts)),
        tuple(conflicts),
        tuple(dict.fromkeys(hit.id for hit in hits)),
        len(groups) - len(kept),
    )


def find_conflicts(sentences: Sequence[DraftSentence]) -> list[Conflict]:
    """Findings that one sentence names as present and another as absent, or as present on different sides."""
    conflicts: list[Conflict] = []
    for finding in FINDINGS:
        there = [place for place, each in enumerate(sentences) if finding in each.present]
        not_there = [place for place, each in enumerate(sentences) if finding in each.absent]
        if there and not_there:
            conflicts.append(Conflict(finding, "presence", (*there, *not_there)))
        one_sided = {place: sides_of(sentences[place].words) for place in there if finding != NORMAL}
        opposed = {
            place
            for first, second in combinations(one_sided, 2)
            if {one_sided[first], one_sided[second]} == {frozenset({"left"}), frozenset({"right"})}
            for place in (first, second)
        }
        if opposed:
            conflicts.append(Conflict(finding, "side", tuple(sorted(opposed))))
    return conflicts


def _sentences(hit: Hit) -> list[_Said]:
    texts = list(dict.fromkeys(sentence.text for sentence in split_report(hit.text)))
    return [
        _Said(
            words=text,
            report=hit.id,
            score=hit.score,
            place=number / max(len(texts) - 1, 1),
            labels=tuple(label_sentence(text).tolist()),
            sides=sides_of(text),
        )
        for number, text in enumerate(texts)
    ]


def _group(said: Sequence[_Said], vectors: Float32) -> list[list[int]]:
    """Places of sentences that say the same. Nearest pairs first; a group holds only sentences that are all alike."""
    alike = (vectors @ vectors.T) >= SAME_FROM
    alike &= np.array([[a.labels == b.labels and a.sides == b.sides for b in said] for a in said])
    alike |= np.array([[_folded(a.words) == _folded(b.words) for b in said] for a in said])
    cosines = np.where(np.triu(alike, 1), vectors @ vectors.T, -np.inf)
    group_of = {place: [place] for place in range(len(said))}
    for flat in np.argsort(-cosines, axis=None, kind="stable")[: int(np.isfinite(cosines).sum())]:
        first, second = divmod(int(flat), len(said))
        mine, other = group_of[first], group_of[second]
        if mine is not other and alike[np.ix_(mine, other)].all():
            mine.extend(other)
            group_of.update(dict.fromkeys(other, mine))
    return list({id(group): sorted(group) for group in group_of.values()}.values())


def _sentence(said: Sequence[_Said], vectors: Float32, group: Sequence[int]) -> DraftSentence:
    """A group as one of its own sentences: the most typical of those free of marks and of talk of earlier films."""
    middle = vectors[list(group)].mean(axis=0)
    best = min(group, key=lambda place: (_flaws(said[place].words), -round(float(vectors[place] @ middle), 6), place))
    chosen = said[best]
    first_of: dict[str, _Said] = {}
    for each in (chosen, *(said[place] for place in group)):
        first_of.setdefault(each.report, each)
    rest = sorted((each for each in first_of.values() if each is not chosen), key=lambda each: -each.score)
    return DraftSentence(
        words=chosen.words,
        sources=tuple(Source(each.report, each.words, each.score) for each in (chosen, *rest)),
        present=_findings(chosen.labels, PRESENT),
        absent=_findings(chosen.labels, ABSENT),
        of_change=_OF_CHANGE.search(chosen.words) is not None,
        marked=_MARK.search(chosen.words) is not None,
    )


def _with_conflicts(sentences: Sequence[DraftSentence], conflicts: Sequence[Conflict]) -> list[DraftSentence]:
    from dataclasses import replace

    against: dict[int, set[int]] = {place: set() for place in range(len(sentences))}
    for conflict in conflicts:
        for first, second in combinations(conflict.places, 2):
            one, other = sentences[first], sentences[second]
            same_side = conflict.about == "presence" and (conflict.finding in one.present) == (
                conflict.finding in other.present
            )
            if not same_side:
                against[first].add(second)
                against[second].add(first)
    return [replace(each, contradicts=tuple(sorted(against[place]))) for place, each in enumerate(sentences)]


def _findings(labels: Sequence[int], wanted: int) -> tuple[str, ...]:
    return tuple(finding for finding, label in zip(FINDINGS, labels) if label == wanted)


def _flaws(words: str) -> int:
    return 2 * (_MARK.search(words) is not None) + (_OF_CHANGE.search(words) is not None)


def _folded(words: str) -> str:
    return " ".join(re.findall(r"\w+", words.casefold()))
