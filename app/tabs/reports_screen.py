"""What the Reports tab shows of hits, open reports and films of an archive."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.libraries import OPEN_I
from app.panels.report_data import (
    HitData,
    HitsData,
    ReportData,
    ReportSectionData,
    StripData,
    ThumbData,
)
from app.views.findings import friendly_name
from egma import __version__
from egma.data.labels import NORMAL
from egma.index.sections import Sentence, split_report, split_sections

if TYPE_CHECKING:
    from egma.archive import FilmHit
    from egma.index import Hit, ReportRecord
    from egma.index.film_settings import FilmSearchSettings
    from egma.inference.engine import Engine

WELCOME = "Search in words, in “quotes” for exact ones, or use the film on screen to find reports of films like it."
NO_REPORT = "Open a result to read the whole report beside the film on screen, sentence by sentence."
ANOTHER_PATIENT = (
    "A report of another patient's film. Click a sentence to see where the model finds it on the film on screen."
)
TEXT_MEANING = (
    "The score says how near the top a report came in two rankings joined, by meaning and by words: 1 is first in "
    "both. It orders reports; it is not a probability."
)
NO_DRAFT = (
    "A draft is put together from sentences of the ten reports nearest to the film on screen; you accept each yourself."
)
STRIP_MEANING = "Ordered by cosine, nearest first; it is not a probability. Click one to open it in the Study tab."
LIKE_MEANING = (
    "The score is the cosine of the two reports' vectors: 1 is the same wording in the same order of findings."
)
_CONTEXT_SENTENCES = 1
_FALLBACK_CHARS = 320
_OPEN_I_CITATION = (
    "Open-i, Indiana University chest X-ray collection (Demner-Fushman et al., J Am Med Inform Assoc 2016;23:304-310), "
    "CC BY-NC-ND 4.0"
)
_HEADINGS = {"findings": "Findings", "impression": "Impression", "indication": "Indication", "comparison": "Comparison"}
_CONTRADICTS = "contradicts"


def hits_screen(hits: Sequence[Hit], library: str, title: str, meaning: str, caveat: str = "") -> HitsData:
    """Cards of what was found; a sentence where nothing was."""
    if not hits:
        sentence = "No report fits. Use other words, or loosen the filters: words and filters are still here."
        return HitsData(state="none", message=sentence)
    cards = [hit_screen(hit, library) for hit in hits]
    return HitsData(state="ready", title=title, meaning=meaning, caveat=caveat, hits=cards)


def hit_screen(hit: Hit, library: str) -> HitData:
    """One card: the sentence that matched between its neighbours, facts, findings, and the score in words."""
    before, matched, after = _around(hit)
    says_opposite = hit.stance == _CONTRADICTS
    return HitData(
        id=hit.id,
        before=before,
        matched=matched,
        after=after,
        facts=record_facts(hit.record, library),
        findings=finding_chips(hit.findings),
        score=round(hit.score, 6),
        score_words=score_words(hit),
        warning="This report says the opposite of a finding that you named." if says_opposite else "",
        citation=citation(hit.id, hit.record, library),
    )


def score_words(hit: Hit) -> str:
    """A score with the places behind it: "Score 0.98: 1st by meaning, 3rd by words; cosine 0.71"."""
    by_meaning, by_words = hit.place
    places = [f"{ordinal(place)} by {name}" for place, name in ((by_meaning, "meaning"), (by_words, "words")) if place]
    if not places:
        return f"Score {hit.score:.3f}"
    cosine = f"; cosine of the marked sentence {hit.cosine:.2f}" if hit.cosine is not None else ""
    return f"Score {hit.score:.2f}: {', '.join(places)}{cosine}"


def ordinal(place: int) -> str:
    """1 -> "1st"."""
    ending = "th" if 10 <= place % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def record_facts(record: ReportRecord, library: str) -> list[str]:
    """What is known of a report, in a few words each."""
    age = f"{record.age:g} y" if record.age is not None else ""
    sex = {"M": "male", "F": "female", "O": "other"}.get(record.sex, "")
    return [fact for fact in (record.source or library, record.view, sex, age, record.date) if fact]


def finding_chips(findings: Sequence[str]) -> list[str]:
    """Friendly names of the findings a report names; "No finding" only where it is alone."""
    others = [finding for finding in findings if finding != NORMAL]
    return [friendly_name(finding) for finding in others or findings]


def citation(report: str, record: ReportRecord, library: str) -> str:
    """Where a report comes from, for whoever quotes it."""
    if library == OPEN_I or record.source == "Open-i":
        return f"Report {report}, {_OPEN_I_CITATION}. Found with EGMA Workbench {__version__}; research use only."
    source = f", {record.source}" if record.source and record.source != library else ""
    day = f", {record.date}" if record.date else ""
    return (
        f"Report {report}, library {library}{source}{day}. Found with EGMA Workbench {__version__}; research use only."
    )


def report_screen(report: str, record: ReportRecord, library: str, matched: str = "", current: int = -1) -> ReportData:
    """A whole report by sections; sentences that say what a film shows are numbered through."""
    asked = askable(record.text)
    sections: list[ReportSectionData] = []
    number = 0
    for section in split_sections(record.text):
        own: list[str] = []
        while number + len(own) < len(asked) and asked[number + len(own)].section == section.name:
            if asked[number + len(own)].text not in section.text and own:
                break
            own.append(asked[number + len(own)].text)
        is_asked = bool(own) and (section.is_seen or not any(each.is_seen for each in split_sections(record.text)))
        name = _HEADINGS.get(section.name, section.name.capitalize())
        sections.append(
            ReportSectionData(
                name=name, sentences=own if is_asked else [section.text], first=number if is_asked else -1
            )
        )
        number += len(own) if is_asked else 0
    words = [each.text for each in asked]
    return ReportData(
        id=report,
        facts=record_facts(record, library),
        sections=sections,
        current=current,
        matched=words.index(matched) if matched in words else -1,
        text=record.text,
        citation=citation(report, record, library),
        hint=ANOTHER_PATIENT,
    )


def askable(text: str) -> tuple[Sentence, ...]:
    """The sentences of a report that can be asked of a film, in order."""
    return split_report(text)


def film_meaning(settings: FilmSearchSettings) -> str:
    """What the score of a search by film is, and what it is not."""
    asked = "this film" if settings.film_mean is None else "what sets this film apart from the average film"
    fit = f" plus {settings.patch_weight:g} times how well its sentences fit patches" if settings.patch_weight else ""
    return (
        f"The score is the cosine of the report with {asked}{fit}. It orders reports; it is not a probability, and "
        "small differences mean nothing."
    )


def film_caveat(settings: FilmSearchSettings, engine: Engine) -> str:
    """How far search by film can be trusted, as measured; or that it was not."""
    found = settings.measured
    if found is None or 10 not in found.p_at:
        return (
            f"How often search by film is right was not measured for {engine.checkpoint.name}: "
            "python -m egma evaluate film_search --data FOLDER measures it."
        )
    value, low, high = found.p_at[10]
    return (
        f"Read before you trust this: on {found.films} held-out films, {value:.0%} of the first ten of "
        f"{found.reports:,} Open-i reports named a finding of the film (95 % interval {low:.0%} to {high:.0%}; "
        f"{found.chance:.0%} by chance). The rest did not."
    )


def with_command(sentence: str) -> tuple[str, str]:
    """An error's sentence and the command it names at its end, apart: the command is shown to be copied."""
    words, mark, command = sentence.partition("python -m egma")
    if not mark:
        return sentence, ""
    return words.rstrip(" :;") + ".", f"python -m egma{command}".rstrip(".")


