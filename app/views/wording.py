"""Messages as a reader meets them: a capital at the start, a full stop at the end."""

from __future__ import annotations


def as_sentence(message: str) -> str:
    """The message as a sentence of its own."""
    sentence = message[:1].upper() + message[1:]
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."
