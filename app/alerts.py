"""What a reader is told when something goes wrong: one sentence, or a reference number; never a stack trace."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

from app.incidents import log_incident
from app.views.wording import as_sentence
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
            raise _alert(as_sentence(str(error))) from None
        except Exception as error:
            reference = log_incident(error)
            raise _alert(f"Something went wrong here. Nothing was lost; reference {reference}.") from None

    return guarded


def _alert(sentence: str) -> gr.Error:
    """The sentence as text: a toast renders markup."""
    return gr.Error(html.escape(sentence, quote=False), duration=_SHOWN_FOR_S, print_exception=False)
