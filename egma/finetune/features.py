"""Frozen features, computed once: trunk features of films in several changed views, tower features of sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from egma.finetune.augment import PLAIN, Augmentation, augment, warp
from egma.model.egma import EgmaModel
from egma.model.outputs import ImageFeatures

_BATCH = 32
VIEW = Augmentation(turn_deg=8.0, smallest_crop=0.8, stretch=0.06, gamma=0.3, contrast=0.2, brightness=0.1)
"""Milder than what the trunk was trained with: the heads must also learn where things lie."""


@dataclass(frozen=True, eq=False)
class FilmFeatures:
    """Two stages of the trunk for V views of F films, and the films' masks seen the same way.

    Attributes:
        fine: float16 (V, F, C, g, g).
        coarse: float16 (V, F, C', g', g').
        mirrored: bool (V, F).
        masks: float16 (V, F, M, g, g): the share of each fine patch that a mask covers; None without masks.
    """

    fine: NDArray[np.float16]
    coarse: NDArray[np.float16]
    mirrored: NDArray[np.bool_]
    masks: NDArray[np.float16] | None = None

    @property
    def views(self) -> int:
        """V; view 0 is the film as it is."""
        return len(self.fine)

    def pick(self, view: int, places: NDArray[np.int64], device: torch.device) -> ImageFeatures:
        """The features of some films in one view, as the heads take them."""
        fine = torch.from_numpy(self.fine[view][places]).float().to(device)
        coarse = torch.from_numpy(self.coarse[view][places]).float().to(device)
        return ImageFeatures((fine, coarse), coarse.mean(dim=(2, 3)))


def embed_films(
    model: EgmaModel,
    films: NDArray[np.uint8],
    views: int,
    *,
    mirror: float = 0.0,
    masks: NDArray[np.uint8] | None = None,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
) -> FilmFeatures:
    """Run the trunk over every film in `views` views, the first of them unchanged.

    Args:
        model: its image tower is used as it is.
        films: uint8 (F, T, T).
        views: V.
        mirror: share of mirrored films in the changed views.
        masks: uint8 (F, M, T, T), 255 inside; changed along with the films.
        seed: of the changes.
        note: told of progress.
    """
    generator = torch.Generator().manual_seed(seed)
    found = [_embed_view(model, films, masks, _how(view, mirror), generator, note, view) for view in range(views)]
    fine, coarse, mirrored, seen = (list(column) for column in zip(*found))
    return FilmFeatures(np.stack(fine), np.stack(coarse), np.stack(mirrored), None if masks is None else np.stack(seen))


def embed_sentences(model: EgmaModel, sentences: Sequence[str]) -> NDArray[np.float32]:
    """float32 (T, width): features of the frozen text tower, before projection."""
    rows = []
    order = np.argsort([len(sentence) for sentence in sentences], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(sentences), 64):
            batch = model.tokenize([sentences[place] for place in order[start : start + 64]])
            rows.append(model.text(batch).float().cpu().numpy())
    features = np.concatenate(rows)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return features[back]


def _how(view: int, mirror: float) -> Augmentation:
    if view == 0:
        return PLAIN
    return Augmentation(**{**VIEW.__dict__, "mirror": mirror})


def _embed_view(model, films, masks, how, generator, note, view):  # type: ignore[no-untyped-def]
    device, size_px = model.logit_scale.device, model.config.image.input_px
    fine, coarse, mirrored, seen = [], [], [], []
    with torch.inference_mode():
        for start in range(0, len(films), _BATCH):
            changed = augment(torch.from_numpy(films[start : start + _BATCH]), size_px, how, generator)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                stages = model.image(model.normalize(changed.pixels.to(device))).stages
            fine.append(stages[0].half().cpu().numpy())
            coarse.append(stages[-1].half().cpu().numpy())
            mirrored.append(changed.mirrored.numpy())
            if masks is not None:
                layers = torch.from_numpy(masks[start : start + _BATCH]).float() / 255
                whole = warp(layers, changed.to_source, size_px)
                seen.append(torch.nn.functional.adaptive_avg_pool2d(whole, stages[0].shape[-2:]).half().numpy())
    note(f"features: view {view + 1} of {len(films)} films")
    covered = np.concatenate(seen) if masks is not None else None
    return np.concatenate(fine), np.concatenate(coarse), np.concatenate(mirrored), covered
