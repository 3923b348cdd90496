"""Asking a model: embeddings, maps of where a phrase is found, finding probabilities, and pictures of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.lazy import lazy_names

_HOMES = {
    "Engine": "egma.inference.engine",
    "PatchMatch": "egma.inference.grounding",
    "PromptPair": "egma.inference.classify",
    "clean_phrases": "egma.inference.prompts",
    "draw_overlay": "egma.inference.overlay",
    "load_engine": "egma.inference.engine",
    "split_sentences": "egma.inference.prompts",
}

__all__ = [
    "Engine",
    "PatchMatch",
    "PromptPair",
    "clean_phrases",
    "draw_overlay",
    "load_engine",
    "split_sentences",
]

if TYPE_CHECKING:
    from egma.inference.classify import PromptPair
    from egma.inference.engine import Engine, load_engine
    from egma.inference.grounding import PatchMatch
    from egma.inference.overlay import draw_overlay
    from egma.inference.prompts import clean_phrases, split_sentences

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