def no_archive_screen(store: str) -> StripData:
    """How to make an archive of films; `store` is where this page looks for one."""
    return StripData(
        message="Similar films are shown here once you have an archive of films. Make one from a folder of yours:",
        command=f"python -m egma embed FOLDER --out {store}",
    )


def strip_screen(films: Sequence[FilmHit], title: str) -> StripData:
    """Thumbnails of films of the archive."""
    thumbs = [
        ThumbData(
            id=film.id,
            title=film.file.rpartition("/")[2],
            score=round(film.score, 4),
            picture=_as_address(film),
            same=film.is_same,
        )
        for film in films
    ]
    return StripData(title=title, films=thumbs, message=STRIP_MEANING if thumbs else "The archive holds no film yet.")


def _around(hit: Hit) -> tuple[str, str, str]:
    """The words before, in and after the sentence that matched."""
    words = [each.text for each in askable(hit.text)]
    if hit.sentence not in words:
        return hit.sentence or hit.text[:_FALLBACK_CHARS], "", ""
    place = words.index(hit.sentence)
    before = words[max(place - _CONTEXT_SENTENCES, 0) : place]
    after = words[place + 1 : place + 1 + _CONTEXT_SENTENCES]
    return " ".join(before), hit.sentence, " ".join(after)


def _as_address(film: FilmHit) -> str:
    """A thumbnail as a data address: no file of the archive is served to anybody."""
    if film.thumbnail is None:
        return ""
    try:
        return "data:image/jpeg;base64," + b64encode(film.thumbnail.read_bytes()).decode("ascii")
    except OSError:
        return ""
