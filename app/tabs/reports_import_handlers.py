"""What happens when a reader fills a library: a table is shown first, the work is a job that outlives the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.libraries import IMPORTS, check_name
from app.panels import MessageData
from app.panels.report_data import HitsData, JobData
from app.services import Services
from app.tabs.library_screen import greeting, is_done, job_screen, title_of
from egma.errors import EgmaError, LibraryError

NONE = ""
PARTS = {
    "text": "Whole report",
    "findings": "Findings",
    "impression": "Impression",
    "id": "Report's id",
    "view": "View",
    "sex": "Sex",
    "age": "Age",
    "date": "Date",
    "source": "Source",
}
_WORDS = ("text", "findings", "impression")
UNCHANGED: Any = gr.skip()


class LookView(NamedTuple):
    """New values after a look at libraries and jobs, in wiring order."""

    library: Any
    archive: Any
    hits: Any
    job: Any
    polling: Any


class TableView(NamedTuple):
    """New values after a table was uploaded: where it waits, its first rows, and what its columns seem to hold.

    After the first four, one field for each of `PARTS`.
    """

    said: MessageData
    pending: Any
    box: Any
    rows: Any
    text: Any
    findings: Any
    impression: Any
    id: Any
    view: Any
    sex: Any
    age: Any
    date: Any
    source: Any


class StartedView(NamedTuple):
    """New values after a job was begun, or could not be."""

    said: MessageData
    box: Any
    job: Any
    polling: Any


def no_table(sentence: str) -> TableView:
    """A table that cannot be taken."""
    return TableView(MessageData(text=sentence), NONE, gr.update(visible=False), UNCHANGED, *[UNCHANGED] * len(PARTS))


def not_started(sentence: str) -> StartedView:
    """A job that could not be begun: what was chosen stays."""
    return StartedView(MessageData(text=sentence), UNCHANGED, UNCHANGED, UNCHANGED)


def not_seen(sentence: str) -> LookView:
    """Libraries that could not be looked at."""
    failed = HitsData(state="failed", message=sentence)
    return LookView(UNCHANGED, UNCHANGED, failed, UNCHANGED, gr.Timer(active=False))


@dataclass(frozen=True, eq=False)
class ImportHandlers:
    """Decisions of the wizard and of the job that fills a library."""

    services: Services

    @answering(not_seen)
    def arrive(self, library: str, archive: str, checkpoint: str) -> LookView:
        """The tab came up: show what there is; where there is no library, begin to build Open-i."""
        libraries = self.services.libraries
        if not libraries.names() and libraries.building() is None and not libraries.jobs():
            libraries.build_openi(self._checkpoint(checkpoint))
        return self._look(library, archive, arriving=True)

    @answering(not_seen)
    def follow(self, library: str, archive: str) -> LookView:
        """The timer's question: how far is the job?"""
        return self._look(library, archive)

    @answering(not_started)
    def build_openi(self, checkpoint: str) -> StartedView:
        """Build the Open-i library, or bring it up to date."""
        return self._started(self.services.libraries.build_openi(self._checkpoint(checkpoint)))

    @answering(no_table)
    def take_table(self, upload: str | None) -> TableView:
        """Show an uploaded table's first rows and what its columns seem to hold."""
        from egma.index.sources.preview import preview_table

        path = self._upload(upload)
        try:
            found = preview_table(path)
        except EgmaError as error:
            path.unlink(missing_ok=True)
            raise LibraryError(str(error).replace(repr(path.name), "the table")) from None
        choices = [("not there", NONE), *((column[:60], column) for column in found.header if column)]
        parts = [gr.update(choices=choices, value=found.guess.get(part, NONE)) for part in PARTS]
        rows = gr.update(value={"headers": list(found.header), "data": [list(row) for row in found.rows]})
        return TableView(MessageData(), str(path), gr.update(visible=True), rows, *parts)

    @answering(not_started)
    def add_table(self, name: str, pending: str, checkpoint: str, *columns: str) -> StartedView:
        """Begin to add the table's reports with the columns that were confirmed."""
        chosen = {part: column for part, column in zip(PARTS, columns) if column}
        if not any(part in chosen for part in _WORDS):
            raise LibraryError(
                "Choose the column that holds the report's words: the whole report, findings or impression."
            )
        library, path = check_name(name), self._upload(pending)
        options = [word for part, column in chosen.items() for word in ("--column", f"{part}={column}")]
        options += ["--source-name", library]
        job = self.services.libraries.fill(
            library, options, self._checkpoint(checkpoint), f"Adding a table to {library}", path
        )
        return self._started(job)._replace(box=gr.update(visible=False))

    @answering(not_started)
    def add_folder(self, name: str, folder: str, checkpoint: str) -> StartedView:
        """Begin to add a folder of texts or DICOM structured reports."""
        libraries = self.services.libraries
        if folder not in libraries.folders():
            raise LibraryError(f"Choose a folder first: those below {IMPORTS} in your data folder are listed.")
        library = check_name(name)
        source = [str(libraries.root / IMPORTS / folder), "--source-name", folder]
        return self._started(
            libraries.fill(library, source, self._checkpoint(checkpoint), f"Adding {folder} to {library}")
        )

    def list_folders(self) -> Any:
        """The menu opened: which folders are there now?"""
        return gr.update(choices=self.services.libraries.folders())

    @answering(not_started)
    def stop(self, event: gr.EventData) -> StartedView:
        """Ask a job to stop; what it wrote is kept."""
        from egma.jobs import stop

        job = self.services.libraries.job(str(getattr(event, "id", "")))
        stop(job.path)
        return self._started(job)

    @answering(not_started)
    def resume(self, event: gr.EventData) -> StartedView:
        """Let a job go on where it was."""
        from egma.jobs import resume

        return self._started(resume(self.services.libraries.job(str(getattr(event, "id", ""))).path))

    @answering(not_started)
    def dismiss(self, event: gr.EventData) -> StartedView:
        """Forget a job that has ended: the library stays."""
        from egma.jobs import delete_job

        delete_job(self.services.libraries.job(str(getattr(event, "id", ""))).path)
        return StartedView(MessageData(), UNCHANGED, JobData(), gr.Timer(active=False))

    def _look(self, library: str, archive: str, *, arriving: bool = False) -> LookView:
        libraries = self.services.libraries
        names, archives, jobs = libraries.names(), libraries.archives(), libraries.jobs()
        job = jobs[0] if jobs else None
        if job is not None:
            libraries.tidy(job)
        working = job is not None and not job.state().is_over
        done = not arriving and job is not None and is_done(job)
        wanted = str(job.config().get("library")) if done and job is not None else library  # what was just filled
        chosen = wanted if wanted in names else (names[0] if names else NONE)
        shelf = archive if archive in archives else (archives[0] if archives else NONE)
        return LookView(
            library=gr.update(choices=[(title_of(name), name) for name in names], value=chosen),
            archive=gr.update(choices=archives, value=shelf, visible=bool(archives)),
            hits=self._greeting(names, working, polite=chosen == library),
            job=job_screen(None if arriving and not working and is_done(job) else job),
            polling=gr.Timer(active=working),
        )

    def _greeting(self, names: list[str], working: bool, *, polite: bool) -> HitsData:
        """What stands where results will be; results of the library that is chosen are left there."""
        words = greeting(names, working=working, kept=self.services.libraries.is_kept)
        return words.model_copy(update={"polite": polite})

    def _started(self, job: Any) -> StartedView:
        return StartedView(MessageData(), UNCHANGED, job_screen(job), gr.Timer(active=True))

    def _checkpoint(self, name: str) -> Path:
        return self.services.models.entry(name).folder.resolve()

    def _upload(self, upload: str | None) -> Path:
        path = Path(upload or "/").resolve()
        if not path.is_relative_to(self.services.folder.uploads.resolve()) or not path.is_file():
            raise LibraryError("The table is no longer there. Choose it again.")
        return path
