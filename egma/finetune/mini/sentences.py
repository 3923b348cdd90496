"""The text side of a training: Open-i sentences and composed phrases, what each says, and their frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from egma.data.labels import ABSENT, PRESENT, label_sentence
from egma.data.openi import OpeniReport
from egma.findings import FINDINGS
from egma.finetune.mini.features import embed_sentences
from egma.finetune.mini.phrases import label_phrases, write_phrases
from egma.model.egma import EgmaModel

_OPENI_SHARE = 0.5
"""How often a side of a prompt pair is drawn from reports rather than from composed phrases, where there are any."""


@dataclass(frozen=True, eq=False)
class SentenceBank:
    """T sentences.

    Attributes:
        texts: the words.
        labels: int8 (T, 15), 1 present, -1 absent, 0 not spoken of.
        features: float32 (T, width) of the frozen text tower.
        sides: (T,) "left", "right" or "": where a composed phrase places its finding.
        zones: (T,) "upper", "mid", "lower" or "".
        from_reports: bool (T,).
    """

    texts: tuple[str, ...]
    labels: NDArray[np.int8]
    features: NDArray[np.float32]
    sides: NDArray[np.str_]
    zones: NDArray[np.str_]
    from_reports: NDArray[np.bool_]

    def places_of(self, finding: int, value: int, *, reports: bool) -> NDArray[np.intp]:
        """Sentences that say `value` of one finding, without a side, and hold no other finding present."""
        others = np.delete(self.labels[:, 1:], finding - 1, axis=1) if finding else self.labels[:, 1:]
        alone = ~(others == PRESENT).any(axis=1)
        return np.flatnonzero(
            (self.labels[:, finding] == value) & alone & (self.from_reports == reports) & (self.sides == "")
        )


@dataclass(frozen=True, eq=False)
class PairSampler:
    """Draws both sides of every finding's prompt pair anew, so that a score depends on meaning, not on one wording."""

    bank: SentenceBank
    places: dict[tuple[int, int, bool], NDArray[np.intp]]

    def draw(self, rng: Generator, count: int = 2) -> NDArray[np.intp]:
        """(2, 15, count) places in the bank: positive sides, then negative ones."""
        return np.stack(
            [
                np.stack([self._pick(finding, value, rng, count) for finding in range(len(FINDINGS))])
                for value in (PRESENT, ABSENT)
            ]
        )

    def _pick(self, finding: int, value: int, rng: Generator, count: int) -> NDArray[np.intp]:
        composed, reported = self.places[finding, value, False], self.places[finding, value, True]
        use_reports = len(reported) > 0 and rng.random() < _OPENI_SHARE
        return rng.choice(reported if use_reports else composed, size=count)


def build_sampler(bank: SentenceBank) -> PairSampler:
    """The places of every finding's positive and negative sentences, looked up once."""
    keys = [
        (finding, value, reports)
        for finding in range(len(FINDINGS))
        for value in (PRESENT, ABSENT)
        for reports in (False, True)
    ]
    return PairSampler(bank, {key: bank.places_of(key[0], key[1], reports=key[2]) for key in keys})


def build_bank(model: EgmaModel, reports: Sequence[OpeniReport], seed: int) -> SentenceBank:
    """Sentences of reports that speak of any finding, once each, and every composed phrase, with their features."""
    rng = np.random.default_rng(seed)
    spoken = {text: label_sentence(text) for text in sorted({text for report in reports for text in report.sentences})}
    spoken = {text: labels for text, labels in spoken.items() if labels.any()}
    phrases = write_phrases(rng)
    texts = (*spoken, *(phrase.text for phrase in phrases))
    blank = [""] * len(spoken)
    return SentenceBank(
        texts=texts,
        labels=np.concatenate(
            (np.array(list(spoken.values()), np.int8).reshape(-1, len(FINDINGS)), label_phrases(phrases))
        ),
        features=embed_sentences(model, texts),
        sides=np.array(blank + [phrase.side for phrase in phrases]),
        zones=np.array(blank + [phrase.zone for phrase in phrases]),
        from_reports=np.arange(len(texts)) < len(spoken),
    )
