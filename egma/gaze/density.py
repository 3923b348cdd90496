"""Fixation density: one Gaussian a fixation, one degree of visual angle wide, weighted by time, exact and fast.

    density = sum over fixations f of  t_f * N(pixel; p_f, diag(sx_f^2, sy_f^2)) * [pixel was shown during f]

divided by its sum, as in REFLACX's own heat maps (Bigolin Lanfredi et al., Scientific Data 9:350, 2022). p_f is the
pixel that the fixation falls in (coordinates floored, as in every measure); sigma is one degree; t_f its duration.

An axis-aligned Gaussian cut to a rectangle is an outer product of two 1-D factors, so the whole sum is one matrix
product, columns^T (H, F) times rows (F, W): no approximation but a cut at REACH sigma. The film is worked in tiles,
each multiplying only the fixations that reach it. Rows that share pixel, sigma and rectangle are added up first,
which lets millions of raw samples through; where one zoom still holds more than MANY points, they are put on a lattice
of sigma / LATTICE first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.types import Float32

# With no geometry recorded: a film's longer side fills about 27 degrees (REFLACX: 2,521 px at 94 a degree).
DEFAULT_FILM_DEGREES = 27.0
REACH = 5.0  # exp(-12.5) = 4e-6 of the peak: below float32's step once summed
TILE_PX = 256
MANY = 4096
LATTICE = 16  # moves a point by at most sigma / 32 along each axis

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kernels:
    """K Gaussians: pixel indices (x, y), sigma (x, y), weight, and the half-open pixel rectangle they are cut to."""

    x: Float64
    y: Float64
    sigma_x: Float64
    sigma_y: Float64
    weight: Float64
    cut: NDArray[np.int64]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Kernels:
        return Kernels(
            self.x[rows], self.y[rows], self.sigma_x[rows], self.sigma_y[rows], self.weight[rows], self.cut[rows]
        )


def default_pixels_per_degree(shape: tuple[int, int]) -> float:
    """Image pixels in one degree where a recording does not say: the longer side over DEFAULT_FILM_DEGREES."""
    return max(shape) / DEFAULT_FILM_DEGREES


def fixation_density(
    xy_px: Float64,
    duration_s: Float64,
    shape: tuple[int, int],
    *,
    pixels_per_degree: Float64 | None = None,
    shown_px: Float64 | None = None,
) -> Float32:
    """The density of fixations (or raw samples) on a film.

    Args:
        xy_px: (F, 2), (x, y) in image pixels. Rows that are NaN or off the film are left out.
        duration_s: (F,), the weights. Where no row on the film lasts any time, all rows weigh the same.
        shape: (H, W).
        pixels_per_degree: (F, 2) along x and y; None or NaN: `default_pixels_per_degree(shape)`.
        shown_px: (F, 4), x0, y0, x1, y1 of the part of the film shown, rounded to whole pixels; None or NaN: all of it.

    Returns:
        float32 (H, W), sums to 1; all zero when no fixation is on the film.
    """
    height, width = (int(side) for side in shape)
    if height < 1 or width < 1:
        raise GazeError(f"a density wants a film of at least one pixel, got {height} x {width} (rows x columns)")
    kernels = build_kernels(xy_px, duration_s, (height, width), pixels_per_degree, shown_px)
    total = np.zeros((height, width), np.float32)
    for group in group_kernels(kernels):
        if len(group.x) > MANY:
            _add_lattice(total, group)
        else:
            _add_tiles(total, group)
    mass = float(total.sum(dtype=np.float64))
    if mass > 0:
        total /= np.float32(mass)
    return total


def build_kernels(
    xy_px: Float64,
    duration_s: Float64,
    shape: tuple[int, int],
    pixels_per_degree: Float64 | None,
    shown_px: Float64 | None,
) -> Kernels:
    """One Gaussian for each row on the film; arguments as `fixation_density`."""
    height, width = shape
    xy_px = np.asarray(xy_px, np.float64).reshape(-1, 2)
    x, y = xy_px[:, 0], xy_px[:, 1]
    on = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    weight = np.nan_to_num(np.asarray(duration_s, np.float64)[on], nan=0.0, posinf=0.0)
    if not (weight > 0).any():
        weight = np.ones_like(weight)
    weight = weight / max(weight.max(initial=0.0), np.finfo(np.float64).tiny)  # keeps float32 in range
    sigma = np.full((int(on.sum()), 2), default_pixels_per_degree(shape))
    if pixels_per_degree is not None:
        degree = np.asarray(pixels_per_degree, np.float64)[on]
        sigma = np.where(np.isfinite(degree) & (degree > 0), degree, sigma)
    cut = np.tile(np.array([0, 0, width, height], np.int64), (len(sigma), 1))
    if shown_px is not None:
        shown = np.asarray(shown_px, np.float64)[on]
        known = np.isfinite(shown).all(axis=1, keepdims=True)
        shown = np.where(known, shown, cut)
        cut = np.clip(np.rint(shown), 0, [width, height, width, height]).astype(np.int64)
    # The mass of a Gaussian is its duration, however small the zoom makes a degree.
    return Kernels(
        np.floor(x[on]), np.floor(y[on]), sigma[:, 0], sigma[:, 1], weight / (sigma[:, 0] * sigma[:, 1]), cut
    )


def group_kernels(kernels: Kernels) -> list[Kernels]:
    """All kernels together when they are few; else merged by pixel, and one group for every crowded zoom state."""
    if len(kernels.x) <= MANY:
        return [kernels] if len(kernels.x) else []
    states = np.column_stack([kernels.sigma_x, kernels.sigma_y, kernels.cut])
    # Zoom changes rarely: find its runs first, so that only the few runs need sorting.
    starts = np.ones(len(states), np.bool_)
    starts[1:] = np.not_equal(states[1:], states[:-1]).any(axis=1)
    _, run_state = np.unique(states[starts], axis=0, return_inverse=True)
    state = run_state.reshape(-1)[np.cumsum(starts) - 1]
    merged = _merge(kernels, state)
    crowded = np.flatnonzero(np.bincount(merged[1]) > MANY)
    sparse = ~np.isin(merged[1], crowded)
    groups = [merged[0].select(merged[1] == each) for each in crowded]
    rest = np.flatnonzero(sparse)
    return groups + [merged[0].select(rest[at : at + MANY]) for at in range(0, len(rest), MANY)]


def _merge(kernels: Kernels, state: NDArray[np.intp]) -> tuple[Kernels, NDArray[np.intp]]:
    """Add up the weights of kernels that share pixel and zoom state."""
    columns, rows = int(kernels.x.max()) + 1, int(kernels.y.max()) + 1
    key = (state * rows + kernels.y.astype(np.int64)) * columns + kernels.x.astype(np.int64)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    merged = kernels.select(first)
    weight = np.bincount(inverse.reshape(-1), weights=kernels.weight).astype(np.float64)
    return Kernels(merged.x, merged.y, merged.sigma_x, merged.sigma_y, weight, merged.cut), state[first]


def gaussian_factor(
    length: int, at: Float64, sigma: Float64, low: NDArray[np.int64], high: NDArray[np.int64]
) -> Float32:
    """float32 (K, length): each 1-D Gaussian at every pixel centre, 0 outside its cut [low, high)."""
    pixel = np.arange(length, dtype=np.float32)
    scaled = (pixel - at[:, None].astype(np.float32)) / sigma[:, None].astype(np.float32)
    values = np.exp(np.float32(-0.5) * scaled * scaled)
    values *= (pixel >= low[:, None]) & (pixel < high[:, None])
    return values


def _add_tiles(total: Float32, kernels: Kernels) -> None:
    """Add the kernels to `total` in place, tile by tile, each with the kernels that reach it."""
    height, width = total.shape
    rows = gaussian_factor(height, kernels.y, kernels.sigma_y, kernels.cut[:, 1], kernels.cut[:, 3])
    columns = gaussian_factor(width, kernels.x, kernels.sigma_x, kernels.cut[:, 0], kernels.cut[:, 2])
    rows *= kernels.weight[:, None].astype(np.float32)
    for top in range(0, height, TILE_PX):
        near = _reaches(kernels.y, kernels.sigma_y, top)
        for left in range(0, width, TILE_PX):
            chosen = np.flatnonzero(near & _reaches(kernels.x, kernels.sigma_x, left))
            if len(chosen):
                down = rows[chosen, top : top + TILE_PX]
                across = columns[chosen, left : left + TILE_PX]
                total[top : top + TILE_PX, left : left + TILE_PX] += down.T @ across


def _reaches(at: Float64, sigma: Float64, start: int) -> NDArray[np.bool_]:
    reach = REACH * sigma
    return (at + reach >= start) & (at - reach < start + TILE_PX)


def _add_lattice(total: Float32, kernels: Kernels) -> None:
    """Add many kernels of one zoom state: their weights on a lattice, blurred along y, then along x."""
    height, width = total.shape
    y, at_row = _lattice(kernels.y, kernels.sigma_y[0])
    x, at_column = _lattice(kernels.x, kernels.sigma_x[0])
    weights = np.bincount(at_row * len(x) + at_column, weights=kernels.weight, minlength=len(y) * len(x))
    cut = kernels.cut[:1]
    rows = gaussian_factor(height, y, kernels.sigma_y[:1], cut[:, 1], cut[:, 3])
    columns = gaussian_factor(width, x, kernels.sigma_x[:1], cut[:, 0], cut[:, 2])
    total += rows.T @ (weights.reshape(len(y), len(x)).astype(np.float32) @ columns)


def _lattice(at: Float64, sigma: float) -> tuple[Float64, NDArray[np.int64]]:
    """Lattice points that cover `at`, and the index of each value's nearest one."""
    step = max(1.0, np.floor(sigma / LATTICE))
    low = at.min()
    index = np.rint((at - low) / step).astype(np.int64)
    return low + step * np.arange(index.max() + 1), index
