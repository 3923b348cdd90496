"""Fixations from raw samples, by velocity (I-VT) or dispersion (I-DT): Salvucci and Goldberg, ETRA 2000.

The two algorithms are pymovements'; here samples become degrees of visual angle and its events become a `GazeTrack`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.gaze.density import default_pixels_per_degree

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack

Float64 = NDArray[np.float64]
Spans = NDArray[np.intp]

VELOCITY_DEGREES_S = 30.0  # Olsen, "The Tobii I-VT Fixation Filter", 2012; screen trackers are too noisy for 20
DISPERSION_DEGREES = 1.0
MIN_FIXATION_S = 0.06
VELOCITY_WINDOW_S = 0.02  # velocity is taken across 20 ms: at 1,000 Hz neighbouring samples differ by noise alone


def detect_fixations(
    track: GazeTrack,
    method: Literal["ivt", "idt"] = "ivt",
    *,
    velocity_degrees_s: float = VELOCITY_DEGREES_S,
    dispersion_degrees: float = DISPERSION_DEGREES,
    min_fixation_s: float = MIN_FIXATION_S,
) -> GazeTrack:
    """The fixations in a track of raw samples; blinks end a fixation.

    Args:
        track: samples, in time order.
        method: "ivt": slower than `velocity_degrees_s`; "idt": within `dispersion_degrees` (x extent plus y extent).
            I-DT takes the samples as evenly spaced and its time grows with the recording: for short recordings.
        min_fixation_s: shorter ones are dropped.

    Returns:
        A track of fixations: mean position and pupil of their samples, the zoom at their middle sample.
    """
    if method not in ("ivt", "idt"):
        raise GazeError(f"fixations are detected by 'ivt' or 'idt', got {str(method)[:20]!r}")
    if len(track) < 2:
        return replace(track.select(slice(0, 0)), kind="fixations")
    degree = _pixels_per_degree(track)
    if method == "ivt":
        spans = _spans_by_velocity(track.xy_px, degree, track.start_s, velocity_degrees_s, min_fixation_s)
    else:
        spans = _spans_by_dispersion(track.xy_px / degree, track.start_s, dispersion_degrees, min_fixation_s)
    return _fixations_of(track, spans)


def _pixels_per_degree(track: GazeTrack) -> Float64:
    """float64 (F, 2), image pixels a degree at each sample; the stated default where unknown."""
    extent = track.frame_hw
    if extent is None:
        source = track.xy_px if track.shown_px is None else track.shown_px[:, 2:]
        finite = source[np.isfinite(source).all(axis=1)]
        extent = (int(finite[:, 1].max(initial=1)), int(finite[:, 0].max(initial=1)))
    default = default_pixels_per_degree(extent)
    if track.pixels_per_degree is None:
        return np.full((len(track), 2), max(default, np.finfo(float).tiny))
    known = np.isfinite(track.pixels_per_degree) & (track.pixels_per_degree > 0)
    return np.where(known, track.pixels_per_degree, default)


def _spans_by_velocity(xy_px: Float64, degree: Float64, time_s: Float64, threshold: float, min_s: float) -> Spans:
    from pymovements.events import ivt

    half = max(1, round(VELOCITY_WINDOW_S / 2 / _interval(time_s)))
    index = np.arange(len(time_s))
    before, after = np.maximum(index - half, 0), np.minimum(index + half, len(index) - 1)
    elapsed = np.maximum(time_s[after] - time_s[before], 1e-9)
    velocity = (xy_px[after] - xy_px[before]) / degree / elapsed[:, None]
    velocity[np.isnan(xy_px).any(axis=1)] = np.nan
    least = max(1, round(min_s / _interval(time_s)) - 1)  # a span of n samples lasts n intervals and is n - 1 long
    found = ivt(velocity, minimum_duration=least, velocity_threshold=threshold)
    return _as_spans(found)


def _spans_by_dispersion(degrees: Float64, time_s: Float64, threshold: float, min_s: float) -> Spans:
    from pymovements.events import idt

    least = max(2, round(min_s / _interval(time_s)))
    # NaN compares false in its window test, which would let a window grow across a blink: give each stretch alone.
    spans: list[Spans] = []
    good = np.isfinite(degrees).all(axis=1)
    edges = np.flatnonzero(np.diff(np.r_[False, good, False].astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        if stop - start > least:
            found = _as_spans(idt(degrees[start:stop], minimum_duration=least, dispersion_threshold=threshold))
            spans.append(found + start)
    return np.concatenate(spans) if spans else np.empty((0, 2), np.intp)


def _as_spans(found: object) -> Spans:
    """intp (K, 2): first and last sample of each of pymovements' events."""
    frame = found.frame  # type: ignore[attr-defined]
    return np.column_stack([frame["onset"].to_numpy(), frame["offset"].to_numpy()]).astype(np.intp).reshape(-1, 2)


def _interval(time_s: Float64) -> float:
    """The typical time between samples, in seconds."""
    steps = np.diff(time_s)
    steps = steps[steps > 0]
    if not len(steps):
        raise GazeError("all samples are at the same moment; are the right time columns chosen?")
    return float(np.median(steps))


def _fixations_of(track: GazeTrack, spans: Spans) -> GazeTrack:
    first, last = spans[:, 0], spans[:, 1]
    middle = track.select((first + last) // 2)
    return replace(
        middle,
        xy_px=_means(track.xy_px, first, last),
        start_s=track.start_s[first],
        duration_s=track.start_s[last] + track.duration_s[last] - track.start_s[first],
        pupil=None if track.pupil is None else _means(track.pupil[:, None], first, last)[:, 0],
        kind="fixations",
    )


def _means(values: Float64, first: Spans, last: Spans) -> Float64:
    """The mean over rows first..last of each column, NaN left out."""
    known = np.isfinite(values)
    sums = np.cumsum(np.vstack([np.zeros(values.shape[1]), np.where(known, values, 0)]), axis=0)
    counts = np.cumsum(np.vstack([np.zeros(values.shape[1]), known]), axis=0)
    count = counts[last + 1] - counts[first]
    with np.errstate(invalid="ignore"):
        return (sums[last + 1] - sums[first]) / np.where(count > 0, count, np.nan)
