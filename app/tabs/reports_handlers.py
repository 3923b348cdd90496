"""What happens in the Reports tab when a reader searches, opens a report or a film, drafts, or exports."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from app.alerts import alerting, answering
from app.panels.report_data import DownloadData, DraftData, HitsData, ReportData, StripData
from app.services import Services
from app.tabs import reports_screen as show
from app.tabs import screen
from app.tabs.archive_handlers import films_for_words, films_like
from app.tabs.reports_asked import Asked, grounded, near_film, read_filters, read_number, read_place, read_text
from egma.cells import csv_text
from egma.errors import LibraryError, PromptError

if TYPE_CHECKING:
    from egma.index import Hit, ReportRecord

HITS = 20
"""Cards shown: more are for a script."""
MAX_WORDS_CHARS = 600
_MAX_ID_CHARS = 200
UNCHANGED: Any = gr.skip()


class FoundView(NamedTuple):
    """New values after a search, in wiring order."""

    hits: HitsData
    strip: Any


class OpenedReport(NamedTuple):
    """New values after a report was opened, or one of its sentences asked."""

    report: ReportData
    viewer: Any
    opened: str


class ShownFilm(NamedTuple):
    """New values after the film on screen changed: what was said of the one before goes."""

    report: Any
    viewer: Any
    opened: Any
    draft: Any
    shown: Any


def failed(sentence: str) -> FoundView:
    """A search that could not be made: its sentence, with the command to run where it names one."""
    words, command = show.with_command(sentence)
    return FoundView(HitsData(state="failed", message=words, command=command), UNCHANGED)


def no_report(sentence: str) -> OpenedReport:
    """A report that could not be opened."""
    return OpenedReport(ReportData(hint=sentence), UNCHANGED, "")


@dataclass(frozen=True, eq=False)
class ReportsHandlers:
    """Decisions of the Reports tab. Keeps nothing of a reader: the page sends all that it asks along."""

    services: Services

    @answering(failed)
    def search_words(self, words: str, *asked: Any) -> FoundView:
        """Reports that answer the words, and films that fit them."""
        question = Asked(*asked)
        words = " ".join((words or "").split())
        if not words:
            raise PromptError("There is nothing to search: type words such as left pleural effusion.")
        if len(words) > MAX_WORDS_CHARS:
            raise PromptError(f"The question has {len(words):,} characters, at most {MAX_WORDS_CHARS} can be asked.")
        index, engine = self.services.libraries.open(question.library), self.services.models.engine(question.checkpoint)
        hits = index.search_text(engine, words, HITS, read_filters(question))
        title = f"{counted(hits)} for {words}"
        found = show.hits_screen(hits, self._library(question), title, show.TEXT_MEANING)
        return FoundView(found, films_for_words(self.services, question, words))

    @answering(failed)
    def search_film(self, *asked: Any) -> FoundView:
        """Reports nearest to the film on screen, and films like it."""
        from egma.index.film_settings import load_film_settings

        question = Asked(*asked)
        hits, engine, film = near_film(self.services, question, HITS)
        settings = load_film_settings(engine.checkpoint)
        caveat, meaning = show.film_caveat(settings, engine), show.film_meaning(settings)
        title = f"{counted(hits)} nearest to “{film.title}”"
        found = show.hits_screen(hits, self._library(question), title, meaning, caveat)
        return FoundView(found, films_like(self.services, question, film))

    @answering(failed)
    def search_like(self, event: gr.EventData, *asked: Any) -> FoundView:
        """Reports like the one whose button was pressed."""
        question, name = Asked(*asked), read_text(event, "id")
        index = self.services.libraries.open(question.library)
        vector = index.vectors_of([name]).get(name)
        if vector is None:
            raise LibraryError("That report is no longer in the library, or has no sentence to compare; search again.")
        hits = [hit for hit in index.search(vector, HITS + 1, read_filters(question)) if hit.id != name][:HITS]  # type: ignore[union-attr]
        title = f"{counted(hits)} like {name}"  # type: ignore[arg-type]
        return FoundView(show.hits_screen(hits, self._library(question), title, show.LIKE_MEANING), StripData())  # type: ignore[arg-type]

    @answering(no_report)
    def open_hit(self, library: str, film: str, checkpoint: str, event: gr.EventData) -> OpenedReport:
        """The whole report beside the film on screen, no map on it yet."""
        name = read_text(event, "id")
        record = self._record(library, name)
        opened = self.services.films.find(film)
        viewer = screen.viewer_screen(opened, self.services.models.ready(checkpoint))
        return OpenedReport(
            show.report_screen(name, record, self._name(library), read_text(event, "matched", 1000)), viewer, name
        )

    @answering(no_report)
    def ask_sentence(self, library: str, film: str, checkpoint: str, opened: str, event: gr.EventData) -> OpenedReport:
        """Where the model finds a sentence of the open report on the film."""
        record = self._record(library, opened)
        words = [each.text for each in show.askable(record.text)]
        place = read_place(event, len(words))
        viewer = grounded(self.services, film, checkpoint, words[place])
        return OpenedReport(show.report_screen(opened, record, self._name(library), "", place), viewer, opened)

    @alerting
    def close_report(self, film: str, checkpoint: str) -> OpenedReport:
        """The film alone again."""
        viewer = screen.viewer_screen(self.services.films.find(film), self.services.models.ready(checkpoint))
        return OpenedReport(ReportData(hint=show.NO_REPORT), viewer, "")

    @alerting
    def show_film(self, film: str, checkpoint: str, shown: str) -> ShownFilm:
        """The Study tab's film, when this tab comes up or that film changes; the same one stays as it is."""
        if film == shown:
            return ShownFilm(*[UNCHANGED] * len(ShownFilm._fields))
        viewer = screen.viewer_screen(self.services.films.find(film), self.services.models.ready(checkpoint))
        return ShownFilm(ReportData(hint=show.NO_REPORT), viewer, "", DraftData(message=show.NO_DRAFT), film)

    @alerting
    def change_model(self, film: str, checkpoint: str) -> Any:
        """Another model took over: the film without the old one's map."""
        return screen.viewer_screen(self.services.films.find(film), self.services.models.ready(checkpoint))

    @alerting
    def export(self, library: str, event: gr.EventData) -> DownloadData:
        """The results as a CSV file that no spreadsheet runs."""
        sent = getattr(event, "hits", None)
        rows = [row for row in sent if isinstance(row, dict)][:HITS] if isinstance(sent, list) else []
        records = self.services.libraries.open(library).get([str(row.get("id", ""))[:_MAX_ID_CHARS] for row in rows])
        name = self._name(library)
        lines = [_csv_row(row, records, name) for row in rows if str(row.get("id", "")) in records]
        head = ("id", "score", "sentence", "report", "view", "sex", "age", "date", "source", "citation")
        day = time.strftime("%Y-%m-%d")
        return DownloadData(stamp=secrets.token_hex(8), name=f"egma-reports-{day}.csv", text=csv_text(head, lines))

    def _record(self, library: str, name: str) -> ReportRecord:
        record = self.services.libraries.open(library).get([name]).get(name)
        if record is None:
            raise LibraryError("That report is no longer in the library; search again.")
        return record

    def _library(self, question: Asked) -> str:
        return self._name(question.library)

    def _name(self, library: str) -> str:
        names = self.services.libraries.names()
        return library if library in names else (names[0] if names else "")


def counted(hits: Sequence[Hit]) -> str:
    """ "12 reports"."""
    return "1 report" if len(hits) == 1 else f"{len(hits)} reports"


def _csv_row(row: dict[str, Any], records: dict[str, ReportRecord], library: str) -> tuple[object, ...]:
    name = str(row["id"])
    record = records[name]
    score = read_number(row.get("score"))
    facts = (record.view, record.sex, record.age, record.date, record.source)
    matched = str(row.get("matched", ""))[:1000]
    sentence = matched if matched in record.text else ""
    return (name, score, sentence, record.text, *facts, show.citation(name, record, library))
