"""Which films make a step, and what the losses are given of them. Everything follows from seed and step alone.

So a run that was interrupted draws the same batches when it goes on, with no generator's state to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from egma.config import FindingConfig
from egma.data.labels import label_sentence
from egma.data.sample import gaze_heat
from egma.findings import FINDINGS
from egma.finetune.examples import Examples
from egma.finetune.features import FilmTable, TextTable, to_unit_range
from egma.model.outputs import ImageFeatures, TokenBatch

_ORDER, _PROMPTS, _EXPOSURE = 11, 13, 17  # streams of the one seed
_GAMMA, _CONTRAST, _BRIGHTNESS = 0.3, 0.2, 0.1


@dataclass(frozen=True, eq=False)
class Batch:
    """What one forward pass is given, on the device.

    Attributes:
        films: (B, S, S) in [0, 1], or features of a frozen tower.
        texts: U sentences as features (U, width) or tokens: those of the films first, then prompts.
        rows: int64 (B, M), which of the texts each film's sentence is; 0 where padded.
        mask: bool (B, M).
        gaze: one (B, M, N) in [0, 1] for each grid of the model, finest first.
        has_gaze: bool (B, M).
        film_labels: float32 (B, 15).
        text_labels: float32 (U, 15).
    """

    films: Tensor | ImageFeatures
    texts: Tensor | TokenBatch
    rows: Tensor
    mask: Tensor
    gaze: tuple[Tensor, ...]
    has_gaze: Tensor
    film_labels: Tensor
    text_labels: Tensor


class Prompts:
    """The base's own prompts as sentences whose meaning is known: what films without sentences are aligned with."""

    def __init__(self, classify: dict[str, FindingConfig]) -> None:
        self.sides: list[tuple[int, float, tuple[str, ...]]] = []
        for name, finding in classify.items():
            if name in FINDINGS:
                column = FINDINGS.index(name)
                self.sides += [(column, 1.0, finding.positive), (column, -1.0, finding.negative)]

    @property
    def texts(self) -> list[str]:
        """Every prompt."""
        return [text for _, _, texts in self.sides for text in texts]

    def draw(self, rng: np.random.Generator) -> tuple[list[str], NDArray[np.float32]]:
        """One prompt of each side of each finding, and what it says: (K, 15)."""
        labels = np.zeros((len(self.sides), len(FINDINGS)), np.float32)
        drawn = []
        for row, (column, value, texts) in enumerate(self.sides):
            drawn.append(texts[int(rng.integers(len(texts)))])
            labels[row, column] = value
        return drawn, labels


