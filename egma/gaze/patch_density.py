"""A fixation density on a model's patch grid, without ever making the film-sized map that it is the reduction of.

Density and reduction are both separable: the grid is  sum over f of  t_f (R y_f) (C x_f)^T,  with y_f and x_f the two
factors of fixation f's Gaussian (cut to what was shown) and R, C the reduction's weights. The result is that of
`reduce_to_grid(fixation_density(...))` to rounding, some fifty times as fast: what precomputing thousands of studies
wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from egma.gaze.density import build_kernels, gaussian_factor, group_kernels
from egma.gaze.grid import Box, grid_weights
from egma.types import Float32

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack

BLOCK = 512  # kernels at a time: their factors on a film of 3,000 pixels stay below 10 MB


def patch_density(
    track: GazeTrack, shape: tuple[int, int], grid_hw: tuple[int, int], box_px: Box | None = None
) -> Float32:
    """Where the reader looked, on a patch grid: float32 (gh, gw), zero where no fixation is on the film.

    Args:
        track: fixations or samples of a film of `shape`.
        shape: (H, W) of the film.
        grid_hw: rows and columns of the grid.
        box_px: x0, y0, x1, y1 of the whole grid in image pixels (`Geometry.grid_box_px()`); None: the film itself.
    """
    track = track.in_frame(shape)
    rows, columns = grid_weights(shape, grid_hw, box_px)
    kernels = build_kernels(track.xy_px, track.duration_s, shape, track.pixels_per_degree, track.shown_px)
    grid = np.zeros(grid_hw, np.float64)
    mass = 0.0
    for group in group_kernels(kernels):
        for start in range(0, len(group.x), BLOCK):
            part = group.select(np.arange(start, min(start + BLOCK, len(group.x))))
            down = gaussian_factor(shape[0], part.y, part.sigma_y, part.cut[:, 1], part.cut[:, 3])
            across = gaussian_factor(shape[1], part.x, part.sigma_x, part.cut[:, 0], part.cut[:, 2])
            down *= part.weight[:, None].astype(np.float32)
            grid += (rows @ down.T).astype(np.float64) @ (columns @ across.T).T.astype(np.float64)
            mass += float(down.sum(axis=1, dtype=np.float64) @ across.sum(axis=1, dtype=np.float64))
    return (grid / mass if mass > 0 else grid).astype(np.float32)
