"""Two checkpoints side by side on one film: a second viewer that moves with the first, and both models' findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.menus import NameMenu
from app.panels import ComparisonData, ComparisonPanel, MessageData, MessagePanel, PatchData, PatchPanel
from app.services import Services
from app.tabs import screen
from app.tabs.study_handlers import asked_lines, map_layers
from app.tabs.switch import POLL_S, UNCHANGED
from app.viewer import CXRViewer
from app.views.wording import as_sentence
from egma.errors import CheckpointError

LINK = "compare"
NOBODY = "Nothing"


class CompareView(NamedTuple):
    """New values of the second side, in wiring order."""

    chooser: Any
    status: Any
    polling: Any
    side: Any
    viewer: Any
    patch: Any
    table_box: Any
    table: Any


NOTHING_NEW = CompareView(*[UNCHANGED] * len(CompareView._fields))


@dataclass(frozen=True, eq=False)
class SecondSide:
    """The components of the second model.

    Attributes:
        chooser: which; "" for none.
        status: one sentence while it loads, or on why it could not be.
        polling: looks whether it is ready.
        side: the column around viewer and patch.
        viewer, patch: as the first model's.
        table_box, table: the findings of both.
    """

    chooser: NameMenu
    status: MessagePanel
    polling: gr.Timer
    side: gr.Column
    viewer: CXRViewer
    patch: PatchPanel
    table_box: gr.Column
    table: ComparisonPanel

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `CompareView`."""
        return [
            *(self.chooser, self.status, self.polling, self.side),
            *(self.viewer, self.patch, self.table_box, self.table),
        ]


def refused(sentence: str) -> CompareView:
    """What is on screen stays; the sentence says why."""
    return NOTHING_NEW._replace(status=MessageData(text=sentence), polling=gr.Timer(active=False))


@dataclass(frozen=True, eq=False)
class CompareHandlers:
    """Decisions of the second side."""

    services: Services

    @answering(refused)
    def refresh(self, film: str, asked: str, checkpoint: str, second: str) -> CompareView:
        """Bring the second side to the film, the phrases and the two models that are chosen now."""
        if second and second != checkpoint:
            try:
                self.services.models.start(second, keep=checkpoint)
            except CheckpointError as error:
                return self._alone(checkpoint, as_sentence(str(error)))
        return self.follow(film, asked, checkpoint, second)

    @answering(refused)
    def follow(self, film: str, asked: str, checkpoint: str, second: str) -> CompareView:
        """The timer's question, and the end of `refresh`: is the second model ready?"""
        models = self.services.models
        if not second or second == checkpoint:
            return self._alone(checkpoint)
        try:
            slot = models.slot(second)
            theirs = slot.ready()
            if theirs is None and slot.state == "failed":
                raise CheckpointError(slot.failure)
        except CheckpointError as error:
            return self._alone(checkpoint, as_sentence(str(error)))
        if theirs is None:
            said = MessageData(text=f"Loading {second} to compare with.", kind="wait")
            return NOTHING_NEW._replace(status=said, polling=gr.Timer(active=True))
        ours = models.engine(checkpoint)
        opened = self.services.films.find(film)
        return CompareView(
            chooser=UNCHANGED,
            status=MessageData(),
            polling=gr.Timer(active=False),
            side=gr.Column(visible=True),
            viewer=screen.viewer_screen(opened, theirs, map_layers(opened, theirs, asked_lines(asked))),
            patch=PatchData(),
            table_box=gr.Column(visible=True),
            table=screen.comparison_screen(ours, theirs, opened.study),
        )

    @answering(refused)
    def list_others(self, checkpoint: str, second: str) -> CompareView:
        """The menu opened: what is there now, beside the model in use?"""
        return NOTHING_NEW._replace(chooser=self._menu(checkpoint, second))

    def _alone(self, checkpoint: str, sentence: str = "") -> CompareView:
        return CompareView(
            chooser=self._menu(checkpoint, ""),
            status=MessageData(text=sentence),
            polling=gr.Timer(active=False),
            side=gr.Column(visible=False),
            viewer=None,
            patch=PatchData(),
            table_box=gr.Column(visible=False),
            table=ComparisonData(),
        )

    def _menu(self, checkpoint: str, second: str) -> Any:
        return gr.update(choices=other_choices(self.services, checkpoint), value=second)


def other_choices(services: Services, checkpoint: str) -> list[tuple[str, str]]:
    """(label, name) of what the model in use can be compared with, nothing first."""
    return [(NOBODY, ""), *((label, name) for label, name in services.models.choices() if name != checkpoint)]


def build_chooser(services: Services) -> NameMenu:
    """The menu beside that of the model in use."""
    return NameMenu(
        other_choices(services, services.models.default.name),
        value="",
        label="Compare with",
        filterable=False,
        elem_id="egma-compare",
        min_width=150,
        scale=1,
    )


def build_status() -> tuple[MessagePanel, gr.Timer]:
    """The sentence below the menus, and the timer that looks whether the second model is ready."""
    return MessagePanel(elem_id="egma-compare-status"), gr.Timer(POLL_S, active=False)


def build_side() -> tuple[gr.Column, CXRViewer, PatchPanel]:
    """The second viewer's column, beside the first."""
    with gr.Column(visible=False, min_width=320) as side:
        viewer = CXRViewer(link=LINK, scripts=False, elem_id="egma-second")
        patch = PatchPanel(elem_id="egma-second-patch")
    return side, viewer, patch


def build_table() -> tuple[gr.Column, ComparisonPanel]:
    """The findings of both, below the viewers."""
    with gr.Column(visible=False, elem_classes="egma-card") as box:
        table = ComparisonPanel(elem_id="egma-comparison")
    return box, table
