"""What a reader is told when something goes wrong: one sentence, or a reference number; never a stack trace."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

from app.incidents import log_incident
from egma.errors import EgmaError

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

_SHOWN_FOR_S = 12


def alerting(handler: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Wrap an event handler: `EgmaError` becomes its sentence, anything else a reference number and a log entry.

    What is on screen stays, because a handler that raises changes no output.
    """

    @wraps(handler)
    def guarded(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except EgmaError as error:
            raise _alert(_as_sentence(str(error))) from None
        except Exception as error:
            reference = log_incident(error)
            raise _alert(f"Something went wrong here. Nothing was lost; reference {reference}.") from None

    return guarded


def _alert(sentence: str) -> gr.Error:
    return gr.Error(sentence, duration=_SHOWN_FOR_S, print_exception=False)


def _as_sentence(message: str) -> str:
    """The message with a capital and a full stop, as text that no toast renders as markup."""
    sentence = message[:1].upper() + message[1:]
    return html.escape(sentence if sentence.endswith((".", "!", "?")) else sentence + ".", quote=False)
