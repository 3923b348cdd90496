"""What the panels of the Reports tab show, as typed data that travels to the browser."""

from __future__ import annotations

from typing import Literal

from gradio.data_classes import GradioModel
from pydantic import Field


class HitData(GradioModel):
    """One report that was found.

    Attributes:
        id: the report's id.
        before, matched, after: the words around the sentence that matched; `matched` is marked.
        facts: source, view, sex, age, date; what is known of them.
        findings: what the report names as present.
        score: for a table.
        score_words: the score and what it means for this report.
        warning: said in front of the words; "" for none.
        citation: what a copy ends with.
    """

    id: str
    before: str = ""
    matched: str = ""
    after: str = ""
    facts: list[str] = Field(default_factory=list)
    findings: list[str] = Field(default_factory=list)
    score: float = 0.0
    score_words: str = ""
    warning: str = ""
    citation: str = ""


class HitsData(GradioModel):
    """Reports that were found, or a sentence on why there are none.

    Attributes:
        title: what was asked and how many were found.
        meaning: what the score means, and what it does not.
        caveat: the measured figure behind a search by film.
        command: what to run, shown to be copied.
        polite: give way to results that are on screen already.
    """

    state: Literal["empty", "ready", "none", "failed", "waiting"] = "empty"
    message: str = ""
    command: str = ""
    title: str = ""
    meaning: str = ""
    caveat: str = ""
    polite: bool = False
    hits: list[HitData] = Field(default_factory=list)


class ReportSectionData(GradioModel):
    """A section of an open report.

    Attributes:
        name: its heading.
        sentences: its words; `first` is the number of the first of them among those that can be asked, -1 where the
            section does not say what a film shows.
    """

    name: str
    sentences: list[str]
    first: int = -1


class ReportData(GradioModel):
    """A report beside the film; an empty id shows the hint alone."""

    id: str = ""
    facts: list[str] = Field(default_factory=list)
    sections: list[ReportSectionData] = Field(default_factory=list)
    current: int = -1
    matched: int = -1
    text: str = ""
    citation: str = ""
    hint: str = ""


class ThumbData(GradioModel):
    """A film of the archive; `picture` is a JPEG as a data address, "" where it is missing."""

    id: str
    title: str
    score: float
    picture: str = ""
    same: bool = False


class StripData(GradioModel):
    """Films of the archive like the one on screen, or like the words."""

    title: str = ""
    message: str = ""
    command: str = ""
    films: list[ThumbData] = Field(default_factory=list)


class DraftSourceData(GradioModel):
    """A report behind a sentence of a draft, and its own words."""

    id: str
    words: str


class DraftSentenceData(GradioModel):
    """A sentence of a draft; `notes` say what to mind, `contradicts` numbers those that say otherwise."""

    words: str
    sources: list[DraftSourceData]
    findings: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    contradicts: list[int] = Field(default_factory=list)


class DraftData(GradioModel):
    """A draft; `stamp` tells a new one from the one a reader has begun to accept."""

    stamp: str = ""
    message: str = ""
    sentences: list[DraftSentenceData] = Field(default_factory=list)
    conflicts: list[str] = Field(default_factory=list)
    summary: str = ""
    caveat: str = ""
    current: int = -1


class JobData(GradioModel):
    """A job that fills a library; an empty id hides the panel."""

    id: str = ""
    title: str = ""
    state: str = ""
    text: str = ""
    done: int = 0
    total: int = 0
    can_stop: bool = False
    can_resume: bool = False


class DownloadData(GradioModel):
    """A text that the browser saves as a file once for every new stamp. Nothing of it touches the server's disk."""

    stamp: str = ""
    name: str = ""
    text: str = ""
