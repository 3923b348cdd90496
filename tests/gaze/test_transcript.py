"""Sentences and the gaze that belongs to each; a sentence without fixations has none."""

from __future__ import annotations

import numpy as np
import pytest

from egma.gaze.track import GazeTrack, Word
from egma.gaze.transcript import build_sentence_maps, sentence_gaze, split_words

WORDS = tuple(
    Word(text, start, start + 0.4)
    for text, start in [
        ("no", 1.0), ("effusion", 1.5), (",", 1.9), ("none", 2.0), (".", 2.4), ("heart", 4.0), ("normal.", 4.5),
        (".", 5.0), ("clear", 7.0), ("lungs", 7.5),
    ]
)  # fmt: skip
TRACK = GazeTrack(
    xy_px=np.array([[10.0, 10], [20, 20], [30, 30], [80, 60], [-5, 2]]),
    start_s=np.array([-2.0, 1.2, 2.79, 2.85, 7.2]),
    duration_s=np.full(5, 0.2),
    words=WORDS,
)


def test_words_become_sentences() -> None:
    found = split_words(WORDS)
    assert [sentence.text for sentence in found] == ["No effusion, none.", "Heart normal.", "Clear lungs"]
    assert found[0].gaze_from_s == -np.inf and found[1].gaze_from_s == pytest.approx(found[0].end_s)
    assert [sentence.words for sentence in found] == [(0, 5), (5, 7), (8, 10)]


def test_a_sentence_has_the_gaze_since_the_sentence_before_ended() -> None:
    first, second, _ = split_words(WORDS)
    assert sentence_gaze(TRACK, first).start_s.tolist() == [-2.0, 1.2, 2.79]
    assert sentence_gaze(TRACK, second).start_s.tolist() == [2.85]


def test_a_sentence_without_fixations_on_the_film_has_no_gaze() -> None:
    maps = build_sentence_maps(TRACK, (80, 100), (4, 5))
    assert maps.has_gaze.tolist() == [True, True, False]
    assert maps.heat.shape == (3, 4, 5) and maps.heat.dtype == np.float32
    assert maps.heat.max(axis=(1, 2)).tolist() == [1, 1, 0]
    assert np.unravel_index(maps.heat[1].argmax(), (4, 5)) == (
        3,
        4,
    )  # (80, 60): the far corner of a grid of 20 px patches


def test_a_padded_model_input_moves_the_heat_to_the_right_patch() -> None:
    """A film of 80 x 100 padded to a square of 100: 10 px above and below."""
    maps = build_sentence_maps(TRACK, (80, 100), (5, 5), box_px=(0, -10, 100, 90))
    assert np.unravel_index(maps.heat[1].argmax(), (5, 5)) == (3, 4)


def test_nothing_said_is_no_sentence() -> None:
    assert split_words(()) == []
    assert split_words((Word(".", 0, 1),)) == []
    assert build_sentence_maps(GazeTrack(np.empty((0, 2)), np.empty(0), np.empty(0)), (8, 8), (2, 2)).heat.shape == (
        0,
        2,
        2,
    )
