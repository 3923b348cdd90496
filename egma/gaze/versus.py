"""A model's map against a reader on one film: both maps, their difference, and every measure between floor and ceiling.

All maps are made densities as SIM and KL do (shifted to minimum 0 where negative, sum 1) and given in one unit, "times
an even spread": 1 is what every place would get if looking were spread evenly over the film, 10 is ten times as much.
They are reduced to MEASURED_SIDE_PX before measuring: a degree of gaze is 90 pixels of a radiograph and a patch of a
model more, so that nothing is lost, and a comparison takes a fraction of a second on any film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.errors import GazeError
from egma.gaze import metrics
from egma.gaze.agreement import Agreement, compare_map, mean_agreement
from egma.gaze.track import GazeTrack
from egma.types import Float32

MEASURED_SIDE_PX = 384
CENTRE_SHARE = 0.1  # of the centre bias in what readers forecast of each other
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Versus:
    """One comparison on the reduced film.

    Attributes:
        model, reader: float32 (h, w), times an even spread; NaN where the model saw nothing.
        difference: model minus reader, same unit: above 0 the model expects more looking than there was.
        measures: how well the model's map predicts the reader.
        floor: how well a map does that knows only that readers look at the middle (`centre_bias`).
        ceiling: how well the other readers of the film predict this one (CENTRE_SHARE of centre bias mixed in); None
            with a single reader.
    """

    model: Float32
    reader: Float32
    difference: Float32
    measures: Agreement
    floor: Agreement
    ceiling: Agreement | None


def compare_with_reader(
    saliency: ArrayLike,
    track: GazeTrack,
    *,
    shape: tuple[int, int] | None = None,
    others: Sequence[GazeTrack] = (),
    elsewhere: Sequence[GazeTrack] = (),
) -> Versus:
    """Compare a map of the whole film, NaN where unseen, with a reader's gaze on it.

    Args:
        saliency: the model's map in the film's own pixels, or in those of `measured_shape(shape)`.
        track: the gaze it is compared with, such as a sentence's; in the film's pixels.
        shape: (H, W) of the film where the map is a reduced one; None: the map's own.
        others: other readers of the same film, for the ceiling.
        elsewhere: recordings of other films, for the shuffled AUC; laid over this film side to side.

    Raises:
        GazeError: no fixation lies on the film.
    """
    image = np.asarray(saliency, np.float32)
    if image.ndim != 2:
        raise GazeError(f"a map is wanted as rows x columns, got an array of shape {image.shape}")
    shape = (image.shape[0], image.shape[1]) if shape is None else shape
    small = measured_shape(shape)
    gaze = resize_track(track.in_frame(shape).fixations(), shape, small)
    if not gaze.on_image(small).any():
        raise GazeError(
            "no fixation lies on the film here, so that there is nothing to compare; choose another sentence"
        )
    reduced = shrink_map(image, small)
    elsewhere_px = _gather(elsewhere, small)
    rest = [resize_track(other.in_frame(shape).fixations(), shape, small) for other in others]
    ceiling = None
    if rest:
        total = _add_up([other.density(small) for other in rest])
        ceiling = compare_map(_as_prediction(total), gaze, other_xy_px=elsewhere_px) if total.any() else None
    model, reader = as_spread(reduced), as_spread(gaze.density(small))
    return Versus(
        model=model,
        reader=reader,
        difference=(model - reader).astype(np.float32),
        measures=compare_map(reduced, gaze, other_xy_px=elsewhere_px),
        floor=compare_map(metrics.centre_bias(small), gaze, other_xy_px=elsewhere_px),
        ceiling=ceiling,
    )


def reader_ceiling(tracks: Sequence[GazeTrack], shape: tuple[int, int]) -> Agreement | None:
    """How well each reader of a film is predicted by the others, on average; None with fewer than two."""
    if len(tracks) < 2:
        return None
    small = measured_shape(shape)
    readers = [resize_track(each.in_frame(shape).fixations(), shape, small) for each in tracks]
    densities = [reader.density(small) for reader in readers]
    total = _add_up(densities)
    return mean_agreement([compare_map(_as_prediction(total - own), reader) for own, reader in zip(densities, readers)])


def measured_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """(h, w) of the reduced film: its proportions, the longer side at most MEASURED_SIDE_PX."""
    scale = min(1.0, MEASURED_SIDE_PX / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def resize_track(track: GazeTrack, shape: tuple[int, int], new: tuple[int, int]) -> GazeTrack:
    """A track in the pixels of a film of `shape`, in those of the same film resized to `new`: zoom and all."""
    scale = np.array([new[1] / shape[1], new[0] / shape[0]])
    degree, shown = track.pixels_per_degree, track.shown_px
    return replace(
        track,
        xy_px=track.xy_px * scale,
        pixels_per_degree=None if degree is None else degree * scale,
        shown_px=None if shown is None else shown * np.tile(scale, 2),
        frame_hw=new,
        stretched=False,
    )


def shrink_map(image: Float32, new: tuple[int, int]) -> Float32:
    """A map reduced to `new` (h, w): the mean of what was seen around each pixel, NaN where nothing was."""
    from egma.gaze.grid import reduce_to_grid

    if image.shape == new:
        return image
    seen = np.isfinite(image)
    total = reduce_to_grid(np.where(seen, image, 0).astype(np.float32), new)
    weight = reduce_to_grid(seen.astype(np.float32), new)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0.5, total / weight, np.nan).astype(np.float32)


def as_spread(image: ArrayLike) -> Float32:
    """A map made a density and given in times an even spread: its mean over what was seen is 1. NaN stays NaN."""
    values = np.asarray(image, np.float64)
    seen = np.isfinite(values)
    if not seen.any():
        return np.full(values.shape, np.nan, np.float32)
    shifted = values - min(float(values[seen].min()), 0.0)
    mean = float(shifted[seen].mean())
    even = np.where(seen, 1.0, np.nan)
    return (shifted / mean if mean > 0 else even).astype(np.float32)


def _add_up(densities: Sequence[Float32]) -> Float64:
    return np.asarray(np.sum(densities, axis=0, dtype=np.float64))


def _as_prediction(density: Float64) -> Float64:
    """Readers' density as a forecast: where none of them looked, the next one still may, as the centre bias says.

    Without it one fixation in an untouched place costs information gain and KL what the floor of 1e-20 makes of it.
    """
    total = density.sum()
    centre = metrics.centre_bias((density.shape[0], density.shape[1]))
    return (1 - CENTRE_SHARE) * (density / total if total else density) + CENTRE_SHARE * centre


def _gather(tracks: Sequence[GazeTrack], shape: tuple[int, int]) -> Float64 | None:
    """float64 (F, 2), the fixations of other films laid over this one; None where there are none of a known size."""
    from egma.gaze.frame import guess_frame

    found = []
    for track in tracks:
        frame = guess_frame(track)
        placed = resize_track(track.in_frame(frame.shape).fixations(), frame.shape, shape)
        found.append(placed.xy_px[placed.on_image(shape)])
    return np.concatenate(found) if sum(map(len, found)) else None
