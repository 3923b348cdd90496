"""Sentences from dictated words, and the gaze that belongs to each.

A sentence's gaze is what begins between the end of the sentence before and the end of this one: readers look first and
speak after. A sentence without a fixation has no gaze; it never inherits the whole recording's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.gaze.patch_density import patch_density
from egma.types import Float32

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack, Word

SENTENCE_ENDS = (".", "?", "!")
_NO_SPACE_BEFORE = (".", ",", "?", "!", ";", ":", "%", ")")
_ABBREVIATIONS = frozenset(("dr.", "mr.", "mrs.", "ms.", "vs.", "e.g.", "i.e.", "approx.", "no."))


@dataclass(frozen=True)
class Sentence:
    """One dictated sentence.

    Attributes:
        text: its words, joined, the first letter a capital.
        start_s, end_s: when it was spoken.
        gaze_from_s: the end of the sentence before it (-inf for the first): its gaze begins here and ends at `end_s`.
        words: (first, past the last) index into the track's words.
    """

    text: str
    start_s: float
    end_s: float
    gaze_from_s: float
    words: tuple[int, int]


def split_words(words: tuple[Word, ...]) -> list[Sentence]:
    """Group dictated words into sentences; a token that ends with ".", "?" or "!" ends one. Lone marks are no words."""
    sentences: list[Sentence] = []
    first, gaze_from_s = 0, -math.inf
    for index, word in enumerate(words):
        last = index == len(words) - 1
        if not last and (not word.text.endswith(SENTENCE_ENDS) or word.text.lower() in _ABBREVIATIONS):
            continue
        group = words[first : index + 1]
        if any(character.isalnum() for token in group for character in token.text):
            end_s = max(token.end_s for token in group)
            sentences.append(Sentence(_join(group), group[0].start_s, end_s, gaze_from_s, (first, index + 1)))
            gaze_from_s = end_s
        first = index + 1
    return sentences


def _join(words: tuple[Word, ...]) -> str:
    text = ""
    for word in words:
        token = word.text.strip()
        if token:
            text += token if not text or token[0] in _NO_SPACE_BEFORE else f" {token}"
    return text[:1].upper() + text[1:]


def sentence_gaze(track: GazeTrack, sentence: Sentence) -> GazeTrack:
    """The fixations (or samples) that belong to a sentence; possibly none."""
    return track.between(sentence.gaze_from_s, sentence.end_s)


@dataclass(frozen=True, eq=False)
class SentenceMaps:
    """The gaze of every sentence of one recording, on a model's patch grid: what training uses.

    Attributes:
        sentences: as dictated.
        heat: float32 (M, gh, gw) in [0, 1], each sentence's gaze over its own peak; all zero without gaze.
        has_gaze: bool (M,), whether the sentence has any fixation on the film.
    """

    sentences: tuple[Sentence, ...]
    heat: Float32
    has_gaze: NDArray[np.bool_]


def build_sentence_maps(
    track: GazeTrack,
    shape: tuple[int, int],
    grid_hw: tuple[int, int],
    box_px: tuple[float, float, float, float] | None = None,
) -> SentenceMaps:
    """Each sentence's density on a patch grid.

    Args:
        track: a recording with words.
        shape: (H, W) of the film.
        grid_hw: rows and columns of the patch grid.
        box_px: x0, y0, x1, y1 of the whole grid in image pixels (`Geometry.grid_box_px()`); None: the film itself.
    """
    track = track.in_frame(shape)
    sentences = split_words(track.words)
    heat = np.zeros((len(sentences), *grid_hw), np.float32)
    has_gaze = np.zeros(len(sentences), np.bool_)
    for row, sentence in enumerate(sentences):
        reduced = patch_density(sentence_gaze(track, sentence), shape, grid_hw, box_px)
        peak = float(reduced.max())
        if peak > 0:
            heat[row] = reduced / np.float32(peak)
            has_gaze[row] = True
    return SentenceMaps(tuple(sentences), heat, has_gaze)
