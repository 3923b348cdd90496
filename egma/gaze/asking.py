"""A model's maps where a reader's gaze is to be compared with them: one sentence, or many pooled into expected gaze."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from egma.errors import GazeError
from egma.gaze.expected import ExpectedGaze, expect_gaze
from egma.gaze.versus import measured_shape
from egma.types import Float32

if TYPE_CHECKING:
    from egma.inference.engine import Engine
    from egma.types import Study

MOST_SENTENCES = 64


def ask_map(engine: Engine, study: Study, words: str) -> Float32:
    """Where a model finds a sentence: float32 (h, w), cosine on the reduced film, NaN where it saw nothing.

    A sentence longer than the model reads is asked in pieces, whose mean is given.
    """
    return np.mean(_maps(engine, study, [words]), axis=0).astype(np.float32)


def ask_expected(engine: Engine, study: Study, sentences: Sequence[str] = ()) -> ExpectedGaze:
    """Expected gaze on the reduced film: sentences pooled, or without any the findings by how likely they are."""
    asked = [words for words in sentences if words.strip()][:MOST_SENTENCES]
    if asked:
        return expect_gaze(_maps(engine, study, asked))
    findings = [finding for finding in engine.findings if finding != "No Finding"]
    if not findings:
        raise GazeError("this checkpoint has no findings to pool; give it sentences to look for")
    likely = engine.classify(study)
    maps = _maps(engine, study, [engine.prompts(finding).positive[0] for finding in findings])
    # A prompt of two sentences is asked in pieces: then no map belongs to one finding, and all count alike.
    return expect_gaze(maps, weights=[likely[each] for each in findings] if len(maps) == len(findings) else None)


def _maps(engine: Engine, study: Study, sentences: Sequence[str]) -> list[Float32]:
    from egma.inference.prompts import MAX_PHRASES, split_sentences

    small = measured_shape(study.shape)
    pieces = [piece for words in sentences for piece in split_sentences(words)]
    if not pieces:
        raise GazeError("there are no words to ask the model for")
    maps: list[Float32] = []
    for start in range(0, len(pieces), MAX_PHRASES):
        for answer in engine.ground(study, pieces[start : start + MAX_PHRASES]):
            maps.append(replace(answer.geometry, source_hw=small).map_to_source(answer.grid))  # the film's own, reduced
    return maps
