"""First stage of egma-mini: the image trunk learns films by telling their findings through a layer that is dropped.

Mixup, label smoothing, another exposure and crop for every step, and an average of the weights over the last steps: a
thousand films are few, and everything here keeps the trunk from learning them by heart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from egma.errors import CheckpointError
from egma.evaluation.metrics import macro_auroc
from egma.finetune.mini.augment import PLAIN, Augmentation, augment
from egma.finetune.mini.loop import LoopSettings, run_stage
from egma.model.egma import EgmaModel
from egma.model.files import locate_files
from egma.model.presets import LITE0

_TRAINED = ("image.", "heads.widen.")
_SCORED_FILMS = 256
"""Films whose statistics are enough to compare epochs by; the last weights get those of all."""


@dataclass(frozen=True)
class TrunkSettings:
    """How the trunk is trained.

    Attributes:
        name: the trunk's, a part of the config's `image.name`.
        epochs, batch, learning_rate, weight_decay: of AdamW, with one epoch of warm-up and a cosine after it.
        size_px: side of the films seen; used at a slightly larger one, which suits a trunk (Touvron et al. 2019).
        mixup: of the beta distribution that two films are mixed by.
        smoothing: of the labels.
        decay: of the running average of weights, at its slowest.
        mirror: share of mirrored films; labels here name no side.
        dropout: before the layer.
        patience: epochs without a better one before it stops; 0 = never.
        seed: of everything.
    """

    name: str = LITE0
    epochs: int = 14
    batch: int = 32
    learning_rate: float = 8e-4
    weight_decay: float = 0.05
    size_px: int = 288
    mixup: float = 0.3
    smoothing: float = 0.04
    decay: float = 0.995
    mirror: float = 0.5
    dropout: float = 0.4
    patience: int = 0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class LabelledFilms:
    """Films with what is known of them.

    Attributes:
        pixels: uint8 (F, T, T).
        present, known: bool (F, 15).
        patients: (F,), whose film it is.
    """

    pixels: NDArray[np.uint8]
    present: NDArray[np.bool_]
    known: NDArray[np.bool_]
    patients: NDArray[np.generic]

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, eq=False)
class TrainedTrunk:
    """What a trunk's training leaves beside the trunk.

    Attributes:
        auroc: the best validation macro AUROC, of the layer.
        weight, bias: the layer, (15, 2 C) and (15,), on mean and maximum of the widened last stage.
    """

    auroc: float
    weight: Tensor
    bias: Tensor


class _Classifier(nn.Module):
    """Trunk, the heads' pooling, one layer."""

    def __init__(self, model: EgmaModel, findings: int, dropout: float, prior: Tensor) -> None:
        super().__init__()
        self.trunk, self.widen = model.image, model.heads.get_submodule("widen")
        self.width = 2 * model.heads.widen[0].out_channels  # type: ignore[index]
        self.mean, self.std = model.config.image.mean[0], model.config.image.std[0]
        self.dropout = nn.Dropout(dropout)
        self.layer = nn.Linear(self.width, findings)
        with torch.no_grad():
            self.layer.weight.mul_(0.1)
            self.layer.bias.copy_(torch.logit(prior.clamp(0.01, 0.9)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, 15) of films (B, S, S)."""
        normal = ((pixels - self.mean) / self.std).unsqueeze(1).expand(-1, 3, -1, -1)
        wide = self.widen(self.trunk(normal.contiguous(memory_format=torch.channels_last)).stages[-1])
        return self.layer(self.dropout(torch.cat((wide.mean(dim=(2, 3)), wide.amax(dim=(2, 3))), dim=1)))


def train_trunk(
    model: EgmaModel,
    films: LabelledFilms,
    validation: LabelledFilms,
    settings: TrunkSettings,
    note: Callable[[str], None] = lambda text: None,
    folder: Path | None = None,
) -> TrainedTrunk:
    """Train `model.image` in place; its weights end as those whose running average was best on validation films.

    Statistics of its normalising layers are then taken anew, on the training films as the engine sees them: they were
    gathered on mixed, noisy and cropped ones.
    """
    torch.manual_seed(settings.seed)
    stage = TrunkStage(model, films, validation, settings)
    steps = stage.steps_per_epoch
    plan = LoopSettings(
        steps=settings.epochs * steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup=1 / settings.epochs,
        decay=settings.decay,
        validate_every=steps,
        patience=settings.patience,
        seed=settings.seed,
    )
    run_stage(stage, plan, folder, note)
    renew_statistics(stage.parts, films.pixels, model.config.image.input_px)
    score, words = stage.measure(stage.parts)
    note(f"{stage.name}: statistics taken anew; {words}")
    return TrainedTrunk(score, stage.parts.layer.weight.detach().cpu(), stage.parts.layer.bias.detach().cpu())


class TrunkStage:
    """The first stage of one trunk as `egma.finetune.mini.loop` runs it."""

    def __init__(
        self, model: EgmaModel, films: LabelledFilms, validation: LabelledFilms, settings: TrunkSettings
    ) -> None:
        self.name = f"trunk {settings.name}"
        self._films, self._validation, self._settings = films, validation, settings
        self._batch = min(settings.batch, len(films))
        self._used_px = model.config.image.input_px
        counts = np.maximum(films.known.sum(axis=0), 1)
        prior = torch.from_numpy((films.present & films.known).sum(axis=0) / counts).float()
        net = _Classifier(model, films.present.shape[1], settings.dropout, prior).to(model.logit_scale.device)
        self.parts = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in one pass over the films."""
        return len(self._films) // self._batch

    def train_mode(self) -> None:
        """Training."""
        self.parts.train()

    def loss(self, draw: int) -> Tensor:
        """Of the films with this number's turn, mixed in pairs."""
        epoch, place = divmod(draw, self.steps_per_epoch)
        order = np.random.default_rng((self._settings.seed, epoch)).permutation(len(self._films))
        places = np.sort(order[place * self._batch : (place + 1) * self._batch])
        return _loss(self.parts, self._films, places, self._settings, draw)

    def score(self, average: nn.Module) -> tuple[float, str]:
        """Validation macro AUROC of the layer on whole films, with statistics of some training films taken anew."""
        seen = copy.deepcopy(average).eval()
        renew_statistics(seen, self._films.pixels[:: max(1, len(self._films) // _SCORED_FILMS)], self._used_px)
        return self.measure(seen)

    def measure(self, net: nn.Module) -> tuple[float, str]:
        """The same of a net as it stands."""
        logits = _predict(net, self._validation, self._used_px)
        score = macro_auroc(self._validation.present, logits, self._validation.known, 5).value
        return score, f"validation AUROC {score:.4f}"

    def after_step(self) -> None:
        """Nothing else must hold."""


def renew_statistics(net: nn.Module, films: NDArray[np.uint8], size_px: int) -> None:
    """Take running means and variances of a `_Classifier`'s layers anew, over films as the engine sees them."""
    layers = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    usual = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over batches
        layer.train()
    device, order = next(net.parameters()).device, np.random.default_rng(0).permutation(len(films))
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for places in np.array_split(order, max(1, len(films) // 64)):
            whole = augment(torch.from_numpy(films[np.sort(places)]), size_px, PLAIN, torch.Generator()).pixels
            net(whole.to(device))
    for layer, momentum in zip(layers, usual):
        layer.momentum = momentum
        layer.eval()


def trained_tensors(model: EgmaModel) -> dict[str, Tensor]:
    """What this stage trains, by the model's own names: the image tower and the widening of its last stage."""
    return {name: tensor for name, tensor in model.state_dict().items() if name.startswith(_TRAINED)}


def load_widening(model: EgmaModel) -> None:
    """Start the heads' widening from the ImageNet weights that follow the trunk's in the published file."""
    if model.config.image.init is None:
        return
    (path,) = locate_files(model.config.image.init, None).values()
    published = list(torch.load(path, map_location="cpu", weights_only=True).values())
    first = len(model.image.get_submodule("trunk").state_dict())
    wanted = model.heads.widen.state_dict()  # type: ignore[union-attr]
    with torch.no_grad():
        for (name, target), tensor in zip(wanted.items(), published[first:]):
            if target.shape != tensor.shape:
                raise CheckpointError(f"initial weights: wanted {tuple(target.shape)} for heads.widen.{name}")
            target.copy_(tensor)


def _loss(
    net: _Classifier, films: LabelledFilms, places: NDArray[np.int64], settings: TrunkSettings, draw: int
) -> Tensor:
    device = net.layer.weight.device
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + draw)
    how = Augmentation(mirror=settings.mirror)
    pixels = augment(torch.from_numpy(films.pixels[places]), settings.size_px, how, generator).pixels.to(device)
    present = torch.from_numpy(films.present[places]).float().to(device)
    known = torch.from_numpy(films.known[places]).float().to(device)
    share = float(np.random.default_rng((settings.seed, draw, 1)).beta(settings.mixup, settings.mixup))
    other = torch.randperm(len(places), generator=generator).to(device)
    logits = net(share * pixels + (1 - share) * pixels[other]).float()
    smooth = present * (1 - settings.smoothing) + settings.smoothing / 2
    return share * _masked_bce(logits, smooth, known) + (1 - share) * _masked_bce(logits, smooth[other], known[other])


def _masked_bce(logits: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def _predict(net: nn.Module, films: LabelledFilms, size_px: int) -> NDArray[np.float32]:
    generator, device = torch.Generator(), next(net.parameters()).device
    found = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(films), 32):
            batch = torch.from_numpy(films.pixels[start : start + 32])
            found.append(net(augment(batch, size_px, PLAIN, generator).pixels.to(device)).float().cpu())
    return torch.cat(found).numpy()
