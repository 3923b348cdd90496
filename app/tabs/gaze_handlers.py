"""What happens in the Gaze tab when a reader opens something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.films import OpenFilm, load_upload
from app.gaze.example import open_example
from app.gaze.opening import Handed, add_reader, place_reader, read_recordings, take_uploads
from app.gaze.store import OpenGaze, Reader
from app.gaze.tables import PARTS, build_mapping, preview_table
from app.panels import MessageData, NoticesData
from app.services import Services
from app.tabs.gaze_screen import gaze_screen, line_screen, note_sentences
from app.tabs.gaze_sets import choice_menu, film_for
from egma.errors import GazeError
from egma.gaze.formats import ColumnMapping
from egma.gaze.recordings import Recordings
from egma.gaze.track import GazeTrack
from egma.wording import counted

FILM_TITLE = "Your film"


class GazeView(NamedTuple):
    """New values after a film or a recording was opened, in wiring order."""

    film: Any
    gaze: Any
    viewer: Any
    line: Any
    said: MessageData
    notices: Any
    choice: Any
    columns: Any


class TableView(NamedTuple):
    """New values after a table was uploaded whose columns have to be confirmed: where it waits, rows, and a guess."""

    pending: str
    preview: Any
    parts: tuple[Any, ...]


def _refused(sentence: str) -> GazeView:
    """Everything as it is, and one sentence on why."""
    same: Any = gr.skip()
    return GazeView(same, same, same, same, MessageData(text=sentence), same, same, same)


def _unchanged() -> GazeView:
    return _refused("")


def _no_table(sentence: str) -> tuple[Any, ...]:
    same: Any = gr.skip()
    return (*_refused(sentence), *_flat(TableView(same, same, (same,) * (len(PARTS) + 2))))


def _flat(view: TableView) -> tuple[Any, ...]:
    return (view.pending, view.preview, *view.parts)


@dataclass(frozen=True, eq=False)
class GazeHandlers:
    """Opens films and recordings in the Gaze tab. Keeps nothing of a reader: the page sends its ids along."""

    services: Services

    @answering(_refused)
    def show(self, film: str, gaze: str, on_screen: str) -> GazeView:
        """The tab was opened: with nothing open in it, the film of the Study tab is shown."""
        found = self.services.gaze.find(gaze)
        if found.readers or film == on_screen:
            return _unchanged()
        return self._opened(self.services.films.find(on_screen), replace(found, key="", film=on_screen))

    @answering(_refused)
    def use_study_film(self, on_screen: str) -> GazeView:
        """The film of the Study tab, without a recording."""
        return self._opened(self.services.films.find(on_screen), OpenGaze(on_screen))

    @answering(_refused)
    def open_example(self, name: str | None) -> GazeView:
        """A phantom with the simulated recording that ships."""
        if not name:  # the menu's own heading
            return _unchanged()
        gaze = self.services.gaze.add(open_example(self.services.examples, name))
        return self._opened(self.services.films.find(gaze.film), gaze)

    @answering(_no_table)
    def open_files(self, paths: list[str], film: str, gaze: str, beside: bool) -> tuple[Any, ...]:
        """Films and recordings from one upload; a table whose columns must be confirmed is shown first."""
        handed = take_uploads(paths, self.services.folder.uploads)
        try:
            opened = self._open_handed(handed, film, gaze, beside)
        except BaseException:
            handed.discard()
            raise
        return opened

    def _open_handed(self, handed: Handed, film: str, gaze: str, beside: bool) -> tuple[Any, ...]:
        shown = self._film_of(handed, film)
        current = self._current(gaze, shown, beside)
        if handed.table is not None:
            return self._ask_for_columns(handed, shown, current)
        if not handed.bundle.recordings and not handed.bundle.companions:  # a film alone
            handed.discard()
            return (*self._opened(shown, OpenGaze(shown.key)), *_flat(_closed_table()))
        return (*self._read(handed, shown, current, beside), *_flat(_closed_table()))

    @answering(_refused)
    def confirm_columns(self, pending: str, film: str, gaze: str, beside: bool, *parts: str | None) -> GazeView:
        """Open the table that waits, by the columns the reader confirmed."""
        chosen = dict(zip((*PARTS, "frame", "unit"), parts))
        handed = self._waiting(pending)
        shown = self.services.films.find(film)
        return self._read(handed, shown, self._current(gaze, shown, beside), beside, build_mapping(**chosen))

    @answering(_refused)
    def choose_recording(self, name: str | None, film: str, gaze: str, beside: bool) -> GazeView:
        """Open one of the many recordings of a file or a data set."""
        current = self.services.gaze.find(gaze)
        if not name or current.choices is None:
            raise GazeError("choose a recording from the list")
        track = current.choices.find(name)
        shown, current = film_for(self.services, track, self.services.films.find(film), current)
        reader = self._place(track, shown, len(current.readers) + 1)
        same_film = beside and current.film == shown.key
        added = add_reader(replace(current, film=shown.key), reader, beside=same_film)
        return self._opened(shown, self.services.gaze.add(added), choice=gr.skip())

    def _film_of(self, handed: Handed, film: str) -> OpenFilm:
        """The film that came along; else the one on screen."""
        from egma.imaging import load_study

        films = handed.bundle.films
        if len(films) > 1:
            raise GazeError(f"{len(films)} films came at once; a recording is shown on one: choose one film")
        if not films:
            return self.services.films.find(film)
        study = load_upload(films[0], self.services.folder.uploads, load_study)
        return self.services.films.add(study, FILM_TITLE)

    def _current(self, gaze: str, shown: OpenFilm, beside: bool) -> OpenGaze:
        """What is open, as far as it is on this film and further readers are to be added."""
        current = self.services.gaze.find(gaze)
        if beside and current.film == shown.key:
            return current
        return OpenGaze(shown.key)

    def _read(
        self, handed: Handed, shown: OpenFilm, current: OpenGaze, beside: bool, mapping: ColumnMapping | None = None
    ) -> GazeView:
        """Read what was handed over; the files stay only while recordings are still to be chosen from them."""
        found = read_recordings(handed, mapping)
        view = self._placed(shown, current, found, beside)
        if not any(isinstance(each, Recordings) for each in found):
            handed.discard()
        return view

    def _placed(
        self, shown: OpenFilm, current: OpenGaze, found: Sequence[GazeTrack | Recordings], beside: bool
    ) -> GazeView:
        """Recordings on the film; one file with many is offered to choose from."""
        many = next((each for each in found if isinstance(each, Recordings)), None)
        if many is not None:
            if len(found) > 1:
                raise GazeError("a file that holds many recordings came with others; open it alone and choose from it")
            kept = self.services.gaze.add(replace(current, key="", choices=many, film=shown.key))
            return self._opened(shown, kept, choice=choice_menu(many), said=_offer(many))
        gaze = current
        for at, track in enumerate(found):
            if isinstance(track, GazeTrack):
                reader = self._place(track, shown, len(gaze.readers) + 1)
                gaze = add_reader(gaze, reader, beside=beside or at > 0)
        return self._opened(shown, self.services.gaze.add(replace(gaze, film=shown.key)))

    def _place(self, track: GazeTrack, shown: OpenFilm, number: int) -> Reader:
        """A recording on the film, whose own id is known where a data set brought it."""
        return place_reader(track, shown.study.shape, number, self.services.gaze_library.film_id(shown.key))

    def _ask_for_columns(self, handed: Handed, shown: OpenFilm, current: OpenGaze) -> tuple[Any, ...]:
        table = handed.table
        if table is None or len(handed.bundle.tables) > 1:
            raise GazeError("several tables came at once; open them one by one, each with its own columns")
        found = preview_table(table)
        columns = [("none", ""), *((name, name) for name in found.columns)]
        parts = [gr.update(choices=columns, value=found.guess[part]) for part in PARTS]
        more = [gr.update(value=found.guess[part]) for part in ("frame", "unit")]
        rows = {"headers": list(found.columns), "data": [list(row) for row in found.rows]}
        view = TableView(handed.folder.name, gr.update(value=rows), (*parts, *more))
        opened = self._opened(shown, self.services.gaze.add(current), columns=gr.update(visible=True))
        return (*opened, *_flat(view))

    def _waiting(self, pending: str) -> Handed:
        """The uploaded table that waits under a name of ours."""
        from egma.gaze.bundle import sort_files

        folder = self.services.folder.uploads / Path(pending or "none").name
        if not folder.name.startswith("gaze-") or not folder.is_dir():
            raise GazeError("the table is no longer there; open it again")
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if not files:
            raise GazeError("the table was opened already; open the file again to change its columns")
        return Handed(sort_files(files), folder)

    def _opened(
        self, film: OpenFilm, gaze: OpenGaze, *, choice: Any = None, columns: Any = None, said: str = ""
    ) -> GazeView:
        offered = choice_menu(gaze.choices) if gaze.choices is not None else gr.update(visible=False, value=None)
        return GazeView(
            film=film.key,
            gaze=gaze.key,
            viewer=gaze_screen(film, gaze),
            line=line_screen(film, gaze),
            said=MessageData(text=said),
            notices=NoticesData(sentences=[*film.study.warnings, *note_sentences(gaze.readers)]),
            choice=offered if choice is None else choice,
            columns=gr.update(visible=False) if columns is None else columns,
        )


def _offer(recordings: Recordings) -> str:
    left_out = f" {len(recordings.skipped)} were left out." if recordings.skipped else ""
    return f"The file holds {counted(len(recordings), 'recording')}.{left_out} Choose one below."


def _closed_table() -> TableView:
    return TableView("", gr.skip(), (gr.skip(),) * (len(PARTS) + 2))
