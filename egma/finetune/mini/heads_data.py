"""What a step of the heads' training is made of: cached film features, phantoms, and sentences drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from egma.data.labels import swap_sides
from egma.findings import FINDINGS
from egma.finetune.mini.features import FilmFeatures, embed_sentences
from egma.finetune.mini.phantoms import MOST_LESIONS, PhantomSet
from egma.finetune.mini.places import PlacedPhrases, build_placed, side_and_zone_mask
from egma.finetune.mini.sentences import PairSampler, SentenceBank, build_sampler
from egma.finetune.mini.validation import PromptFeatures
from egma.model.egma import EgmaModel
from egma.model.outputs import ImageFeatures

OWN_SENTENCES = 3
"""A normal phantom's report has three sentences; one with lesions at most two."""

_LABEL_SENTENCES = 160


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Films' cached features and what is known of them.

    Attributes:
        features: of F films in V views.
        present, known: bool (F, 15).
        patients: (F,), whose films they are.
        soft: float32 (V, F, 15), the trunks' own answers to every view; None without.
    """

    features: FilmFeatures
    present: NDArray[np.bool_]
    known: NDArray[np.bool_]
    patients: NDArray[np.generic]
    soft: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class PhantomFeatures:
    """Phantoms' cached features and sentences.

    Attributes:
        features: with masks (V, P, 4, g, g): the two lesions' masks, then their simulated gaze.
        phantoms: what the films and sentences are.
        own: float32 (P, 3, width), features of each phantom's sentences, zeros where there is none.
        own_mask: bool (P, 3).
        swapped: float32 (P, 2, width), each lesion sentence with left and right exchanged.
        swapped_mask: bool (P, 2), where that is another sentence.
    """

    features: FilmFeatures
    phantoms: PhantomSet
    own: NDArray[np.float32]
    own_mask: NDArray[np.bool_]
    swapped: NDArray[np.float32]
    swapped_mask: NDArray[np.bool_]

    @property
    def lesions(self) -> NDArray[np.bool_]:
        """bool (P, 2): which lesion rows there are."""
        return np.array([[row < len(found) for row in range(MOST_LESIONS)] for found in self.phantoms.findings])


@dataclass(frozen=True, eq=False)
class HeadsData:
    """All that the heads' training and its validation read."""

    films: LabelledFeatures
    validation: LabelledFeatures
    phantoms: PhantomFeatures
    validation_phantoms: PhantomFeatures
    bank: SentenceBank
    prompts: PromptFeatures

    @property
    def prior(self) -> Tensor:
        """(15,): share of positives among known films."""
        known = self.films.known.sum(axis=0)
        return torch.from_numpy((self.films.present & self.films.known).sum(axis=0) / np.maximum(known, 1)).float()


@dataclass(frozen=True, eq=False)
class PhantomBatch:
    """One step's Q phantoms and their sentences, as text-tower features of the given width.

    Attributes:
        features: trunk features.
        present: float (Q, 15).
        own, own_mask, gaze: (Q, 3, width), (Q, 3), (Q, 3, N).
        gazed: bool (Q, 3), sentences with gaze.
        shown: bool (Q,), phantoms whose gaze may be learned from.
        wrong, wrong_mask: (Q, 3, width), (Q, 3): sentences that are not true of the phantom.
    """

    features: ImageFeatures
    present: Tensor
    own: Tensor
    own_mask: Tensor
    gaze: Tensor
    gazed: Tensor
    shown: Tensor
    wrong: Tensor
    wrong_mask: Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """One step: B films with labels, sentences as text-tower features of the given width, and phantoms.

    Attributes:
        films, present, known: trunk features of films, float (B, 15) each of the labels.
        soft: float (B, 15), the trunks' own answers; the labels where there are none.
        pairs: (2, 15, k, width), sentences for and against every finding.
        sentences, labels: (T, width) and (T, 15), for the label alignment.
        placed, plain: (B, width), "left X" and "X" for one finding of each film; inside: bool (B, N), where that is.
        placed_mask: bool (B,), films that have such a finding.
        phantoms: the phantoms' part of the step.
    """

    films: ImageFeatures
    present: Tensor
    known: Tensor
    soft: Tensor
    pairs: Tensor
    sentences: Tensor
    labels: Tensor
    placed: Tensor
    plain: Tensor
    inside: Tensor
    placed_mask: Tensor
    phantoms: PhantomBatch


def build_phantom_features(model: EgmaModel, phantoms: PhantomSet, features: FilmFeatures) -> PhantomFeatures:
    """Phantoms with their sentences' features."""
    swapped = [tuple(swap_sides(text) for text in texts) for texts in phantoms.sentences]
    every = sorted({text for texts in (*phantoms.sentences, *swapped) for text in texts})
    rows = dict(zip(every, embed_sentences(model, every)))
    width = next(iter(rows.values())).shape[0]
    own = np.zeros((len(phantoms), OWN_SENTENCES, width), np.float32)
    other = np.zeros((len(phantoms), MOST_LESIONS, width), np.float32)
    own_mask, other_mask = np.zeros(own.shape[:2], bool), np.zeros(other.shape[:2], bool)
    for place, (texts, others) in enumerate(zip(phantoms.sentences, swapped)):
        for row, (text, turned) in enumerate(zip(texts, others)):
            own[place, row], own_mask[place, row] = rows[text], True
            if turned != text and row < MOST_LESIONS:
                other[place, row], other_mask[place, row] = rows[turned], True
    return PhantomFeatures(features, phantoms, own, own_mask, other, other_mask)


