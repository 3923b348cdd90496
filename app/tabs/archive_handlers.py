"""Films of the reader's archive beside the results: like the one on screen, or like the words; opened by a click."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from app.alerts import alerting
from app.films import OpenFilm
from app.panels.report_data import StripData
from app.services import Services
from app.tabs import reports_screen as show
from app.tabs.reports_asked import Asked, read_text
from app.tabs.study_handlers import FilmRequest
from app.views.wording import as_sentence
from egma.errors import EgmaError
from egma.inference.prompts import MAX_PHRASE_CHARS

if TYPE_CHECKING:
    from egma.archive import FilmArchive, FilmHit
    from egma.inference.engine import Engine

STRIP_FILMS = 12


@dataclass(frozen=True, eq=False)
class ArchiveHandlers:
    """Decisions of the strip."""

    services: Services

    @alerting
    def open_archived(self, archive: str, event: gr.EventData) -> FilmRequest:
        """A film of the archive, opened in the Study tab."""
        from egma.imaging import load_study

        path = self.services.libraries.open_archive(archive).original(read_text(event, "id"))
        film = self.services.films.add(load_study(path), "Film of your archive")
        return FilmRequest(film.key)


def films_for_words(services: Services, question: Asked, words: str) -> StripData:
    """Films that fit the words; an archive that cannot answer says so and leaves the reports as they are."""
    if not question.archive:
        return StripData()
    return _strip(
        services,
        question,
        "Films of your archive that fit the words",
        lambda archive, engine: archive.search_words(engine, words[:MAX_PHRASE_CHARS], STRIP_FILMS),
    )


def films_like(services: Services, question: Asked, film: OpenFilm) -> StripData:
    """Films like the one on screen; where there is no archive, how to make one."""
    if question.archive:
        return _strip(
            services,
            question,
            "Films of your archive like this one",
            lambda archive, engine: archive.search_film(engine, film.study, STRIP_FILMS),
        )
    libraries = services.libraries
    if not libraries.is_kept:  # nothing of a reader's is kept here: there is nowhere to put an archive
        return StripData()
    return show.no_archive_screen(shlex.quote(str(libraries.root / "archives" / "films")))


def _strip(
    services: Services, question: Asked, title: str, ask: Callable[[FilmArchive, Engine], list[FilmHit]]
) -> StripData:
    try:
        engine = services.models.engine(question.checkpoint)
        return show.strip_screen(ask(services.libraries.open_archive(question.archive), engine), title)
    except EgmaError as error:
        sentence, command = show.with_command(str(error))
        return StripData(title=title, message=as_sentence(sentence), command=command)
