"""Fine-tuning for a figure: a checkpoint's image half and a linear layer, the step chosen on validation films.

Nothing is kept of it but its answers. The layer starts where a linear probe on the frozen vectors ends (Kumar et al.
2022), running means stay as they are, and everything drawn follows from the seed: two runs on one CPU are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from egma.errors import SettingsError
from egma.evaluation.supervised import Layer
from egma.finetune.batches import expose_films, places_of_pass
from egma.finetune.features import to_unit_range
from egma.finetune.loop import build_schedule, freeze_statistics
from egma.finetune.pixels import Pixels
from egma.model.egma import EgmaModel

LAYER_RATE = 20.0
"""The layer learns so many times as fast as what has been trained before."""
_WARMUP, _CLIP, _DECAY = 0.1, 1.0, 0.01
_FILMS_A_RUN = 32
_EXPOSURE = 19  # a stream of the one seed
Tell = Callable[[int, int], None]
"""Told (steps done, steps in all): may raise to stop."""


@dataclass(frozen=True)
class TuneSettings:
    """How long and how fast.

    Attributes:
        epochs: passes over the training films at most; each ends with a look at the validation films.
        steps: of the optimiser at most; where they end first, the looks are spread evenly over them.
        batch: films a step.
        rate: of trunk and heads at its highest; the layer's is `LAYER_RATE` times that.
        seed: of order and exposure.
    """

    epochs: int = 5
    steps: int = 150
    batch: int = 16
    rate: float = 5e-5
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """For a result's protocol."""
        return {
            "epochs_at_most": self.epochs,
            "steps_at_most": self.steps,
            "batch": self.batch,
            "rate": self.rate,
            "layer_rate": self.rate * LAYER_RATE,
            "precision": "float32",
        }

    def looks(self, films: int) -> tuple[int, ...]:
        """The steps after which validation films are looked at; the last one is how many steps there are."""
        each = max(1, films // min(self.batch, films))
        steps = min(self.epochs * each, self.steps)
        return tuple(sorted({max(1, round(steps * look / self.epochs)) for look in range(1, self.epochs + 1)}))


@dataclass(frozen=True)
class Look:
    """What validation films said after a step: a score, higher is better, and the loss that settles a draw."""

    step: int
    score: float
    loss: float


@dataclass(frozen=True)
class Tuned:
    """A fine-tuning that is over.

    Attributes:
        looks: every look in order, the first before any step.
        chosen: the look whose weights were kept; never the first.
        films: how many were passed forward and back.
    """

    looks: tuple[Look, ...]
    chosen: Look
    films: int

    def as_json(self, score: str) -> dict[str, Any]:
        """Steps, looks and the chosen one: what it took, and what validation films said; `score` names their score."""
        return {
            "steps": self.looks[-1].step,
            "film_passes": self.films,
            "chosen_step": self.chosen.step,
            "validation": [
                {"step": look.step, score: round(look.score, 6), "loss": round(look.loss, 6)} for look in self.looks
            ],
        }


class Network(nn.Module):
    """A model's image half and a linear layer on its film vectors, or on the patches of the grid that maps show."""

    mean: Tensor
    spread: Tensor

    def __init__(self, model: EgmaModel, classes: int, *, on_patches: bool = False) -> None:
        super().__init__()
        width = model.config.embed_dim
        self.image, self.heads = model.image.requires_grad_(True), model.heads.requires_grad_(True)
        self._normalize, self._drawn, self._on_patches = model.normalize, model.drawn, on_patches
        self.weights, self.bias = nn.Parameter(torch.zeros(width, classes)), nn.Parameter(torch.zeros(classes))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def embed(self, pixels: Tensor) -> Tensor:
        """Unit vectors (B, D), or (B, gh, gw, D), of films (B, S, S) in [0, 1]."""
        films = self._normalize(pixels).contiguous(memory_format=torch.channels_last)
        found = self.heads(self.image(films))
        return found.grids[self._drawn] if self._on_patches else found.globals

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, K), or (B, gh, gw, K)."""
        return Layer(self.mean, self.spread, self.weights, self.bias).logits(self.embed(pixels))

    def begin_with(self, layer: Layer) -> None:
        """Start from a fitted layer."""
        with torch.no_grad():
            for own, fitted in zip(
                (self.mean, self.spread, self.weights, self.bias), (layer.mean, layer.spread, layer.weights, layer.bias)
            ):
                own.copy_(fitted)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.bias.device


def fine_tune(
    network: Network,
    pixels: Pixels,
    places: Sequence[int],
    loss: Callable[[Tensor, NDArray[np.int64]], Tensor],
    judge: Callable[[], tuple[float, float]],
    settings: TuneSettings,
    tell: Tell,
) -> Tuned:
    """Train trunk, heads and layer; the network ends with the weights of the best look.

    Args:
        network: where it starts.
        pixels: reads films.
        places: the training films among them.
        loss: of a batch's logits, told which of `places` are in it.
        judge: (score, loss) of the network as it is on validation films.
        settings: how long and how fast.
        tell: told of every step.
    """
    ends = settings.looks(len(places))
    optimizer = _build_optimizer(network, settings.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, build_schedule(ends[-1], _WARMUP))
    looks, kept = [Look(0, *judge())], dict[str, Tensor]()
    with torch.random.fork_rng(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        for step in range(ends[-1]):
            tell(step, ends[-1])
            _step(network, pixels, places, loss, settings, step)
            optimizer.step()
            schedule.step()
            if step + 1 in ends:
                looks.append(Look(step + 1, *judge()))
                if looks[-1] == best_look(looks[1:]):
                    kept = {name: value.detach().clone() for name, value in network.named_parameters()}
    tell(ends[-1], ends[-1])
    network.load_state_dict(kept, strict=False)
    return Tuned(tuple(looks), best_look(looks[1:]), ends[-1] * min(settings.batch, len(places)))


def best_look(looks: Sequence[Look]) -> Look:
    """The highest score; of equal ones the lowest loss; of those the earliest."""
    return min(looks, key=lambda look: (-look.score, look.loss, look.step))


def run_network(
    network: Network, pixels: Pixels, places: Sequence[int], tell: Tell, *, embed: bool = False
) -> NDArray[np.float32]:
    """Logits of films, or their vectors, the network in evaluation mode."""
    network.eval()
    found = []
    for start in range(0, len(places), _FILMS_A_RUN):
        tell(start, len(places))
        with torch.inference_mode():
            films = to_unit_range(pixels.read(places[start : start + _FILMS_A_RUN]), network.device)
            found.append((network.embed(films) if embed else network(films)).float().cpu().numpy())
    tell(len(places), len(places))
    return np.concatenate(found)


def _step(
    network: Network,
    pixels: Pixels,
    places: Sequence[int],
    loss: Callable[[Tensor, NDArray[np.int64]], Tensor],
    settings: TuneSettings,
    step: int,
) -> None:
    """Gradients of one batch, clipped."""
    torch.manual_seed(settings.seed * 1_000_003 + step)  # for dropout, where a tower has any
    network.train()
    freeze_statistics(network)
    network.zero_grad(set_to_none=True)
    batch = places_of_pass(len(places), settings.batch, settings.seed, step)
    films = to_unit_range(pixels.read([places[place] for place in batch]), network.device)
    films = expose_films(films, np.random.default_rng((settings.seed, _EXPOSURE, step)))
    found = loss(network(films), batch)
    found.backward()
    norm = nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
    if not bool(torch.isfinite(found.detach()) & torch.isfinite(norm)):
        raise SettingsError(f"step {step + 1}: the loss or its gradient is no number; nothing was kept: lower --rate")


def _build_optimizer(network: Network, rate: float) -> torch.optim.AdamW:
    """AdamW: decay on matrices only, the layer at its own rate."""
    own = {"weights", "bias"}
    groups = []
    for is_own in (False, True):
        for is_matrix in (False, True):
            chosen = [
                each
                for name, each in network.named_parameters()
                if (name in own) == is_own and (each.ndim > 1) == is_matrix
            ]
            at = rate * LAYER_RATE if is_own else rate
            groups += [{"params": chosen, "lr": at, "weight_decay": _DECAY * is_matrix}] if chosen else []
    return torch.optim.AdamW(groups)
