"""Changes a film survives: a small turn, crop, stretch and another exposure. A mirrored film is said to be mirrored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """How far a film is changed; drawn evenly within each range.

    Attributes:
        turn_deg: to either side.
        smallest_crop: least share of the film's side that stays in view.
        stretch: log of the largest change of aspect.
        gamma, contrast, brightness: log gamma, relative contrast, offset in [0, 1].
        noise: standard deviation of added noise.
        mirror: probability of a mirrored film. Sides are swapped in it, so words that name one must be swapped too.
    """

    turn_deg: float = 10.0
    smallest_crop: float = 0.72
    stretch: float = 0.08
    gamma: float = 0.35
    contrast: float = 0.25
    brightness: float = 0.12
    noise: float = 0.01
    mirror: float = 0.0


PLAIN = Augmentation(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Augmented:
    """A changed batch.

    Attributes:
        pixels: float32 (B, S, S) in [0, 1].
        mirrored: bool (B,).
        to_source: float32 (B, 2, 3): changed coordinates in [-1, 1] (x, y, 1) -> the film's own, as of `affine_grid`.
    """

    pixels: Tensor
    mirrored: Tensor
    to_source: Tensor


def augment(films: Tensor, size_px: int, how: Augmentation, generator: torch.Generator) -> Augmented:
    """Change a batch of films.

    Args:
        films: uint8 (B, T, T).
        size_px: S, side of what comes out.
        how: ranges; `PLAIN` only resizes.
        generator: the only source of chance.
    """
    count = films.shape[0]

    def spread(reach: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * reach

    turn = spread(how.turn_deg * math.pi / 180)
    zoom = how.smallest_crop + (1 - how.smallest_crop) * torch.rand(count, generator=generator) ** 0.7
    aspect = torch.exp(spread(how.stretch))
    shift_x, shift_y = spread(0.9) * (1 - zoom), spread(0.9) * (1 - zoom)
    mirrored = torch.rand(count, generator=generator) < how.mirror
    side = torch.where(mirrored, -1.0, 1.0)
    rows = (
        torch.stack((zoom * aspect * turn.cos() * side, -zoom * turn.sin(), shift_x), dim=1),
        torch.stack((zoom * turn.sin() * side, zoom / aspect * turn.cos(), shift_y), dim=1),
    )
    to_source = torch.stack(rows, dim=1)
    pixels = warp(films.unsqueeze(1).float() / 255, to_source, size_px)[:, 0]
    gamma, contrast, brightness = (spread(reach).view(-1, 1, 1) for reach in (how.gamma, how.contrast, how.brightness))
    pixels = ((pixels.clamp(1e-4, 1) ** gamma.exp() - 0.5) * (1 + contrast) + 0.5 + brightness).clamp(0, 1)
    if how.noise:
        pixels = pixels + torch.randn(pixels.shape, generator=generator) * how.noise
    return Augmented(pixels, mirrored, to_source)


def warp(layers: Tensor, to_source: Tensor, size_px: int) -> Tensor:
    """Layers (B, C, T, T) seen through `to_source`, (B, C, S, S): what is done to a film is done to its masks."""
    grid = F.affine_grid(to_source, [layers.shape[0], layers.shape[1], size_px, size_px], align_corners=False)
    return F.grid_sample(layers, grid, align_corners=False)
