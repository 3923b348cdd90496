"""What happens when a reader asks for a draft: made of the nearest reports' own sentences, accepted by the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.panels.report_data import DraftData
from app.services import Services
from app.tabs import screen
from app.tabs.draft_screen import draft_screen
from app.tabs.reports_asked import Asked, grounded, near_film, read_place

UNCHANGED: Any = gr.skip()


class DraftView(NamedTuple):
    """New values after a draft was made, or one of its sentences asked."""

    draft: DraftData
    viewer: Any


def no_draft(sentence: str) -> DraftView:
    """A draft that could not be made."""
    return DraftView(DraftData(message=sentence), UNCHANGED)


@dataclass(frozen=True, eq=False)
class DraftHandlers:
    """Decisions of the draft. What a reader accepted stays in the browser."""

    services: Services

    @answering(no_draft)
    def draft(self, *asked: Any) -> DraftView:
        """A draft from the reports nearest to the film on screen."""
        from egma.index.draft import NEIGHBOURS, draft_from

        question = Asked(*asked)
        hits, engine, film = near_film(self.services, question, NEIGHBOURS)
        draft = draft_from(engine, hits)
        viewer = screen.viewer_screen(film, self.services.models.ready(question.checkpoint))
        return DraftView(draft_screen(draft), viewer)

    @answering(no_draft)
    def ask_draft(self, draft: Any, film: str, checkpoint: str, event: gr.EventData) -> DraftView:
        """Where the model finds a sentence of the draft on the film."""
        sentences = list(getattr(draft, "sentences", []))
        place = read_place(event, len(sentences))
        viewer = grounded(self.services, film, checkpoint, sentences[place].words)
        return DraftView(draft.model_copy(update={"current": place}), viewer)
