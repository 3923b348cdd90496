"""First stage of egma-mini: the image trunk learns films by telling their findings through a layer that is dropped.

Mixup, label smoothing, another exposure and crop for every step, and an average of the weights over the last steps: a
thousand films are few, and everything here keeps the trunk from learning them by heart.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from egma.errors import CheckpointError
from egma.evaluation.metrics import macro_auroc
from egma.finetune.mini.augment import PLAIN, Augmentation, augment
from egma.model.egma import EgmaModel
from egma.model.files import locate_files
from egma.model.presets import LITE0

_TRAINED = ("image.", "heads.widen.")


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
) -> TrainedTrunk:
    """Train `model.image` in place; its weights end as those whose running average was best on validation films."""
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    counts = np.maximum(films.known.sum(axis=0), 1)
    prior = torch.from_numpy((films.present & films.known).sum(axis=0) / counts).float()
    device = model.logit_scale.device
    net = _Classifier(model, films.present.shape[1], settings.dropout, prior).to(device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval()
    optimizer = torch.optim.AdamW(_weight_groups(net, settings.weight_decay), lr=settings.learning_rate)
    steps, best, kept, step = max(1, len(films) // settings.batch), -math.inf, None, 0
    for epoch in range(settings.epochs):
        net.train()
        total = 0.0
        for places in _batches(len(films), settings.batch, generator):
            _set_rate(optimizer, settings, step, steps)
            loss = _step(net, films, places, settings, generator, optimizer)
            step += 1
            total += loss
            follow(average, net, min(settings.decay, (1 + step) / (10 + step)))
        score = macro_auroc(validation.present, _predict(average, validation, settings), validation.known, 5).value
        note(f"trunk: epoch {epoch + 1}/{settings.epochs} loss {total / steps:.4f} validation AUROC {score:.4f}")
        if score > best:
            best, kept = score, copy.deepcopy(average.state_dict())
    net.load_state_dict(kept or average.state_dict())
    model.image.eval()
    return TrainedTrunk(best, net.layer.weight.detach().cpu(), net.layer.bias.detach().cpu())


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


def _step(
    net: _Classifier,
    films: LabelledFilms,
    places: NDArray[np.int64],
    settings: TrunkSettings,
    generator: torch.Generator,
    optimizer: torch.optim.Optimizer,
) -> float:
    device = net.layer.weight.device
    how = Augmentation(mirror=settings.mirror)
    pixels = augment(torch.from_numpy(films.pixels[places]), settings.size_px, how, generator).pixels.to(device)
    present = torch.from_numpy(films.present[places]).float().to(device)
    known = torch.from_numpy(films.known[places]).float().to(device)
    share = float(
        np.random.default_rng(int(torch.randint(2**31, (), generator=generator))).beta(settings.mixup, settings.mixup)
    )
    other = torch.randperm(len(places), generator=generator)
    with torch.autocast(device.type, torch.bfloat16):
        logits = net(share * pixels + (1 - share) * pixels[other])
    logits = logits.float()
    smooth = present * (1 - settings.smoothing) + settings.smoothing / 2
    loss = share * _masked_bce(logits, smooth, known) + (1 - share) * _masked_bce(logits, smooth[other], known[other])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _masked_bce(logits: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def _predict(net: _Classifier, films: LabelledFilms, settings: TrunkSettings) -> NDArray[np.float32]:
    generator, device = torch.Generator(), net.layer.weight.device
    found = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(films), settings.batch):
            batch = torch.from_numpy(films.pixels[start : start + settings.batch])
            found.append(net(augment(batch, settings.size_px, PLAIN, generator).pixels.to(device)).float().cpu())
    return torch.cat(found).numpy()


def _batches(count: int, batch: int, generator: torch.Generator) -> Iterator[NDArray[np.int64]]:
    order = torch.randperm(count, generator=generator).numpy()
    size = min(batch, count)
    for start in range(0, count - size + 1, size):
        yield np.sort(order[start : start + size])


def _weight_groups(net: nn.Module, decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only."""
    matrices = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim > 1]
    others = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _set_rate(optimizer: torch.optim.Optimizer, settings: TrunkSettings, step: int, steps: int) -> None:
    warm = min(1.0, (step + 1) / steps)
    rate = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / (settings.epochs * steps)))
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move a running average of weights one step towards the weights now."""
    for kept, now in zip(average.state_dict().values(), net.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.mul_(decay).add_(now, alpha=1 - decay)
        else:
            kept.copy_(now)
