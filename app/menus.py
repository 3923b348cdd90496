"""A menu whose choices may change while the page is open."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.stubs import write_no_stubs

write_no_stubs()


class NameMenu(gr.Dropdown):
    """A dropdown that hands on the name that was picked; whoever gets it looks it up in a list of their own.

    The framework would refuse a name that came onto the list after the page was opened.
    """

    is_template = True

    def preprocess(self, payload: Any) -> str:
        """The name as the browser sent it, at most a line of it."""
        return payload[:200] if isinstance(payload, str) else ""

    def _warn_if_invalid_choice(self, value: Any) -> None:
        """Nothing: the framework knows only the choices of the start."""


class NamesMenu(gr.Dropdown):
    """A dropdown that hands on several names; whoever gets them compares them with what there is."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """At most fifty names as the browser sent them, at most a line of each."""
        names = payload if isinstance(payload, list) else []
        return [each[:200] for each in names[:50] if isinstance(each, str)]

    def _warn_if_invalid_choice(self, value: Any) -> None:
        """Nothing, as above."""
