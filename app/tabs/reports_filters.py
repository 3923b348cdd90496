"""What a search is narrowed to: only what the library knows anything of is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.menus import NameMenu, NamesMenu
from app.services import Services
from app.tabs.study import AT_ONCE
from app.views.findings import friendly_name
from egma.errors import EgmaError

SEXES = {"F": "female", "M": "male", "O": "other"}
UNCHANGED: Any = gr.skip()


class FacetsView(NamedTuple):
    """What each control offers, in wiring order."""

    view: Any
    sex: Any
    finding: Any
    source: Any
    age_from: Any
    age_to: Any
    date_from: Any
    date_to: Any
    note: Any


@dataclass(frozen=True, eq=False)
class FilterCard:
    """The controls."""

    view: NamesMenu
    sex: NamesMenu
    finding: NamesMenu
    source: NamesMenu
    age_from: gr.Number
    age_to: gr.Number
    date_from: gr.Textbox
    date_to: gr.Textbox
    note: gr.Markdown

    @property
    def inputs(self) -> list[Any]:
        """In the order in which `Asked` wants them."""
        menus = [self.view, self.sex, self.finding, self.source]
        return [*menus, self.age_from, self.age_to, self.date_from, self.date_to]


def unknown(sentence: str) -> FacetsView:  # noqa: ARG001 - the search itself will say it
    """Where the library cannot be looked at, the controls stay."""
    return FacetsView(*[UNCHANGED] * len(FacetsView._fields))


@dataclass(frozen=True, eq=False)
class FilterHandlers:
    """Decisions of the filters."""

    services: Services

    @answering(unknown)
    def offer(self, library: str) -> FacetsView:
        """The values that the library's reports have, each with its count."""
        if library not in self.services.libraries.names():
            return unknown("")
        try:
            facets = self.services.libraries.open(library).facets()
        except EgmaError as error:
            return unknown(str(error))
        ages, days = facets.age is not None, bool(facets.date[0])
        missing = [
            name
            for name, there in (("view", facets.view), ("sex", facets.sex), ("age", ages), ("date", days))
            if not there
        ]
        return FacetsView(
            view=_menu(facets.view, len(facets.view) > 0),
            sex=_menu(facets.sex, len(facets.sex) > 0, SEXES),
            finding=_menu(facets.finding, True, {name: friendly_name(name) for name in facets.finding}),
            source=_menu(facets.source, len(facets.source) > 1),
            age_from=gr.update(visible=ages),
            age_to=gr.update(visible=ages),
            date_from=gr.update(visible=days, placeholder=facets.date[0] or "YYYY-MM-DD"),
            date_to=gr.update(visible=days, placeholder=facets.date[1] or "YYYY-MM-DD"),
            note=f"This library's reports do not say their {', '.join(missing)}." if missing else "",
        )


def build() -> FilterCard:
    """Lay the controls out, folded."""
    with gr.Accordion("Filters", open=False, elem_id="egma-filters"):
        finding = NamesMenu([], value=[], multiselect=True, label="Findings it names", elem_id="egma-filter-finding")
        with gr.Row(elem_classes="egma-row"):
            view, sex, source = (
                NamesMenu([], value=[], multiselect=True, label=label, min_width=120)
                for label in ("View", "Sex", "Source")
            )
        with gr.Row(elem_classes="egma-row"):
            age_from = gr.Number(None, label="Age from", minimum=0, maximum=150, min_width=90)
            age_to = gr.Number(None, label="Age to", minimum=0, maximum=150, min_width=90)
            date_from = gr.Textbox("", label="Date from", placeholder="YYYY-MM-DD", max_length=10, min_width=120)
            date_to = gr.Textbox("", label="Date to", placeholder="YYYY-MM-DD", max_length=10, min_width=120)
        note = gr.Markdown("", elem_classes="egma-hint")
    return FilterCard(view, sex, finding, source, age_from, age_to, date_from, date_to, note)


def wire(card: FilterCard, services: Services, library: NameMenu, *events: Callable[..., Any]) -> None:
    """Whenever the library may have changed, offer what it knows."""
    handlers = FilterHandlers(services)
    outputs = [*card.inputs, card.note]
    for event in events:
        event(handlers.offer, library, outputs, **AT_ONCE)


def _menu(values: dict[str, int], visible: bool, names: dict[str, str] | None = None) -> Any:
    choices = [(f"{(names or {}).get(value, value)[:60]} ({count:,})", value) for value, count in values.items()]
    return gr.update(choices=choices, visible=visible)