@dataclass(frozen=True, eq=False)
class Batcher:
    """Builds batches of one set of films.

    Attributes:
        examples: the films.
        films: their features, or None to read pixels.
        texts: the run's sentences.
        prompts: see there.
        grids: rows and columns of each of the model's grids, finest first.
        sentences: at most so many a film.
        seed: of everything drawn.
        augment: change the exposure of films.
    """

    examples: Examples
    films: FilmTable | None
    texts: TextTable
    prompts: Prompts
    grids: tuple[tuple[int, int], ...]
    sentences: int
    seed: int
    augment: bool = False

    def build(self, places: Sequence[int], draw: int, device: torch.device) -> Batch:
        """The batch of some films; `draw` numbers it, for what is drawn anew each time."""
        samples = [self.examples.samples[place] for place in places]
        said = [sample.sentences[: self.sentences] for sample in samples]
        drawn, prompt_labels = self.prompts.draw(np.random.default_rng((self.seed, _PROMPTS, draw)))
        unique = list(dict.fromkeys([text for texts in said for text in texts]))
        positions = {text: row for row, text in enumerate(unique)}
        longest = max(1, *(len(texts) for texts in said))
        rows = np.zeros((len(places), longest), np.int64)
        mask = np.zeros((len(places), longest), bool)
        for row, texts in enumerate(said):
            rows[row, : len(texts)] = [positions[text] for text in texts]
            mask[row, : len(texts)] = True
        gaze, has_gaze = self._gaze(places, longest)
        labels = np.concatenate((_say(tuple(unique)), prompt_labels))
        table = [self.texts.row(text) for text in (*unique, *drawn)]
        return Batch(
            films=self._read(places, draw, device),
            texts=self.texts.pick(table, device),
            rows=torch.from_numpy(rows).to(device),
            mask=torch.from_numpy(mask).to(device),
            gaze=tuple(each.to(device) for each in gaze),
            has_gaze=has_gaze.to(device),
            film_labels=torch.from_numpy(self.examples.labels[list(places)]).to(device),
            text_labels=torch.from_numpy(labels).to(device),
        )

    def read_plain(self, places: Sequence[int], device: torch.device) -> Tensor | ImageFeatures:
        """Films as they are, or their features."""
        if self.films is not None:
            return self.films.pick(places, device)
        return to_unit_range(self.examples.pixels.read(places), device)

    def _read(self, places: Sequence[int], draw: int, device: torch.device) -> Tensor | ImageFeatures:
        films = self.read_plain(places, device)
        if not self.augment or isinstance(films, ImageFeatures):
            return films
        return expose_films(films, np.random.default_rng((self.seed, _EXPOSURE, draw)))

    def _gaze(self, places: Sequence[int], longest: int) -> tuple[list[Tensor], Tensor]:
        """Heat of each grid, the coarser ones the mean of the finest, every sentence's peak at 1; and who has it."""
        fine_hw = self.grids[0]
        heat = np.zeros((len(places), longest, *fine_hw), np.float32)
        has_gaze = np.zeros((len(places), longest), bool)
        for row, place in enumerate(places):
            sample = self.examples.samples[place]
            if sample.has_gaze:
                found, recorded = gaze_heat(sample, fine_hw)
                count = min(len(recorded), longest)
                heat[row, :count], has_gaze[row, :count] = found[:count], recorded[:count]
        fine = torch.from_numpy(heat)
        layers = [fine, *(F.adaptive_avg_pool2d(fine, grid) for grid in self.grids[1:])]
        peaks = [layer.amax(dim=(2, 3), keepdim=True).clamp(min=1e-6) for layer in layers]
        return [(layer / peak).flatten(2) for layer, peak in zip(layers, peaks)], torch.from_numpy(has_gaze)


def order_of_epoch(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The films' order in one epoch."""
    return np.random.default_rng((seed, _ORDER, epoch)).permutation(count)


def places_of_pass(count: int, batch: int, seed: int, index: int) -> NDArray[np.int64]:
    """The films of the `index`-th forward pass of a run; what does not fill a batch at an epoch's end is left out."""
    size = min(batch, count)
    passes = max(1, count // size)
    epoch, place = divmod(index, passes)
    return np.sort(order_of_epoch(count, seed, epoch)[place * size : (place + 1) * size])


def _say(texts: tuple[str, ...]) -> NDArray[np.float32]:
    """float32 (T, 15): what sentences say, by the project's rules."""
    return np.array([_label(text) for text in texts], np.float32).reshape(-1, len(FINDINGS))


_LABELS: dict[str, NDArray[np.int8]] = {}


def _label(text: str) -> NDArray[np.int8]:
    if text not in _LABELS:
        _LABELS[text] = label_sentence(text)
    return _LABELS[text]


def expose_films(films: Tensor, rng: np.random.Generator) -> Tensor:
    """Films (B, S, S) in [0, 1] under another exposure: nothing moves, so gaze and sides stay true."""

    def spread(reach: float) -> Tensor:
        drawn = rng.uniform(-reach, reach, len(films)).astype(np.float32)
        return torch.from_numpy(drawn).to(films.device).view(-1, 1, 1)

    gamma, contrast, brightness = spread(_GAMMA).exp(), spread(_CONTRAST), spread(_BRIGHTNESS)
    return ((films.clamp(1e-4, 1) ** gamma - 0.5) * (1 + contrast) + 0.5 + brightness).clamp(0, 1)
