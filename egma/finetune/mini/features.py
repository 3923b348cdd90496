"""Frozen features, computed once: trunk features of films in several changed views, tower features of sentences.

A film in one view is half a megabyte of features by three trunks: 3 views of 1,200 films take 1.7 GB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from egma.errors import DataError
from egma.finetune.mini.augment import PLAIN, Augmentation, augment, warp
from egma.model.egma import EgmaModel
from egma.model.outputs import ImageFeatures

_BATCH = 32
VIEW = Augmentation(turn_deg=8.0, smallest_crop=0.8, stretch=0.06, gamma=0.3, contrast=0.2, brightness=0.1, noise=0.0)
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

    def put(self, view: int, rows: slice, part: FilmFeatures) -> None:
        """Write a batch's features, of one view, to the places of its films."""
        self.fine[view, rows], self.coarse[view, rows] = part.fine[0], part.coarse[0]
        self.mirrored[view, rows] = part.mirrored[0]
        if self.masks is not None and part.masks is not None:
            self.masks[view, rows] = part.masks[0]

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
    exact: bool = False,
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
        exact: in float32 as the engine runs, for films that a figure is taken from; else in bfloat16, thrice as fast.
        seed: of the changes.
        note: told of progress.
    """
    generator = torch.Generator().manual_seed(seed)
    kept: FilmFeatures | None = None
    for view in range(views):
        how = replace(VIEW, mirror=mirror) if view else PLAIN
        for start in range(0, len(films), _BATCH):
            rows = slice(start, start + _BATCH)
            part = _embed_batch(model, films[rows], None if masks is None else masks[rows], how, generator, exact)
            kept = kept or _allocate(part, views, len(films))
            kept.put(view, rows, part)
        note(f"features: view {view + 1} of {views} of {len(films)} films")
    if kept is None:
        raise DataError("there is no film whose features could be computed")
    return kept


def embed_sentences(model: EgmaModel, sentences: Sequence[str]) -> NDArray[np.float32]:
    """float32 (T, width): features of the frozen text tower, before projection."""
    rows = []
    order: list[int] = np.argsort([len(sentence) for sentence in sentences], kind="stable").tolist()
    with torch.inference_mode():
        for start in range(0, len(sentences), 64):
            batch = model.tokenize([sentences[place] for place in order[start : start + 64]])
            rows.append(model.text(batch).float().cpu().numpy())
    features = np.concatenate(rows)
    return features[np.argsort(order)]


def _embed_batch(
    model: EgmaModel,
    films: NDArray[np.uint8],
    masks: NDArray[np.uint8] | None,
    how: Augmentation,
    generator: torch.Generator,
    exact: bool,
) -> FilmFeatures:
    """One view of a few films: V = 1."""
    device, size_px = model.logit_scale.device, model.config.image.input_px
    changed = augment(torch.from_numpy(films), size_px, how, generator)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=not exact):
        pixels = model.normalize(changed.pixels.to(device))
        stages = model.image(pixels.contiguous(memory_format=torch.channels_last)).stages
    covered = None
    if masks is not None:
        whole = warp(torch.from_numpy(masks).float() / 255, changed.to_source, size_px)
        covered = F.adaptive_avg_pool2d(whole, stages[0].shape[-2:]).half().numpy()[None]
    return FilmFeatures(
        fine=stages[0].half().cpu().numpy()[None],
        coarse=stages[-1].half().cpu().numpy()[None],
        mirrored=changed.mirrored.numpy()[None],
        masks=covered,
    )


def _allocate(part: FilmFeatures, views: int, films: int) -> FilmFeatures:
    """Room for every view of all films, shaped as one batch's features are."""

    def room(like: NDArray[np.float16]) -> NDArray[np.float16]:
        return np.zeros((views, films, *like.shape[2:]), like.dtype)

    return FilmFeatures(
        fine=room(part.fine),
        coarse=room(part.coarse),
        mirrored=np.zeros((views, films), bool),
        masks=None if part.masks is None else room(part.masks),
    )
