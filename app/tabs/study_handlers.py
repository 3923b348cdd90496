"""What happens in the Study tab when a reader does something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from app.alerts import alerting, answering
from app.films import OpenFilm, load_upload
from app.panels import FilmData, FindingsData, MessageData, NoticesData, PatchData, SentencesData
from app.services import Services
from app.tabs import screen
from app.viewer import ViewerData
from app.views.findings import finding_phrase
from app.views.layers import MapLayer, map_layer
from egma.errors import PromptError
from egma.inference.prompts import MAX_PHRASE_CHARS, MAX_PHRASES, clean_phrases, split_sentences

if TYPE_CHECKING:
    from egma.inference.engine import Engine

MAX_WORDS_CHARS = MAX_PHRASES * (MAX_PHRASE_CHARS + 2)
"""What the phrase box takes: as much as can be asked at once."""
MAX_REPORT_CHARS = 20_000
"""The longest of Open-i's 3,955 reports has under 2,500."""
MAX_SENTENCES = 100
"""Maps sent at once: a hundred of a fine grid are half a megabyte."""
_MAX_ASKED_CHARS = MAX_SENTENCES * (MAX_PHRASE_CHARS + 2)
UPLOAD_TITLE = "Your film"


class FilmRequest(NamedTuple):
    """What another tab asks of this one: open a film, and ask for words at once.

    Attributes:
        film: key of an `OpenFilm`.
        words: phrases, one a line; "" asks nothing.
    """

    film: str
    words: str = ""


class OpenedView(NamedTuple):
    """New values after a film was opened, in wiring order."""

    film: str
    viewer: ViewerData
    asked: str
    line: FilmData
    notices: NoticesData
    findings: FindingsData
    patch: PatchData
    sentences: SentencesData
    picker: Any


class AskedView(NamedTuple):
    """New values after words were asked, and what is said where they could not be."""

    words: Any
    viewer: Any
    asked: Any
    said: MessageData = MessageData()


class ReportView(NamedTuple):
    """New values after a step through a report."""

    sentences: SentencesData
    viewer: ViewerData
    asked: str


class ResumedView(NamedTuple):
    """New values after another model took over: the same film and phrases by that one."""

    viewer: Any
    findings: Any
    waiting: Any
    patch: PatchData


class ScoresView(NamedTuple):
    """New values of the probabilities, and whether to go on waiting for the model."""

    findings: Any
    waiting: Any


def _refused(sentence: str) -> AskedView:
    return AskedView(gr.skip(), gr.skip(), gr.skip(), MessageData(text=sentence))


def _no_match(sentence: str) -> PatchData:
    return PatchData(where=sentence)


