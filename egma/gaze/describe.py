"""A recording in numbers: its fixations, how long it lasts, where its reader looked. For the page and the commands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from egma.errors import GazeError
from egma.gaze.frame import Frame, check_looks, guess_frame
from egma.gaze.grid import thumbnail
from egma.gaze.track import GazeTrack
from egma.gaze.transcript import sentence_gaze, split_words
from egma.types import Float32

DENSITY_SIDE = 64
_DIGITS = 8


@dataclass(frozen=True, eq=False)
class Description:
    """What a recording holds.

    Attributes:
        fixations: the recording as fixations, in pixels of `frame`.
        frame: the film's size, or what was supposed of it.
        samples: raw samples that the fixations were detected in; 0 where the recording holds fixations.
        duration_s: from the first fixation or sample to the end of the last.
        density: float32 (H, W), sums to 1.
    """

    fixations: GazeTrack
    frame: Frame
    samples: int
    duration_s: float
    density: Float32

    def as_json(self) -> dict[str, Any]:
        """The answer of `/gaze`, and part of `python -m egma gaze --json`: the density in at most 64 x 64 cells."""
        return {
            "fixations": len(self.fixations),
            "duration_s": self.duration_s,
            "density": small_density(self.density),
        }


def describe_recording(track: GazeTrack, shape: tuple[int, int] | None = None) -> Description:
    """Describe a recording on a film of `shape` (H, W), or on the film that the recording itself speaks of.

    Raises:
        GazeError: the recording says that its film has another size, no look falls on it, or no fixation is found.
    """
    frame = guess_frame(track) if shape is None else Frame(shape)
    fixations = find_fixations(track).in_frame(frame.shape)
    check_looks(fixations, frame.shape)
    return Description(
        fixations=fixations,
        frame=frame,
        samples=len(track) if track.kind == "samples" else 0,
        duration_s=recording_length_s(track),
        density=fixations.density(frame.shape),
    )


def find_fixations(track: GazeTrack) -> GazeTrack:
    """The recording as fixations, at least one.

    Raises:
        GazeError: its samples never rest.
    """
    fixations = track.fixations()
    if not len(fixations):
        raise GazeError("no fixation is found in the recording: its samples never rest; is the time's unit right?")
    return fixations


def small_density(density: Float32) -> list[list[float]]:
    """A density (H, W) in at most 64 x 64 cells that keep its sum, rows from the top."""
    return thumbnail(density, DENSITY_SIDE).round(_DIGITS).tolist()


def recording_length_s(track: GazeTrack) -> float:
    """Seconds from the first fixation or sample to the end of the last."""
    length = float(track.end_s[-1] - track.start_s[0]) if len(track) else 0.0
    return round(length, 6) if math.isfinite(length) else 0.0


def sentence_rows(track: GazeTrack) -> list[dict[str, Any]]:
    """Each sentence's text, times, words and how many fixations belong to it."""
    begin_s = track.span_s[0]
    return [
        {
            "text": sentence.text,
            "start_s": round(sentence.start_s, 3),
            "end_s": round(sentence.end_s, 3),
            "from_s": round(max(sentence.gaze_from_s, begin_s), 3),
            "first": sentence.words[0],
            "last": sentence.words[1],
            "fixations": len(sentence_gaze(track, sentence)),
        }
        for sentence in split_words(track.words)
    ]
