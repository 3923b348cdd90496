"""The model and the readers of one film: sentence by sentence, in expected gaze, and in its regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from app.gaze.store import OpenGaze
from egma.errors import EgmaError, GazeError
from egma.gaze.asking import ask_expected, ask_map
from egma.gaze.regions import Region, RegionGaze, film_sixths, measure_regions
from egma.gaze.track import GazeTrack
from egma.gaze.transcript import Sentence, sentence_gaze, split_words
from egma.gaze.versus import Versus, compare_with_reader
from egma.types import Study

if TYPE_CHECKING:
    from egma.inference.engine import Engine

WHOLE = "whole"
WHOLE_LABEL = "The whole recording, against expected gaze"
MOST_ELSEWHERE = 12
"""Recordings of other films read for the shuffled AUC: a few hundred fixations are plenty."""


@dataclass(frozen=True, eq=False)
class Comparer:
    """Compares one model with the readers that are open on one film."""

    engine: Engine
    study: Study
    gaze: OpenGaze

    def compare(self, at: int, key: str | None) -> tuple[str, Versus]:
        """The words compared and the comparison, for a reader and a sentence (its index, or WHOLE).

        Raises:
            GazeError: there is no such sentence, or no gaze belongs to it.
        """
        track = self.gaze.readers[at].fixations
        sentences = split_words(track.words)
        if key == WHOLE:
            words, gaze = WHOLE_LABEL, track
            saliency = ask_expected(self.engine, self.study, [each.text for each in sentences]).density
        else:
            sentence = _sentence(sentences, key)
            words, gaze = sentence.text, sentence_gaze(track, sentence)
            if not len(gaze):
                raise GazeError("no fixation belongs to this sentence, so there is nothing to compare; choose another")
            saliency = ask_map(self.engine, self.study, sentence.text)
        others = [reader.fixations for place, reader in enumerate(self.gaze.readers) if place != at]
        shape = self.study.shape
        return words, compare_with_reader(saliency, gaze, shape=shape, others=others, elsewhere=self.elsewhere)

    def compare_all(self) -> Iterator[tuple[int, str, Versus]]:
        """Every reader, the whole recording and every sentence that has gaze."""
        for at, reader in enumerate(self.gaze.readers):
            for key in [WHOLE, *(str(index) for index in range(len(split_words(reader.fixations.words))))]:
                try:
                    words, found = self.compare(at, key)
                except GazeError:  # a sentence without a fixation on the film has nothing to compare
                    continue
                yield at, words, found

    @cached_property
    def elsewhere(self) -> list[GazeTrack]:
        """A few recordings of other films, where the file or data set holds some."""
        if self.gaze.choices is None:
            return []
        own = {reader.fixations.ids.get("dicom_id") or reader.name for reader in self.gaze.readers}
        tracks: list[GazeTrack] = []
        step = max(1, len(self.gaze.choices) // (2 * MOST_ELSEWHERE))
        for entry in self.gaze.choices.entries[::step]:
            if entry.name in own or entry.ids.get("dicom_id") in own:
                continue
            try:
                tracks.append(entry.load())
            except EgmaError:  # a broken recording of another film is no reason not to compare this one
                continue
            if len(tracks) == MOST_ELSEWHERE:
                break
        return tracks


def all_regions(gaze: OpenGaze) -> list[Region]:
    """Regions of the film and of every recording, those of one name and place once."""
    found: list[Region] = []
    for region in (*gaze.regions, *(region for reader in gaze.readers for region in reader.fixations.regions)):
        if region not in found:
            found.append(region)
    return found


def measured_regions(gaze: OpenGaze, at: int, shape: tuple[int, int]) -> list[RegionGaze]:
    """What a reader did in the film's and their own regions; in sixths of the film where none is known."""
    reader = gaze.readers[at]
    regions = all_regions(replace(gaze, readers=(reader,))) or film_sixths(shape)
    return measure_regions(reader.fixations, regions, shape)


def _sentence(sentences: Sequence[Sentence], key: str | None) -> Sentence:
    if not key or not (key.isascii() and key.isdigit()) or int(key[:6]) >= len(sentences):
        raise GazeError("choose a sentence from the list")
    return sentences[int(key)]
