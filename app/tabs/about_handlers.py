"""What the About tab says of the checkpoints: the list, and one card at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.data_classes import FileData

from app.alerts import alerting
from app.panels import CardData, CheckpointRow, CheckpointsData, FigureRow, PictureData
from app.pictures import CardPictures
from app.services import Services
from app.views.figures import figure_name, figure_text, headline, sorted_figures
from app.views.wording import as_sentence
from egma.catalogue import CheckpointEntry

NO_CARD = "*This checkpoint has no card: nothing is known of its data, licence or figures.*"


class AboutView(NamedTuple):
    """New values of the tab, in wiring order."""

    rows: CheckpointsData
    card: CardData
    words: str
    shown: str
    use: Any


@dataclass(frozen=True, eq=False)
class AboutHandlers:
    """Decisions of the About tab."""

    services: Services
    pictures: CardPictures

    @alerting
    def show_in_use(self, checkpoint: str) -> AboutView:
        """The card of the model in use."""
        return self._show(checkpoint, checkpoint)

    @alerting
    def show_chosen(self, checkpoint: str, event: gr.EventData) -> AboutView:
        """The card of the row that was clicked."""
        return self._show(str(getattr(event, "name", ""))[:200], checkpoint)

    @alerting
    def use(self, shown: str) -> str:
        """The name of the checkpoint on show, for the switch."""
        return self.services.models.entry(shown).name

    def _show(self, name: str, checkpoint: str) -> AboutView:
        entry = self.services.models.entry(name)
        usable = entry.name != checkpoint and not entry.problem
        return AboutView(
            rows=self.list_screen(entry.name, checkpoint),
            card=self.card_screen(entry),
            words=entry.card or ("" if entry.problem else NO_CARD),
            shown=entry.name,
            use=gr.Button(f"Use {entry.name}", visible=usable),
        )

    def list_screen(self, shown: str, checkpoint: str) -> CheckpointsData:
        """Every checkpoint there is now."""
        rows = [
            CheckpointRow(
                name=entry.name,
                hash=entry.hash[:8],
                headline=headline(entry),
                problem=as_sentence(entry.problem) if entry.problem else "",
                in_use=entry.name == checkpoint,
            )
            for entry in self.services.models.entries()
        ]
        return CheckpointsData(rows=rows, shown=shown)

    def card_screen(self, entry: CheckpointEntry, *, with_pictures: bool = True) -> CardData:
        """One checkpoint's facts, figures and, drawn anew, its pictures."""
        return CardData(
            name=entry.name,
            hash=entry.hash,
            licence=entry.licence or ("" if entry.problem else "not stated in the card"),
            towers=_towers(entry),
            problem=as_sentence(entry.problem) if entry.problem else "",
            figures=[
                FigureRow(name=figure_name(figure.name), text=figure_text(figure), n=figure.n)
                for figure in sorted_figures(entry)
            ],
            pictures=self._pictures(entry) if with_pictures else [],
        )

    def _pictures(self, entry: CheckpointEntry) -> list[PictureData]:
        drawn = ((each, self._draw(each.path), self._draw(each.dark)) for each in entry.pictures)
        return [
            PictureData(image=image, caption=each.caption, dark=dark)
            for each, image, dark in drawn
            if image is not None
        ]

    def _draw(self, path: Path | None) -> FileData | None:
        drawn = self.pictures.draw(path) if path is not None else None
        return None if drawn is None else FileData(path=str(drawn), orig_name="picture.png", mime_type="image/png")


def _towers(entry: CheckpointEntry) -> str:
    if entry.config is None:
        return ""
    image, text = entry.config.image, entry.config.text
    low, high = entry.config.display_range
    return f"{image.name} at {image.input_px} px; {text.name}; colours run from {low:.2f} to {high:.2f} cosine"