@dataclass(frozen=True, eq=False)
class StudyHandlers:
    """Decisions of the Study tab. Keeps nothing of a reader: the page sends its film's id and its words along."""

    services: Services

    @alerting
    def open_upload(self, upload: str, checkpoint: str = "") -> OpenedView:
        """Read an uploaded film; the upload itself is deleted."""
        from egma.imaging import load_study

        study = load_upload(upload, self.services.folder.uploads, load_study)
        return self._opened(self.services.films.add(study, UPLOAD_TITLE), checkpoint, "")

    @alerting
    def open_example(self, name: str | None, checkpoint: str = "") -> OpenedView:
        """Open a film of the menu."""
        if not name:  # the menu's own heading
            unchanged: Any = gr.skip()
            return OpenedView(*[unchanged] * len(OpenedView._fields))
        return self._opened(self.services.examples.open(name), checkpoint, gr.skip())

    @alerting
    def open_requested(self, film: str, checkpoint: str = "") -> OpenedView:
        """Open a film that another tab asked for by its key."""
        return self._opened(self.services.films.find(film), checkpoint, "")

    def _opened(self, film: OpenFilm, checkpoint: str, picker: Any) -> OpenedView:
        return OpenedView(
            film=film.key,
            viewer=screen.viewer_screen(film, self.services.models.ready(checkpoint)),
            asked="",
            line=screen.film_screen(film),
            notices=screen.notices_screen(film),
            findings=FindingsData(state="loading", message="Scoring the film…"),
            patch=PatchData(),
            sentences=SentencesData(),
            picker=picker,
        )

    @alerting
    def score(self, film: str, checkpoint: str = "") -> ScoresView:
        """The probabilities of the film on screen, once the model is there; asked again by a timer until then."""
        slot = self.services.models.slot(checkpoint)
        study = self.services.films.find(film).study
        shown = screen.findings_screen(slot, study)
        return ScoresView(shown, gr.Timer(active=shown.state == "loading"))

    @alerting
    def score_when_ready(self, film: str, checkpoint: str = "") -> ScoresView:
        """The timer's question: nothing changes while the model is still loading."""
        if self.services.models.slot(checkpoint).state == "loading":
            return ScoresView(gr.skip(), gr.skip())
        return self.score(film, checkpoint)

    @alerting
    def resume(self, film: str, asked: str, checkpoint: str) -> ResumedView:
        """Another model took over: its maps of the phrases on the film, its probabilities; view and window stay."""
        opened, engine = self.services.films.find(film), self.services.models.engine(checkpoint)
        layers = map_layers(opened, engine, asked_lines(asked))
        scores = self.score(film, checkpoint)
        return ResumedView(screen.viewer_screen(opened, engine, layers), *scores, PatchData())

    @answering(_refused)
    def ask(self, film: str, words: str, checkpoint: str = "") -> AskedView:
        """Where the model finds each phrase, one a line."""
        phrases = clean_phrases(words or "")
        return AskedView(gr.skip(), self._asked(film, checkpoint, phrases), "\n".join(phrases))

    @answering(_refused)
    def ask_requested(self, film: str, requested: str, checkpoint: str = "") -> AskedView:
        """Ask what came along with a film from another tab; where nothing did, nothing changes."""
        if not (requested or "").strip():
            return AskedView(gr.skip(), gr.skip(), gr.skip())
        return self.ask(film, requested, checkpoint)._replace(words=requested)

    @answering(_refused)
    def add_phrase(self, film: str, words: str, checkpoint: str, phrase: str) -> AskedView:
        """Add a suggested phrase to those in the box and ask them all."""
        lines = [line for line in (words or "").splitlines() if line.strip()]
        if phrase.casefold() not in {line.strip().casefold() for line in lines}:
            lines.append(phrase)
        words = "\n".join(lines)
        phrases = clean_phrases(words)
        return AskedView(words, self._asked(film, checkpoint, phrases, show=phrase), "\n".join(phrases))

    @answering(_refused)
    def show_finding(self, film: str, words: str, checkpoint: str, event: gr.EventData) -> AskedView:
        """Ask for the finding whose bar was opened."""
        finding = str(getattr(event, "finding", ""))
        if finding not in self.services.models.engine(checkpoint).findings:
            raise PromptError("That finding is not one of the model's. Reload the page.")
        return self.add_phrase(film, words, checkpoint, finding_phrase(finding))

    @alerting
    def read_report(self, film: str, report: str, checkpoint: str = "") -> ReportView:
        """Split a report into sentences, ask them all, and show the first."""
        return self._report_step(film, report, checkpoint, 0)

    @alerting
    def choose_sentence(self, film: str, report: str, checkpoint: str, event: gr.EventData) -> ReportView:
        """Show another sentence of the report."""
        return self._report_step(film, report, checkpoint, int(_number(event, "index")))

    @alerting
    def follow_step(self, report: str, event: gr.EventData) -> SentencesData:
        """Mark the sentence that a reader stepped to in the viewer itself."""
        return _sentences_at(report, int(_number(event, "index")))

    @answering(_no_match)
    def match_patch(self, film: str, words: str, checkpoint: str, event: gr.EventData) -> PatchData:
        """Which phrases and findings the clicked patch matches."""
        study = self.services.films.find(film).study
        u, v = _number(event, "u"), _number(event, "v")
        if not (0 <= u < 1 and 0 <= v < 1):
            return PatchData()
        height, width = study.shape
        phrases = clean_phrases(words) if (words or "").strip() else []
        engine = self.services.models.engine(checkpoint)
        return screen.patch_screen(engine, study, (u * width, v * height), phrases)

    @answering(_no_match)
    def match_second_patch(self, film: str, words: str, second: str, event: gr.EventData) -> PatchData:
        """The same of the model beside the first; nothing where there is none."""
        return self.match_patch(film, words, second, event) if second else PatchData()

    def _report_step(self, film: str, report: str, checkpoint: str, index: int) -> ReportView:
        data = _sentences_at(report, index)
        opened, engine = self.services.films.find(film), self.services.models.engine(checkpoint)
        layers = map_layers(opened, engine, data.sentences)
        shown = screen.asked_screen(opened, engine, layers, step=True, current=layers[data.current].key)
        return ReportView(data, shown, "\n".join(data.sentences))

    def _asked(self, film: str, checkpoint: str, phrases: list[str], show: str = "") -> ViewerData:
        opened, engine = self.services.films.find(film), self.services.models.engine(checkpoint)
        layers = map_layers(opened, engine, phrases)
        new = [layer.key for layer in layers if layer.phrase.casefold() == show.casefold()]
        return screen.asked_screen(opened, engine, layers, visible=new or None)


def map_layers(film: OpenFilm, engine: Engine, phrases: Sequence[str]) -> list[MapLayer]:
    """Maps of any number of phrases, as many at once as the engine takes."""
    runs = [phrases[start : start + MAX_PHRASES] for start in range(0, len(phrases), MAX_PHRASES)]
    return [map_layer(answer) for run in runs for answer in engine.ground(film.study, run)]


def asked_lines(asked: str | None) -> list[str]:
    """The phrases on the film as the page sends them back, at most as many as it can have shown."""
    return [line for line in (asked or "")[:_MAX_ASKED_CHARS].splitlines() if line.strip()][:MAX_SENTENCES]


def _sentences_at(report: str, index: int) -> SentencesData:
    """A report's sentences, repeats left out, with one of them current."""
    if len(report or "") > MAX_REPORT_CHARS:
        raise PromptError(
            f"the report has {len(report):,} characters, at most {MAX_REPORT_CHARS:,} can be read at once"
        )
    sentences = list(dict.fromkeys(split_sentences(report or "")))
    if not sentences:
        raise PromptError("there is no sentence in the report box: paste a report first")
    if len(sentences) > MAX_SENTENCES:
        raise PromptError(f"the report has {len(sentences)} sentences, at most {MAX_SENTENCES} can be stepped through")
    return screen.sentences_screen(sentences, min(max(index, 0), len(sentences) - 1))


def _number(event: gr.EventData, name: str) -> float:
    """A number a browser sent along with an event; -1 where it is none."""
    value = getattr(event, name, None)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good and value is not None else -1.0
