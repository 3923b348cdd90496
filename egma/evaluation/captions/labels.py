"""Label F1 of reports, in the manner of the CheXbert score: do both texts name the same findings?

A report is labelled, its reference is labelled, and F1 is taken over (report, finding) pairs: micro over all pairs,
macro as the mean over findings that occur. The labeller is CheXbert where its weights are given, else the rules of
`egma.data.labels`; a hedged finding counts as present in both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.intervals import Figure, Places, bootstrap, groups_of

Labeller = Callable[[Sequence[str]], NDArray[np.bool_]]
"""Texts (N) -> bool (N, K): the findings each calls present."""


@dataclass(frozen=True)
class LabelScores:
    """F1 of findings named.

    Attributes:
        micro, macro: with intervals, reports drawn.
        each: finding -> F1; only findings that either text names somewhere.
        support: finding -> references that name it.
    """

    micro: Figure
    macro: Figure
    each: dict[str, float]
    support: dict[str, int]


def score_labels(
    references: Sequence[str],
    generated: Sequence[str],
    label: Labeller,
    findings: Sequence[str],
    groups: NDArray[np.generic] | None = None,
) -> LabelScores:
    """F1 of the findings that the generated texts call present, the references' being right."""
    theirs, ours = label(references), label(generated)
    cases = groups_of(len(theirs), groups)
    named = {
        name: f1_score(theirs[:, column], ours[:, column])
        for column, name in enumerate(findings)
        if theirs[:, column].any() or ours[:, column].any()
    }
    return LabelScores(
        micro=bootstrap(lambda places: f1_score(theirs[places], ours[places]), cases),
        macro=bootstrap(lambda places: _macro(theirs, ours, places), cases),
        each=named,
        support={name: int(theirs[:, column].sum()) for column, name in enumerate(findings) if name in named},
    )


def f1_score(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """2 TP / (2 TP + FP + FN) over all cells; NaN where neither names anything."""
    both, either = int((truth & said).sum()), int(truth.sum() + said.sum())
    return 2 * both / either if either else float("nan")


def label_by_rules(texts: Sequence[str]) -> NDArray[np.bool_]:
    """bool (N, 15) in the order of `FINDINGS`: named present in any sentence; "No Finding" where no other is."""
    from egma.data.labels import NORMAL, PRESENT, label_sentence
    from egma.findings import FINDINGS
    from egma.inference.prompts import split_sentences

    found = np.zeros((len(texts), len(FINDINGS)), bool)
    for row, text in enumerate(texts):
        for sentence in split_sentences(text) if text.strip() else ():
            found[row] |= label_sentence(sentence) == PRESENT
    normal = FINDINGS.index(NORMAL)
    found[:, normal] &= found.sum(axis=1) == found[:, normal]
    return found


def _macro(theirs: NDArray[np.bool_], ours: NDArray[np.bool_], places: Places) -> float:
    both = (theirs[places] & ours[places]).sum(axis=0)
    either = theirs[places].sum(axis=0) + ours[places].sum(axis=0)
    return float((2 * both[either > 0] / either[either > 0]).mean()) if (either > 0).any() else float("nan")