class Batcher:
    """Draws steps, each from the seed and its own number; dropped channels are torch's own chance."""

    def __init__(
        self, data: HeadsData, films: int, phantoms: int, drop: float, seed: int, gaze_share: float = 1.0
    ) -> None:
        self._data, self._films, self._phantoms, self._drop = data, films, phantoms, drop
        count = len(data.phantoms.phantoms)
        turns = np.random.default_rng((seed, count)).permutation(count)
        self._shown = turns < round(gaze_share * count)
        self._seed, self._rng = seed, np.random.default_rng(seed)
        self._sampler: PairSampler = build_sampler(data.bank)
        self._placed: PlacedPhrases = build_placed(data.bank)
        self._device = torch.device("cpu")

    def draw(self, number: int) -> Batch:
        """The films, phantoms and sentences of the step with this number."""
        self._rng = np.random.default_rng((self._seed, number))
        data, rng = self._data, self._rng
        chosen = np.sort(rng.permutation(len(data.films.present))[: self._films])
        view = int(rng.integers(data.films.features.views))
        features = data.films.features.pick(view, chosen, self._device)
        present, known = data.films.present[chosen], data.films.known[chosen]
        mirrored = data.films.features.mirrored[view][chosen]
        picked = rng.integers(len(data.bank.texts), size=_LABEL_SENTENCES)
        placed, plain, inside, has_place = self._draw_places(present, mirrored, features.stages[0].shape[-1])
        return Batch(
            films=_drop_channels(features, self._drop),
            present=_float(present),
            known=_float(known),
            soft=_float(present if data.films.soft is None else data.films.soft[view][chosen]),
            pairs=_float(data.bank.features[self._sampler.draw(rng)]),
            sentences=_float(data.bank.features[picked]),
            labels=_float(data.bank.labels[picked]),
            placed=placed,
            plain=plain,
            inside=inside,
            placed_mask=has_place,
            phantoms=self._draw_phantoms(),
        )

    def _draw_places(self, present: NDArray[np.bool_], mirrored: NDArray[np.bool_], side: int) -> tuple[Tensor, ...]:
        """For each film, one of its findings with a place: placed and plain phrase, the place, whether there is one."""
        bank, rng = self._data.bank, self._rng
        width = bank.features.shape[1]
        placed, plain = np.zeros((len(present), width), np.float32), np.zeros((len(present), width), np.float32)
        inside, mask = np.zeros((len(present), side * side), bool), np.zeros(len(present), bool)
        for row in np.flatnonzero(~mirrored):
            findings = [finding for finding in np.flatnonzero(present[row]) if finding in self._placed.places]
            if not findings:
                continue
            finding = int(rng.choice(findings))
            place = int(rng.choice(self._placed.places[finding]))
            placed[row], plain[row] = bank.features[place], bank.features[int(rng.choice(self._placed.plain[finding]))]
            inside[row] = side_and_zone_mask(str(bank.sides[place]), str(bank.zones[place]), side).ravel()
            mask[row] = True
        return _float(placed), _float(plain), torch.from_numpy(inside), torch.from_numpy(mask)

    def _draw_phantoms(self) -> PhantomBatch:
        data, rng = self._data.phantoms, self._rng
        chosen = np.sort(rng.permutation(len(data.phantoms))[: self._phantoms])
        view = int(rng.integers(data.features.views))
        masks = data.features.masks[view][chosen].astype(np.float32)  # type: ignore[index]
        heat = masks[:, MOST_LESIONS:].reshape(len(chosen), MOST_LESIONS, -1)
        gaze = np.concatenate((heat, np.zeros_like(heat[:, :1])), axis=1)
        lesions = np.concatenate((data.lesions[chosen], np.zeros((len(chosen), 1), bool)), axis=1)
        absent = self._absent_phrases(data.phantoms.present[chosen])
        return PhantomBatch(
            features=data.features.pick(view, chosen, self._device),
            present=_float(data.phantoms.present[chosen]),
            own=_float(data.own[chosen]),
            own_mask=torch.from_numpy(data.own_mask[chosen]),
            gaze=_float(gaze / np.maximum(gaze.max(axis=2, keepdims=True), 1e-6)),
            gazed=torch.from_numpy(lesions & (gaze.max(axis=2) > 0) & self._shown[chosen][:, None]),
            shown=torch.from_numpy(self._shown[chosen]),
            wrong=torch.cat((_float(data.swapped[chosen]), _float(absent)[:, None]), dim=1),
            wrong_mask=torch.from_numpy(
                np.concatenate((data.swapped_mask[chosen], np.ones((len(chosen), 1), bool)), axis=1)
            ),
        )

    def _absent_phrases(self, present: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(Q, width): for each phantom, a phrase for a finding that it does not have."""
        rows = []
        for row in present:
            finding = int(self._rng.choice([place for place in range(1, len(FINDINGS)) if not row[place]]))
            rows.append(self._data.bank.features[int(self._rng.choice(self._placed.plain[finding]))])
        return np.stack(rows)


def _drop_channels(features: ImageFeatures, share: float) -> ImageFeatures:
    """Whole channels of a film set to zero, the others raised to make up for it."""
    stages = tuple(torch.nn.functional.dropout2d(stage, share, training=share > 0) for stage in features.stages)
    return ImageFeatures(stages, stages[-1].mean(dim=(2, 3)))


def _float(values: NDArray[np.generic] | Sequence[float]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
