"""What the Gaze tab answers about recordings that are open: model against reader, expected gaze, regions, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.gaze.comparing import WHOLE, WHOLE_LABEL, Comparer, measured_regions
from app.gaze.exports import write_export
from app.gaze.store import OpenGaze
from app.panels import MessageData, RowsData, VersusData
from app.services import Services
from app.tabs.gaze_results import expected_rows, regions_screen, versus_screen
from app.tabs.gaze_screen import gaze_screen, predicted_screen
from egma.errors import GazeError
from egma.gaze.asking import ask_expected
from egma.gaze.transcript import split_words
from egma.gaze.versus import compare_with_reader

if TYPE_CHECKING:
    from egma.inference.engine import Engine

UNCHANGED: Any = gr.skip()


class VersusView(NamedTuple):
    """New values of "Model versus reader"."""

    versus: Any
    sentence: Any
    said: MessageData = MessageData()


class ExpectedView(NamedTuple):
    """New values of "Expected gaze"."""

    viewer: Any
    agreement: Any
    said: MessageData = MessageData()


class MenusView(NamedTuple):
    """What follows when another recording is open: the menus, the region table, and what was answered before."""

    reader: Any
    sentence: Any
    regions: RowsData
    versus: VersusData
    agreement: RowsData
    files: Any


class FilesView(NamedTuple):
    """The files of an export."""

    files: Any
    said: MessageData = MessageData()


def _no_versus(sentence: str) -> VersusView:
    return VersusView(VersusData(), UNCHANGED, MessageData(text=sentence))


def _no_expected(sentence: str) -> ExpectedView:
    return ExpectedView(UNCHANGED, UNCHANGED, MessageData(text=sentence))


def _no_files(sentence: str) -> FilesView:
    return FilesView(UNCHANGED, MessageData(text=sentence))


def _no_menus(sentence: str) -> MenusView:
    empty = gr.update(choices=[], value=None)
    return MenusView(empty, empty, RowsData(notes=[sentence]), VersusData(), RowsData(), None)


@dataclass(frozen=True, eq=False)
class GazeAnswers:
    """Answers about what is open. Keeps nothing of a reader: the page sends its ids along."""

    services: Services

    @answering(_no_menus)
    def follow(self, film: str, gaze: str) -> MenusView:
        """Another recording, or none, is open: offer its readers and sentences, and measure its regions."""
        found = self.services.gaze.find(gaze)
        names = [(reader.name, str(at)) for at, reader in enumerate(found.readers)]
        menu = gr.update(choices=names, value="0" if names else None, interactive=len(names) > 1)
        return self._menus(film, found, 0)._replace(reader=menu, files=None)

    @answering(_no_menus)
    def choose_reader(self, film: str, gaze: str, reader: str) -> MenusView:
        """The tables of another reader."""
        found = self.services.gaze.find(gaze)
        return self._menus(film, found, _index(reader, len(found.readers)))

    @answering(_no_versus)
    def compare(self, film: str, gaze: str, reader: str, sentence: str, checkpoint: str) -> VersusView:
        """The model's map of a sentence against the reader's gaze for it."""
        comparer = self._comparer(film, gaze, checkpoint)
        at = _index(reader, len(comparer.gaze.readers))
        words, found = comparer.compare(at, sentence)
        return VersusView(versus_screen(found, comparer.gaze.readers[at], words, _label(comparer.engine)), UNCHANGED)

    @answering(_no_versus)
    def compare_clicked(self, film: str, gaze: str, checkpoint: str, event: gr.EventData) -> VersusView:
        """The sentence that was clicked in the dictation."""
        key, index = str(getattr(event, "reader", "")), str(getattr(event, "index", ""))
        view = self.compare(film, gaze, key.rpartition("-")[2], index, checkpoint)
        return view._replace(sentence=gr.update(value=index))

    @answering(_no_expected)
    def expect(self, film: str, gaze: str, checkpoint: str) -> ExpectedView:
        """Where the model would expect a reader to look: predicted, with its agreement where a recording is open."""
        opened, found = self.services.films.find(film), self.services.gaze.find(gaze)
        engine = self.services.models.engine(checkpoint)
        expected = ask_expected(engine, opened.study)
        shape = opened.study.shape
        rows = [
            (reader, compare_with_reader(expected.density, reader.fixations, shape=shape)) for reader in found.readers
        ]
        current = found if found.readers else replace(found, film=opened.key)
        viewer = gaze_screen(opened, current, predicted_screen(expected))
        return ExpectedView(viewer, expected_rows(rows, _label(engine)))

    @answering(_no_files)
    def export(self, kinds: Sequence[str] | None, raw: bool, film: str, gaze: str, checkpoint: str) -> FilesView:
        """The chosen files; the recording itself only where its box is ticked."""
        comparer = self._comparer(film, gaze, checkpoint)
        return FilesView(write_export(comparer, kinds or (), self.services.folder.uploads, raw=bool(raw)))

    def _comparer(self, film: str, gaze: str, checkpoint: str) -> Comparer:
        found = self.services.gaze.find(gaze)
        if not found.readers:
            raise GazeError("no recording is open on this film; open one, or an example, first")
        opened = self.services.films.find(found.film or film)
        return Comparer(self.services.models.engine(checkpoint), opened.study, found)

    def _menus(self, film: str, found: OpenGaze, at: int) -> MenusView:
        regions, sentences = RowsData(), gr.update(choices=[], value=None)
        if found.readers:
            reader = found.readers[at]
            shape = self.services.films.find(found.film or film).study.shape
            regions = regions_screen(measured_regions(found, at, shape), reader)
            texts = [(each.text[:120], str(index)) for index, each in enumerate(split_words(reader.fixations.words))]
            sentences = gr.update(choices=[(WHOLE_LABEL, WHOLE), *texts], value=WHOLE)
        return MenusView(UNCHANGED, sentences, regions, VersusData(), RowsData(), UNCHANGED)


def _index(text: str | None, count: int) -> int:
    """A place in a list that a browser sent; the first where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and int(text[:6]) < count else 0


def _label(engine: Engine) -> str:
    return f"{engine.checkpoint.name} {engine.checkpoint.hash[:8]}"
