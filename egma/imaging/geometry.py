"""One invertible map between a film's pixels and a model's input, and every question an overlay asks of it.

Points are (x, y), origin at the top left corner, and pixel (row i, column j) covers [j, j + 1) x [i, i + 1): its
centre is (j + 0.5, i + 0.5). The film is padded (or cropped) around its centre to the model's shape, then scaled
evenly, so that both directions are one factor and one offset. Nothing is rounded: a film's borders may lie between
model pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from egma.types import Float32

_ROUNDING_PX = 1e-6  # float64 noise at the borders of the model's input must not unsee a pixel that lies on them
_BLOCK_ROWS = 256  # rows interpolated at a time: keeps a block of a 3,000-pixel film inside the processor's cache


@dataclass(frozen=True)
class Geometry:
    """How a film is brought to a model, and back.

    Attributes:
        source_hw: (H, W) of the film.
        model_hw: (h, w) of the model's input.
        mode: "pad" shows the whole film inside the input, with a border; "crop" fills the input and leaves the film's
            ends out.
    """

    source_hw: tuple[int, int]
    model_hw: tuple[int, int]
    mode: Literal["pad", "crop"] = "pad"

    def __post_init__(self) -> None:
        if min(*self.source_hw, *self.model_hw) < 1:
            raise ValueError(f"sizes must be at least 1x1: film {self.source_hw}, model {self.model_hw}")

    @cached_property
    def scale(self) -> float:
        """Model pixels per source pixel, the same along x and y."""
        ratios = (self.model_hw[0] / self.source_hw[0], self.model_hw[1] / self.source_hw[1])
        return min(ratios) if self.mode == "pad" else max(ratios)

    @cached_property
    def offset_xy(self) -> tuple[float, float]:
        """Where the film's top left corner lies in the model's input, in model pixels; negative where it is cropped."""
        (height, width), (rows, columns) = self.source_hw, self.model_hw
        return (columns - width * self.scale) / 2, (rows - height * self.scale) / 2

    def to_model(self, xy_px: ArrayLike) -> NDArray[np.float64]:
        """Source points (..., 2) as model points (..., 2), float64."""
        return np.asarray(xy_px, np.float64) * self.scale + self.offset_xy

    def to_source(self, xy_px: ArrayLike) -> NDArray[np.float64]:
        """Model points (..., 2) as source points (..., 2), float64: the inverse of `to_model`."""
        return (np.asarray(xy_px, np.float64) - self.offset_xy) / self.scale

    def image_to_model(self, pixels: Float32, fill: float = 0.0) -> Float32:
        """A film (H, W) as the model's input (h, w), float32.

        Scaled with an antialiased triangle filter; `fill` outside the film. Model pixels that the film covers in part
        are mixed with `fill` by the share they are covered.
        """
        if pixels.shape != self.source_hw:
            raise ValueError(f"this geometry is for a film of {self.source_hw}, got {pixels.shape}")
        (left, top), (right, bottom) = self._film_corners
        columns = _covered(left, right, self.model_hw[1])
        rows = _covered(top, bottom, self.model_hw[0])
        first_x, last_x = int(np.nonzero(columns)[0][0]), int(np.nonzero(columns)[0][-1]) + 1
        first_y, last_y = int(np.nonzero(rows)[0][0]), int(np.nonzero(rows)[0][-1]) + 1
        inside = self._resize(pixels, (first_x, first_y, last_x, last_y))
        share = np.outer(rows[first_y:last_y], columns[first_x:last_x]).astype(np.float32)
        model = np.full(self.model_hw, fill, np.float32)
        model[first_y:last_y, first_x:last_x] = inside * share + fill * (1 - share)
        return model

    def map_to_source(self, grid: Float32, smooth: bool = True) -> Float32:
        """A grid (gh, gw) over the model's input as a float32 map (H, W) over the film; NaN where nothing was seen.

        Args:
            grid: one value a patch; patches divide the input evenly.
            smooth: bilinear between the centres of patches, constant beyond the outermost; else the patch's own value.
        """
        rows_at, row_seen = self._grid_places(grid.shape[0], axis=0)
        columns_at, column_seen = self._grid_places(grid.shape[1], axis=1)
        if smooth:
            found = _interpolate(np.asarray(grid, np.float32), rows_at, columns_at)
        else:
            found = np.asarray(grid, np.float32)[
                np.ix_(_nearest(rows_at, grid.shape[0]), _nearest(columns_at, grid.shape[1]))
            ]
        found[~row_seen] = np.nan
        found[:, ~column_seen] = np.nan
        return found

    def grid_box_px(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of the whole model input in source pixels; it may reach outside the film."""
        (x0, y0), (x1, y1) = self.to_source([(0.0, 0.0), (self.model_hw[1], self.model_hw[0])])
        return float(x0), float(y0), float(x1), float(y1)

    def patch_at(self, xy_px: tuple[float, float], grid_hw: tuple[int, int]) -> tuple[int, int] | None:
        """(row, column) of the patch under a source point; None off the film or where the model saw nothing."""
        x_px, y_px = xy_px
        if not (0 <= x_px < self.source_hw[1] and 0 <= y_px < self.source_hw[0]):
            return None
        column, row = self.to_model((x_px, y_px)) / (self.model_hw[1], self.model_hw[0]) * (grid_hw[1], grid_hw[0])
        inside = 0 <= row < grid_hw[0] and 0 <= column < grid_hw[1]
        return (int(row), int(column)) if inside else None

    def patch_centers_px(self, grid_hw: tuple[int, int]) -> NDArray[np.float64]:
        """(gh, gw, 2): the centre (x, y) of each patch in source pixels."""
        rows, columns = grid_hw
        y_model = (np.arange(rows) + 0.5) * self.model_hw[0] / rows
        x_model = (np.arange(columns) + 0.5) * self.model_hw[1] / columns
        return self.to_source(np.stack(np.meshgrid(x_model, y_model), axis=-1))

    def seen_patches(self, grid_hw: tuple[int, int]) -> NDArray[np.bool_]:
        """(gh, gw): the patches whose centre lies on the film. The patch nearest the film's centre always counts."""
        centers = self.patch_centers_px(grid_hw)
        size_xy = np.array((self.source_hw[1], self.source_hw[0]), np.float64)
        seen = np.asarray(((centers >= 0) & (centers < size_xy)).all(axis=-1), bool)
        if not seen.any():
            distance = np.square(centers - size_xy / 2).sum(axis=-1)
            seen[np.unravel_index(int(distance.argmin()), seen.shape)] = True
        return seen

    def peak_xy_px(self, grid: Float32) -> tuple[float, float]:
        """(x, y) in source pixels of the centre of the strongest patch that lies on the film."""
        seen = self.seen_patches(grid.shape)
        place = np.unravel_index(int(np.where(seen, grid, -np.inf).argmax()), grid.shape)
        x_px, y_px = self.patch_centers_px(grid.shape)[place]
        return float(np.clip(x_px, 0, self.source_hw[1])), float(np.clip(y_px, 0, self.source_hw[0]))

    def box_to_grid(self, xywh_px: tuple[float, float, float, float], grid_hw: tuple[int, int]) -> Float32:
        """(gh, gw) float32: the share of each patch that a box (x, y, width, height) in source pixels covers."""
        x_px, y_px, width, height = xywh_px
        corners = self.to_model([(x_px, y_px), (x_px + width, y_px + height)])
        (left, top), (right, bottom) = corners / (self.model_hw[1], self.model_hw[0]) * (grid_hw[1], grid_hw[0])
        rows, columns = _covered(top, bottom, grid_hw[0]), _covered(left, right, grid_hw[1])
        return np.outer(rows, columns).astype(np.float32)

    @cached_property
    def _film_corners(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The film's top left and bottom right corners in model pixels."""
        x, y = self.offset_xy
        return (x, y), (x + self.source_hw[1] * self.scale, y + self.source_hw[0] * self.scale)

    def _resize(self, pixels: Float32, model_box: tuple[int, int, int, int]) -> Float32:
        """The film under a box of model pixels (x0, y0, x1, y1), antialiased; its edge goes on outside."""
        (x0, y0), (x1, y1) = self.to_source([model_box[:2], model_box[2:]])
        height, width = self.source_hw
        # The box may reach a fraction of a model pixel beyond the film; Pillow's may not, so the edge is repeated.
        before_x, before_y = _whole_pixels(-x0), _whole_pixels(-y0)
        after_x, after_y = _whole_pixels(x1 - width), _whole_pixels(y1 - height)
        padded = np.pad(pixels, ((before_y, after_y), (before_x, after_x)), mode="edge")
        size = model_box[2] - model_box[0], model_box[3] - model_box[1]
        limits = padded.shape[1], padded.shape[0]
        left, right = (float(np.clip(x + before_x, 0, limits[0])) for x in (x0, x1))
        top, bottom = (float(np.clip(y + before_y, 0, limits[1])) for y in (y0, y1))
        film = Image.fromarray(np.ascontiguousarray(padded, np.float32))
        return np.asarray(film.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom)), np.float32)

    def _grid_places(self, patches: int, axis: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Each source pixel's place along an axis in units of patches (0.5 = first centre), and whether it was seen."""
        centers_px = np.arange(self.source_hw[axis]) + 0.5
        model_px = centers_px * self.scale + self.offset_xy[1 - axis]
        seen = (model_px >= -_ROUNDING_PX) & (model_px <= self.model_hw[axis] + _ROUNDING_PX)
        return model_px / self.model_hw[axis] * patches, seen


def _covered(start: float, stop: float, cells: int) -> NDArray[np.float64]:
    """(cells,): the share of each unit cell [k, k + 1) that [start, stop) covers; a sliver keeps its nearest cell."""
    edges = np.arange(cells)
    shares = np.clip(np.minimum(stop, edges + 1) - np.maximum(start, edges), 0.0, 1.0)
    shares[shares < 1e-9] = 0.0
    if not shares.any() and stop > start and stop > 0 and start < cells:
        shares[int(np.clip((start + stop) / 2, 0, cells - 1))] = max(stop - start, 1e-9)
    return shares


def _whole_pixels(beyond_px: float) -> int:
    """How many pixels cover what reaches beyond the film's edge."""
    return max(0, int(np.ceil(beyond_px - _ROUNDING_PX)))


def _nearest(places: NDArray[np.float64], patches: int) -> NDArray[np.intp]:
    return np.clip(np.floor(places), 0, patches - 1).astype(np.intp)


def _interpolate(grid: Float32, rows_at: NDArray[np.float64], columns_at: NDArray[np.float64]) -> Float32:
    """Bilinear between patch centres, row by row and column by column: two small matrix products."""
    across = grid @ _weights(columns_at, grid.shape[1]).T
    down = _weights(rows_at, grid.shape[0])
    found = np.empty((len(rows_at), len(columns_at)), np.float32)
    for start in range(0, len(rows_at), _BLOCK_ROWS):
        np.matmul(down[start : start + _BLOCK_ROWS], across, out=found[start : start + _BLOCK_ROWS])
    return found


def _weights(places: NDArray[np.float64], patches: int) -> Float32:
    """(len(places), patches) float32: each place as a mix of the two nearest centres."""
    centered = np.clip(places - 0.5, 0.0, patches - 1.0)
    low = np.minimum(centered.astype(np.intp), max(patches - 2, 0))
    share = (centered - low).astype(np.float32)
    weights = np.zeros((len(places), patches), np.float32)
    rows = np.arange(len(places))
    weights[rows, low] = 1.0 - share
    weights[rows, np.minimum(low + 1, patches - 1)] += share
    return weights
