"""Invented readings: seeded scan-paths and dictation for a film whose regions are known. Never recorded gaze.

For examples, tests and for training where recorded gaze may not be had; everything made here is labelled simulated. The
model is simple and stated: per sentence, looking comes before speaking; fixation durations are log-normal; most
fixations fall in the sentence's region, blurred by the tracker's and the eye's one-degree spread, the others follow
a bias to the centre; a share of sentences is read zoomed in. Values of `Reader` are set to those reported for
radiologists reading chest films (REFLACX: about 0.3 s a fixation; EyeGaze: 2 to 3 words a second).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.gaze.density import default_pixels_per_degree
from egma.gaze.track import GazeTrack, Word

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
SHORTEST_FIXATION_S = 0.08
SACCADE_S = 0.04
NOTE = "simulated: this gaze and its words were made by a program, nobody was recorded"


@dataclass(frozen=True)
class Reader:
    """The habits of an invented reader.

    Attributes:
        median_fixation_s, sigma_fixation: the log-normal of fixation durations: its median, and sigma of the logarithm.
        saccade_s: the time between two fixations.
        on_region: the share of fixations meant for the sentence's region; the others follow the centre bias.
        spread_degrees: standard deviation of a fixation around where it was meant, in degrees of visual angle.
        centre_spread: standard deviation of the centre bias, as a share of each side.
        words_per_s: speed of dictation.
        look_s: how long the eyes are on a region before its sentence begins.
        zoomed: the share of sentences with a region that are read at twice the zoom.
    """

    median_fixation_s: float = 0.25
    sigma_fixation: float = 0.45
    saccade_s: float = SACCADE_S
    on_region: float = 0.75
    spread_degrees: float = 1.0
    centre_spread: float = 0.22
    words_per_s: float = 2.4
    look_s: float = 1.2
    zoomed: float = 0.25


@dataclass(frozen=True, eq=False)
class Statement:
    """A sentence to be dictated, and the part of the film it speaks of: bool (H, W), or None for the whole film."""

    text: str
    region: Bool | None = None


def simulate_reading(
    statements: Sequence[Statement], shape: tuple[int, int], *, seed: int, reader: Reader | None = None
) -> GazeTrack:
    """One invented reading of a film: fixations, zoom and dictation. Equal seeds give equal tracks.

    Args:
        statements: what is dictated, in order.
        shape: (H, W) of the film.
        seed: of everything random.
        reader: habits; None: the usual ones.
    """
    habits = reader or Reader()
    random = np.random.default_rng(seed)
    degree = default_pixels_per_degree(shape)
    rows: list[Float64] = []
    words: list[Word] = []
    now_s = 0.0
    for statement in statements:
        if statement.region is not None and statement.region.shape != tuple(shape):
            raise GazeError(f"a region is {statement.region.shape}, the film {tuple(shape)}: make them equal")
        spoken = _speak(statement.text, now_s + habits.look_s, habits)
        end_s = spoken[-1].end_s if spoken else now_s + habits.look_s
        zoom = 2.0 if statement.region is not None and random.random() < habits.zoomed else 1.0
        rows.append(
            _look(statement.region, shape, (now_s, end_s), degree=degree, zoom=zoom, habits=habits, random=random)
        )
        words += spoken
        now_s = end_s
    table = np.concatenate(rows) if rows else np.empty((0, 9))
    return GazeTrack(
        xy_px=table[:, :2],
        start_s=table[:, 2],
        duration_s=table[:, 3],
        pixels_per_degree=np.repeat(table[:, 4:5], 2, axis=1),
        shown_px=table[:, 5:9],
        screen_px=np.tile([0.0, 0.0, 27 * degree, 27 * degree * shape[0] / shape[1]], (len(table), 1)),
        window=np.tile([1.0, 0.5], (len(table), 1)),
        words=tuple(words),
        frame_hw=(int(shape[0]), int(shape[1])),
        source="simulated",
        ids={"recording": f"simulated {seed}"},
        notes=(NOTE,),
        simulated=True,
    )


def _speak(text: str, start_s: float, habits: Reader) -> list[Word]:
    """The sentence's words one after another, a "." of its own at the end as in REFLACX's transcriptions."""
    tokens = text.strip().rstrip(".").split()
    step = 1 / habits.words_per_s
    words = [Word(token.lower(), start_s + at * step, start_s + (at + 0.9) * step) for at, token in enumerate(tokens)]
    if words:
        words.append(Word(".", words[-1].end_s, words[-1].end_s + 0.1 * step))
    return words


def _look(
    region: Bool | None,
    shape: tuple[int, int],
    span_s: tuple[float, float],
    *,
    degree: float,
    zoom: float,
    habits: Reader,
    random: np.random.Generator,
) -> Float64:
    """float64 (F, 9): x, y, start, duration, pixels a degree, and the shown rectangle of one sentence's fixations."""
    start_s, duration_s = _durations(span_s, habits, random)
    count = len(start_s)
    sides = np.array([shape[1], shape[0]], np.float64)
    xy = sides * (0.5 + habits.centre_spread * random.standard_normal((count, 2)))
    shown = np.r_[0.0, 0.0, sides]
    targets = None if region is None else np.argwhere(region)[:, ::-1]
    if targets is not None and len(targets):
        meant = random.random(count) < habits.on_region
        xy[meant] = targets[random.integers(len(targets), size=count)][meant] + 0.5
        if zoom > 1:
            corner = np.clip(targets.mean(axis=0) - sides / (2 * zoom), 0, sides - sides / zoom)
            shown = np.r_[corner, corner + sides / zoom]
    xy += random.standard_normal((count, 2)) * habits.spread_degrees * degree / zoom
    margin = 1e-3
    xy = np.clip(xy, shown[:2], shown[2:] - margin)  # an invented reader keeps to what is shown
    fixed = np.tile(np.r_[degree / zoom, shown], (count, 1))
    return np.column_stack([xy, start_s, duration_s, fixed])


