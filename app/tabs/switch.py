"""Which checkpoint answers: the menu, and the switch. The old one answers until the new one is ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.menus import NameMenu
from app.panels import MessageData, MessagePanel
from app.services import Services
from app.views.wording import as_sentence
from egma.errors import EgmaError

POLL_S = 0.7
UNCHANGED: Any = gr.skip()


class SwitchView(NamedTuple):
    """New values of the menu's components, in wiring order."""

    checkpoint: Any
    model_hash: Any
    wanted: Any
    chooser: Any
    status: Any
    polling: Any


NOTHING_NEW = SwitchView(UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED)


@dataclass(frozen=True, eq=False)
class ModelMenu:
    """The components behind the choice of a model.

    Attributes:
        chooser: what a reader sees.
        status: one sentence while a model loads, or on why it could not be.
        checkpoint: name of the one in use; other tabs pass it as an input.
        model_hash: its hash; changes once a switch is complete, also to a checkpoint written anew under its old name.
        wanted: name of the one a reader waits for.
        polling: looks whether it is ready.
    """

    chooser: NameMenu
    status: MessagePanel
    checkpoint: gr.Textbox
    model_hash: gr.Textbox
    wanted: gr.Textbox
    polling: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `SwitchView`."""
        return [self.checkpoint, self.model_hash, self.wanted, self.chooser, self.status, self.polling]


def refused(sentence: str) -> SwitchView:
    """The model in use stays; the sentence says why."""
    return NOTHING_NEW._replace(status=MessageData(text=sentence), polling=gr.Timer(active=False))


@dataclass(frozen=True, eq=False)
class SwitchHandlers:
    """Decisions of the menu. The page sends along what it uses and what it waits for."""

    services: Services

    @answering(refused)
    def choose(self, name: str, checkpoint: str) -> SwitchView:
        """Begin to switch to a checkpoint; where it is in memory already, the switch is done."""
        models, name = self.services.models, name or checkpoint
        try:
            models.start(name, keep=checkpoint)
        except EgmaError as error:
            return self._stayed(checkpoint, str(error))
        return self._look(name, checkpoint, anew=True)

    @answering(refused)
    def follow(self, wanted: str, checkpoint: str) -> SwitchView:
        """The timer's question: is the one that is waited for ready?"""
        return self._look(wanted or checkpoint, checkpoint, anew=False)

    @answering(refused)
    def refresh(self, checkpoint: str) -> SwitchView:
        """The menu opened: what is there now?"""
        return NOTHING_NEW._replace(chooser=self._menu(checkpoint))

    def _look(self, name: str, checkpoint: str, *, anew: bool) -> SwitchView:
        models = self.services.models
        slot, entry = models.slot(name), models.entry(name)
        if slot.failure:
            return self._stayed(checkpoint, slot.failure)
        if slot.ready() is not None and (slot.hash == entry.hash or not slot.is_loading):
            return SwitchView(name, slot.hash, name, self._menu(name), MessageData(), gr.Timer(active=False))
        if not anew:
            return NOTHING_NEW
        words = (
            "Loading the model." if name == checkpoint else f"Loading {name}; {checkpoint} answers until it is ready."
        )
        waiting = MessageData(text=words, kind="wait")
        return SwitchView(UNCHANGED, UNCHANGED, name, self._menu(name), waiting, gr.Timer(active=True))

    def _stayed(self, checkpoint: str, sentence: str) -> SwitchView:
        said = MessageData(text=f"{as_sentence(sentence)} {checkpoint} stays in use.")
        return SwitchView(UNCHANGED, UNCHANGED, checkpoint, self._menu(checkpoint), said, gr.Timer(active=False))

    def _menu(self, name: str) -> Any:
        return gr.update(choices=self.services.models.choices(), value=name)


def build_chooser(services: Services) -> NameMenu:
    """The menu itself."""
    models = services.models
    return NameMenu(
        models.choices(),
        value=models.default.name,
        label="Model",
        filterable=False,
        elem_id="egma-model",
        min_width=150,
        scale=1,
    )


def build(services: Services, chooser: NameMenu) -> ModelMenu:
    """What stands behind the menu and below it; `wire` makes it act."""
    models = services.models
    name = models.default.name
    return ModelMenu(
        chooser=chooser,
        status=MessagePanel(elem_id="egma-model-status"),
        checkpoint=gr.Textbox(name, visible="hidden"),
        model_hash=gr.Textbox(models.entry().hash, visible="hidden"),
        wanted=gr.Textbox(name, visible="hidden"),
        polling=gr.Timer(POLL_S, active=False),
    )


def wire(menu: ModelMenu, services: Services) -> None:
    """Choosing begins a switch, the timer completes it, opening the menu brings its list up to date."""
    handlers = SwitchHandlers(services)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    menu.chooser.input(handlers.choose, [menu.chooser, menu.checkpoint], menu.outputs, **quiet)
    menu.chooser.focus(handlers.refresh, menu.checkpoint, menu.outputs, **quiet)
    menu.polling.tick(handlers.follow, [menu.wanted, menu.checkpoint], menu.outputs, **quiet)
