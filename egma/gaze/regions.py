"""Regions of a film, and what gaze did in each: first look, dwell, visits and coverage, as a table or CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from egma.cells import safe_cell
from egma.errors import GazeError
from egma.gaze.density import default_pixels_per_degree

if TYPE_CHECKING:
    from egma.gaze.track import Float64, GazeTrack

Bool = NDArray[np.bool_]
ZONES = ("upper", "middle", "lower")


class Region(Protocol):
    """A named part of a film, in image pixels."""

    @property
    def name(self) -> str: ...

    def contains(self, xy_px: Float64) -> Bool:
        """bool (F,), which points (F, 2) lie in the region; NaN points do not."""
        ...

    def mask(self, shape: tuple[int, int]) -> Bool:
        """bool (H, W), the pixels whose centres lie in the region."""
        ...


@dataclass(frozen=True)
class BoxRegion:
    """A box or the ellipse inscribed in it; x0, y0, x1, y1 in image pixels, the far edges not included.

    `certainty` is REFLACX's 1 (unlikely) to 5 (consistent with), or None where the source has none.
    """

    name: str
    box_px: tuple[float, float, float, float]
    outline: Literal["box", "ellipse"] = "box"
    certainty: int | None = None

    def contains(self, xy_px: Float64) -> Bool:
        x0, y0, x1, y1 = self.box_px
        x, y = xy_px[:, 0], xy_px[:, 1]
        if self.outline == "box":
            return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        if x1 <= x0 or y1 <= y0:
            return np.zeros(len(xy_px), np.bool_)
        return ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2 <= 1

    def mask(self, shape: tuple[int, int]) -> Bool:
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        centres = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
        return self.contains(centres).reshape(shape)


@dataclass(frozen=True, eq=False)
class MaskRegion:
    """The true pixels of a bool (H, W) mask of the film's own size."""

    name: str
    pixels: Bool

    def contains(self, xy_px: Float64) -> Bool:
        height, width = self.pixels.shape
        x, y = np.floor(xy_px[:, 0]), np.floor(xy_px[:, 1])
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        found = np.zeros(len(xy_px), np.bool_)
        found[inside] = self.pixels[y[inside].astype(np.intp), x[inside].astype(np.intp)]
        return found

    def mask(self, shape: tuple[int, int]) -> Bool:
        if self.pixels.shape != tuple(shape):
            height, width = self.pixels.shape
            raise GazeError(
                f"the mask of {self.name!r} is {height} x {width}, the film is {shape[0]} x {shape[1]} (rows x columns)"
            )
        return self.pixels


@dataclass(frozen=True)
class RegionGaze:
    """What gaze did in one region.

    Attributes:
        first_look_s: from the recording's first look until the first fixation in the region; None when there was none.
        dwell_s: total time of fixations in the region.
        dwell_share: `dwell_s` over the time of all fixations on the film, 0 when there are none.
        fixations: how many fixations fell in it.
        visits: runs of consecutive fixations in it; revisits are the visits after the first.
        coverage: the share of the region's pixels within one degree of a fixation on the film.
    """

    region: str
    first_look_s: float | None
    dwell_s: float
    dwell_share: float
    fixations: int
    visits: int
    revisits: int
    coverage: float


def measure_regions(track: GazeTrack, regions: list[Region], shape: tuple[int, int]) -> list[RegionGaze]:
    """One row a region, for the fixations of `track` on a film of `shape` (H, W)."""
    track = track.in_frame(shape).fixations()
    track = track.select(np.isfinite(track.xy_px).all(axis=1))
    seen = _seen_within_a_degree(track, shape)
    on_film = track.on_image(shape)
    return [_measure(track, on_film, region, seen) for region in regions]


def _measure(track: GazeTrack, on_film: Bool, region: Region, seen: Bool) -> RegionGaze:
    inside = region.contains(track.xy_px) & on_film
    visits = int(np.count_nonzero(inside & ~np.r_[False, inside[:-1]]))
    dwell_s = float(track.duration_s[inside].sum())
    all_s = float(track.duration_s[on_film].sum())
    mask = region.mask((seen.shape[0], seen.shape[1]))
    area = int(mask.sum())
    return RegionGaze(
        region=region.name,
        first_look_s=float(track.start_s[inside][0] - track.start_s[0]) if inside.any() else None,
        dwell_s=dwell_s,
        dwell_share=dwell_s / all_s if all_s > 0 else 0.0,
        fixations=int(inside.sum()),
        visits=visits,
        revisits=max(visits - 1, 0),
        coverage=float(seen[mask].mean()) if area else 0.0,
    )


def _seen_within_a_degree(track: GazeTrack, shape: tuple[int, int]) -> Bool:
    """bool (H, W), the pixels within one degree of a fixation on the film."""
    seen = np.zeros(shape, np.bool_)
    default = default_pixels_per_degree(shape)
    chosen = track.select(track.on_image(shape))
    for row, (x, y) in enumerate(chosen.xy_px):
        degree = np.full(2, default) if chosen.pixels_per_degree is None else chosen.pixels_per_degree[row]
        rx, ry = np.where(np.isfinite(degree) & (degree > 0), degree, default)
        top, left = max(int(y - ry), 0), max(int(x - rx), 0)
        rows = np.arange(top, min(int(y + ry) + 1, shape[0]))[:, None] + 0.5
        columns = np.arange(left, min(int(x + rx) + 1, shape[1]))[None, :] + 0.5
        near = ((columns - x) / rx) ** 2 + ((rows - y) / ry) ** 2 <= 1
        seen[top : top + len(rows), left : left + columns.shape[1]] |= near
    return seen


def lung_zones(left_lung: Bool, right_lung: Bool) -> list[Region]:
    """Upper, middle and lower third of each lung by height, from bool (H, W) masks. Left is the patient's left."""
    zones: list[Region] = []
    for side, mask in (("left", left_lung), ("right", right_lung)):
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            continue
        edges = np.linspace(rows[0], rows[-1] + 1, len(ZONES) + 1).round().astype(int)
        for zone, top, bottom in zip(ZONES, edges[:-1], edges[1:]):
            part = np.zeros_like(mask, np.bool_)
            part[top:bottom] = mask[top:bottom]
            zones.append(MaskRegion(f"{side} {zone} zone", part))
    return zones


def film_sixths(shape: tuple[int, int]) -> list[Region]:
    """Thirds of both halves of a film, for one of which no region is known; named after the patient's sides."""
    height, width = shape
    regions: list[Region] = []
    for side, x0, x1 in (("right", 0.0, width / 2), ("left", width / 2, float(width))):  # the patient's right is left
        for row, zone in enumerate(ZONES):
            box = (x0, row * height / 3, x1, (row + 1) * height / 3)
            regions.append(BoxRegion(f"{side} {zone} sixth of the film", box))
    return regions


def write_regions_csv(rows: list[RegionGaze]) -> str:
    """The table as CSV text with a header line; an empty cell where there is no first look."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(RegionGaze)], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = asdict(replace(row, region=safe_cell(row.region))).items()
        writer.writerow({key: round(value, 6) if isinstance(value, float) else value for key, value in values})
    return text.getvalue()
