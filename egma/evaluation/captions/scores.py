"""BLEU-1 to -4 and ROUGE-L of reports, with the captioning toolkit's definitions, and intervals over pairs.

BLEU (Papineni et al. 2002) over the whole list: clipped n-gram counts and lengths are summed before they are divided;
the toolkit adds 1e-15 to what fits and 1e-9 to what was tried, so that an empty text gives no division by zero.
ROUGE-L (Lin 2004): F of the longest common subsequence with beta 1.2, a mean over pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.intervals import Figure, bootstrap, groups_of

ORDERS = 4
BETA = 1.2
_TINY, _SMALL = 1e-15, 1e-9
Words = Sequence[str]


def bleu_figures(
    references: Sequence[Words], generated: Sequence[Words], groups: NDArray[np.generic] | None = None
) -> list[Figure]:
    """BLEU-1 .. BLEU-4 with intervals, pairs drawn, or groups of them."""
    counts = np.array([_count(*pair) for pair in zip(references, generated)], np.float64)
    cases = groups_of(len(counts), groups)
    return [
        bootstrap(lambda places, order=order: _bleu(counts[places], order), cases) for order in range(1, ORDERS + 1)
    ]


def rouge_figure(
    references: Sequence[Words], generated: Sequence[Words], groups: NDArray[np.generic] | None = None
) -> Figure:
    """Mean ROUGE-L with its interval, pairs drawn, or groups of them."""
    values = np.array([rouge_l(*pair) for pair in zip(references, generated)])
    return bootstrap(lambda places: float(values[places].mean()), groups_of(len(values), groups))


def bleu(references: Sequence[Words], generated: Sequence[Words]) -> list[float]:
    """BLEU-1 .. BLEU-4 of a list of pairs."""
    counts = np.array([_count(*pair) for pair in zip(references, generated)], np.float64)
    return [_bleu(counts, order) for order in range(1, ORDERS + 1)]


def rouge_l(reference: Words, generated: Words) -> float:
    """ROUGE-L of one pair; an empty text is one empty word, as in the toolkit."""
    ours, theirs = list(generated) or [""], list(reference) or [""]
    common = _longest_common(ours, theirs)
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _count(reference: Words, generated: Words) -> list[int]:
    """Lengths of both, then for each order how many n-grams were tried and how many fit."""
    # The toolkit splits words again at any blank here, so that a no-break space in "3 1/2" parts them.
    theirs, ours = " ".join(reference).split(), " ".join(generated).split()
    tried = [max(0, len(ours) - order) for order in range(ORDERS)]
    fit = [sum((_grams(ours, order) & _grams(theirs, order)).values()) for order in range(1, ORDERS + 1)]
    return [len(theirs), len(ours), *tried, *fit]


def _grams(words: Words, order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[place : place + order]) for place in range(len(words) - order + 1))


def _bleu(counts: NDArray[np.float64], order: int) -> float:
    total = counts.sum(axis=0)
    reference, length = total[0], total[1]
    tried, fit = total[2 : 2 + ORDERS], total[2 + ORDERS :]
    value = float(np.prod((fit[:order] + _TINY) / (tried[:order] + _SMALL)) ** (1 / order))
    ratio = (length + _TINY) / (reference + _SMALL)
    return value * float(np.exp(1 - 1 / ratio)) if ratio < 1 else value


def _longest_common(first: Words, second: Words) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for place, other in enumerate(second, start=1):
            before, row[place] = row[place], before + 1 if word == other else max(row[place], row[place - 1])
    return row[-1]
