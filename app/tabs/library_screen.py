"""What the Reports tab shows of libraries and of the jobs that fill them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.libraries import OPEN_I
from app.panels.report_data import HitsData, JobData
from app.tabs.reports_screen import WELCOME
from app.views.wording import as_sentence

if TYPE_CHECKING:
    from egma.jobs import JobFolder

BUILD_COMMAND = "python -m egma index build --open-i --out LIBRARY"


def title_of(library: str) -> str:
    """How the menu calls a library."""
    return "Open-i reports" if library == OPEN_I else library


def greeting(names: list[str], *, working: bool, kept: bool) -> HitsData:
    """What stands where results will be: how to search, or where the library has got to."""
    if working:
        brief = "" if kept else " It is kept only while this page runs."
        sentence = (
            "The library is being built on this machine, nothing is downloaded. You may search what is there already, "
            f"and leave the page meanwhile.{brief}"
        )
        return HitsData(state="waiting", message=sentence)
    if names:
        return HitsData(state="empty", message=WELCOME)
    sentence = "There is no report library yet. Build the Open-i library under “Add reports”, or add your own."
    return HitsData(state="empty", message=sentence, command=BUILD_COMMAND)


def job_screen(job: JobFolder | None) -> JobData:
    """A job's progress; nothing where there is none."""
    if job is None:
        return JobData()
    state = job.state()
    counted = f"{state.done:,} of {state.total:,}" if state.total and not state.is_over else ""
    words = {"queued": "Waiting for its turn.", "finished": finished_words(job)}.get(state.name, state.text)
    text = " · ".join(part for part in (counted, as_sentence(words) if words else "") if part)
    return JobData(
        id=job.id,
        title=job.title,
        state=state.name,
        text=text or "Starting…",
        done=state.done,
        total=state.total,
        can_stop=state.name in ("queued", "running"),
        can_resume=state.may_resume,
    )


def is_done(job: JobFolder | None) -> bool:
    """Whether a job finished: nothing more need be said of it."""
    return job is not None and job.state().name == "finished"


def finished_words(job: JobFolder) -> str:
    """What a finished build did."""
    result = job.result() or {}
    added, broken, twins = (int(result.get(name) or 0) for name in ("added", "broken", "duplicates"))
    words = f"Done: {added:,} reports added"
    if twins:
        words += f", {twins:,} duplicates left out"
    if broken:
        words += f", {broken:,} broken rows listed in {result.get('broken_file', 'the library')}"
    return words + "."
