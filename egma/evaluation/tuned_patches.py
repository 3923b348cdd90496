"""The segmentation decoder with the trunk trained too: it starts as the frozen decoder, validation films choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.evaluation.finetuning import Network, Tuned, TuneSettings, fine_tune, run_network
from egma.evaluation.segmentation import Decoder, PatchFilm, best_level
from egma.evaluation.sets.films import Film
from egma.evaluation.subjects import Progress
from egma.evaluation.supervised import Layer
from egma.evaluation.tuned_films import as_sample
from egma.finetune.pixels import FilmPixels
from egma.inference.engine import Engine
from egma.model.build import load_model


@dataclass(frozen=True, eq=False)
class TunedDecoder:
    """A checkpoint's image half, fine-tuned to find lesions.

    Attributes:
        network: with the chosen weights.
        engine: the checkpoint that it began as.
        level: the probability it is cut at, chosen on validation films.
        run: how it went.
    """

    network: Network
    engine: Engine
    level: float
    run: Tuned

    def predict(self, films: Sequence[Film], progress: Progress) -> NDArray[np.float32]:
        """float32 (F, gh, gw): probability of a lesion in each patch."""
        pixels = FilmPixels([as_sample(film) for film in films], self.engine.checkpoint.config.image)

        def tell(done: int, total: int) -> None:
            progress(done, total, "test films answered")

        return _probabilities(run_network(self.network, pixels, range(len(films)), tell))


def tune_decoder(
    engine: Engine,
    films: tuple[Sequence[Film], Sequence[Film]],
    lesions: tuple[Sequence[PatchFilm], Sequence[PatchFilm]],
    start: Decoder,
    settings: TuneSettings,
    progress: Progress,
) -> TunedDecoder:
    """Train everything under the decoder.

    Args:
        engine: the checkpoint, which stays as it is.
        films: of training and of validation.
        lesions: the same films' patches; their `share` is what is learned.
        start: the decoder on frozen patches.
        settings: how long and how fast.
        progress: told of every step.
    """
    train, validation = films
    pixels = FilmPixels([as_sample(film) for film in (*train, *validation)], engine.checkpoint.config.image)
    network = Network(load_model(engine.checkpoint, engine.device), 1, on_patches=True).to(engine.device)
    network.begin_with(_as_layer(start))
    judged = _Judged(network, pixels, range(len(train), len(train) + len(validation)), lesions[1], progress)
    shares = torch.from_numpy(np.stack([film.share for film in lesions[0]]))

    def loss(logits: torch.Tensor, batch: NDArray[np.int64]) -> torch.Tensor:
        return patch_loss(logits[..., 0], shares[torch.from_numpy(batch)].to(logits.device))

    def tell(done: int, total: int) -> None:
        progress(done, total, f"{engine.checkpoint.name}, steps")

    run = fine_tune(network, pixels, range(len(train)), loss, judged.judge, settings, tell)
    return TunedDecoder(network, engine, judged.level(), run)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Validation films that a network is judged on."""

    network: Network
    pixels: FilmPixels
    places: range
    lesions: Sequence[PatchFilm]
    progress: Progress

    def judge(self) -> tuple[float, float]:
        """The best mean Dice on the grid, and the loss."""
        said = self._answer()
        shares = torch.from_numpy(np.stack([film.share for film in self.lesions]))
        score, _ = best_level(list(_probabilities(said)), self.lesions)
        return score, float(patch_loss(torch.from_numpy(said)[..., 0], shares))

    def level(self) -> float:
        """Where the best mean Dice is."""
        return best_level(list(_probabilities(self._answer())), self.lesions)[1]

    def _answer(self) -> NDArray[np.float32]:
        def tell(done: int, total: int) -> None:
            self.progress(done, total, "validation films answered")

        return run_network(self.network, self.pixels, self.places, tell)


def patch_loss(logits: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of patches that lie on a film with how much of each a lesion covers, (B, gh, gw) both."""
    seen = torch.isfinite(shares)
    return F.binary_cross_entropy_with_logits(logits[seen], shares[seen])


def _as_layer(decoder: Decoder) -> Layer:
    width = len(decoder.weights)
    weights, bias = torch.from_numpy(decoder.weights)[:, None], torch.tensor([decoder.bias])
    return Layer(torch.zeros(width), torch.ones(width), weights, bias)


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(F, gh, gw) of logits (F, gh, gw, 1)."""
    return torch.from_numpy(logits)[..., 0].sigmoid().numpy()
