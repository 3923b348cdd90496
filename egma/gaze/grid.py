"""A map of a film reduced to a model's patch grid, anti-aliased, so that no gaze falls between patches."""

from __future__ import annotations

import numpy as np

from egma.errors import GazeError
from egma.types import Float32

Box = tuple[float, float, float, float]


def reduce_to_grid(pixels: Float32, grid_hw: tuple[int, int], box_px: Box | None = None) -> Float32:
    """Resize a map to a grid with a triangle filter as wide as the reduction (anti-aliased bilinear).

    Args:
        pixels: (H, W), finite; outside the film counts as 0.
        grid_hw: rows and columns of the grid.
        box_px: x0, y0, x1, y1 of the whole grid in image pixels, beyond the film where a model pads it; None: the film.

    Returns:
        float32 (gh, gw): the local mean of the map around each patch. Not negative where the map is not.
    """
    rows, columns = grid_weights((pixels.shape[0], pixels.shape[1]), grid_hw, box_px)
    return (rows @ np.asarray(pixels, np.float32) @ columns.T).astype(np.float32)


def grid_weights(
    shape: tuple[int, int], grid_hw: tuple[int, int], box_px: Box | None = None
) -> tuple[Float32, Float32]:
    """The two factors of `reduce_to_grid`: float32 (gh, H) along rows and (gw, W) along columns."""
    height, width = shape
    x0, y0, x1, y1 = box_px or (0.0, 0.0, float(width), float(height))
    if min(grid_hw) < 1 or x1 <= x0 or y1 <= y0:
        raise GazeError(
            f"a patch grid wants at least one row and column and a box with area, got {grid_hw} and {box_px}"
        )
    return _weights(height, grid_hw[0], y0, y1), _weights(width, grid_hw[1], x0, x1)


def _weights(length: int, cells: int, low: float, high: float) -> Float32:
    """float32 (cells, length): the share of each pixel in each cell's mean.

    Weights are divided by the whole filter's, film or not, so that the padding counts as zero; at the film's own edge
    (where the grid ends with the film) only pixels that exist count, as image libraries do.
    """
    step = (high - low) / cells
    support = max(step, 1.0)  # enlarging interpolates between neighbouring pixels
    centres = low + step * (np.arange(cells) + 0.5)
    first, last = int(np.floor(low)), int(np.ceil(high))
    pixel = np.arange(min(first, 0), max(last, length)) + 0.5
    values = np.clip(1 - np.abs(pixel[None, :] - centres[:, None]) / support, 0, None)
    values *= (pixel > low) & (pixel < high)
    values /= values.sum(axis=1, keepdims=True)
    start = -min(first, 0)
    return values[:, start : start + length].astype(np.float32)


def thumbnail(density: Float32, side: int) -> Float32:
    """A density in at most `side` x `side` cells, in the film's proportions: float32, sums to 1 (or stays zero)."""
    height, width = density.shape
    scale = min(1.0, side / max(height, width))
    small = reduce_to_grid(density, (max(1, round(height * scale)), max(1, round(width * scale))))
    total = float(small.sum(dtype=np.float64))
    return small / np.float32(total) if total > 0 else small