def _durations(span_s: tuple[float, float], habits: Reader, random: np.random.Generator) -> tuple[Float64, Float64]:
    """Starts and durations of the fixations that fit into a span."""
    longest = int((span_s[1] - span_s[0]) / habits.saccade_s) + 1
    durations = habits.median_fixation_s * np.exp(habits.sigma_fixation * random.standard_normal(longest))
    starts = span_s[0] + np.r_[0.0, np.cumsum(durations + habits.saccade_s)[:-1]]
    fits = starts + SHORTEST_FIXATION_S <= span_s[1]  # the last one is cut off where the next sentence begins
    return starts[fits], np.minimum(durations, span_s[1] - starts)[fits]


def simulate_samples(track: GazeTrack, *, rate_hz: float = 1000.0, noise_degrees: float = 0.02, seed: int) -> GazeTrack:
    """Raw samples behind a track of fixations: noise around each, straight saccades between, a blink here and there.

    Args:
        track: fixations.
        rate_hz: samples a second.
        noise_degrees: standard deviation of the tracker's noise.
        seed: of everything random.
    """
    random = np.random.default_rng(seed)
    begin_s, end_s = float(track.start_s[0]), float(track.end_s[-1])
    time_s = np.arange(begin_s, end_s, 1 / rate_hz)
    leave_s = np.maximum(track.end_s, np.r_[track.start_s[1:] - SACCADE_S, -np.inf])  # a gap is spent where it began
    edges_s = np.column_stack([track.start_s, leave_s]).ravel()
    xy = np.column_stack([np.interp(time_s, edges_s, np.repeat(track.xy_px[:, axis], 2)) for axis in (0, 1)])
    row = np.clip(np.searchsorted(track.start_s, time_s, side="right") - 1, 0, len(track) - 1)
    whole = track.select(row)
    degree = 1.0 if whole.pixels_per_degree is None else whole.pixels_per_degree
    xy += random.standard_normal(xy.shape) * noise_degrees * degree
    for start in np.arange(begin_s + 3.1, end_s, 4.3):  # 0.15 s without an eye, every few seconds
        xy[(time_s >= start) & (time_s < start + 0.15)] = np.nan
    return replace(whole, xy_px=xy, start_s=time_s, duration_s=np.full(len(time_s), 1 / rate_hz), kind="samples")
