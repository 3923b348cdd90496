"""The Evaluate tab's model cards: any checkpoint's card, and the way to write it again from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.menus import NameMenu
from app.panels import CardPanel, CheckpointsPanel, MessagePanel
from app.panels.training import RunPanel
from app.pictures import CardPictures
from app.services import Services
from app.tabs.about_handlers import AboutHandlers
from app.tabs.evaluate_card_handlers import FROM_RESULTS, PHANTOMS, WAYS, CardHandlers
from app.tabs.study import AT_ONCE

LOOK_EVERY_S = 1.5
INTRO = (
    "A card says what a checkpoint is, what it can do and where it fails; no figure in it is typed. Evaluations of the "
    "same weights that were kept here are told in it."
)


@dataclass(frozen=True, eq=False)
class CardsTab:
    """The components that take part in events."""

    rows: CheckpointsPanel
    way: gr.Radio
    data: NameMenu
    write: gr.Button
    said: MessagePanel
    run: RunPanel
    card: CardPanel
    words: gr.Markdown
    shown: gr.Textbox
    stamp: gr.Textbox
    looking: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `CardsView`."""
        return [self.rows, self.card, self.words, self.shown, self.stamp, self.run]


def build(services: Services, results: gr.Tab, cards: gr.Tab) -> CardsTab:
    """Lay the cards out and wire them. Texts are rendered as sanitised Markdown; a card is a checkpoint's own words."""
    handlers = CardHandlers(services, AboutHandlers(services, CardPictures(services.folder.views)))
    shown, stamp = gr.Textbox("", visible="hidden"), gr.Textbox("", visible="hidden")
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320, elem_classes="egma-side"):
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Checkpoints", elem_classes="egma-h2")
                rows = CheckpointsPanel(elem_id="egma-cards")
            form = _build_form(services.settings.on_space)
        with gr.Column(scale=10, min_width=320, elem_classes="egma-card"):
            card = CardPanel(elem_id="egma-cards-facts")
            words = gr.Markdown("", elem_classes="egma-prose", elem_id="egma-cards-text")
    looking = gr.Timer(LOOK_EVERY_S, active=False)
    tab = CardsTab(rows=rows, **form, card=card, words=words, shown=shown, stamp=stamp, looking=looking)
    _wire(tab, handlers, results, cards)
    return tab


def _build_form(hosted: bool) -> dict[str, Any]:
    with gr.Column(elem_classes="egma-card"):
        gr.Markdown("## Write the card again", elem_classes="egma-h2")
        gr.Markdown(INTRO, elem_classes="egma-hint")
        way = gr.Radio(list(WAYS), value=FROM_RESULTS, label="From", elem_id="egma-cards-way")
        data = NameMenu(PHANTOMS, value="", label="Data", filterable=False, visible=False, elem_id="egma-cards-data")
        write = gr.Button("Write the card", variant="primary", interactive=not hosted, elem_id="egma-cards-write")
        said = MessagePanel(elem_id="egma-cards-said")
        run = RunPanel(elem_id="egma-cards-run")
    return {"way": way, "data": data, "write": write, "said": said, "run": run}


def _wire(tab: CardsTab, handlers: CardHandlers, results: gr.Tab, cards: gr.Tab) -> None:
    cards.select(handlers.open_cards, tab.shown, [tab.looking, tab.data, *tab.outputs], **AT_ONCE)
    results.select(handlers.leave, None, tab.looking, **AT_ONCE)
    tab.looking.tick(handlers.look, [tab.shown, tab.stamp], tab.outputs, trigger_mode="once", **AT_ONCE)
    tab.rows.show_card(handlers.choose, None, [tab.said, *tab.outputs], **AT_ONCE)
    tab.way.input(handlers.choose_way, tab.way, tab.data, **AT_ONCE)
    tab.write.click(handlers.write, [tab.shown, tab.way, tab.data], tab.said, **AT_ONCE)
