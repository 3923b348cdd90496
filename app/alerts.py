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
    """Wrap an event handler: what goes wrong becomes a toast, or a script's one sentence.

    What is on screen stays, because a handler that raises changes no output.
    """

    @wraps(handler)
    def guarded(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            # as text: a toast renders markup
            sentence = html.escape(describe_failure(error), quote=False)
            raise gr.Error(sentence, duration=_SHOWN_FOR_S, print_exception=False) from None

    return guarded


def answering(refusal: Callable[[str], Output]) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """Wrap an event handler that answers in place: what goes wrong becomes part of its own view.

    Args:
        refusal: the view that says a sentence and leaves everything else as it is.
    """

    def wrap(handler: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        @wraps(handler)
        def guarded(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
            try:
                return handler(*args, **kwargs)
            except Exception as error:
                return refusal(describe_failure(error))

        return guarded

    return wrap


def describe_failure(error: Exception) -> str:
    """An `EgmaError`'s own sentence; for anything else a reference number, under which the log says where."""
    if isinstance(error, EgmaError):
        return as_sentence(str(error))
    return f"Something went wrong here. Nothing was lost; reference {log_incident(error)}."
