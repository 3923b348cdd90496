"""The model: towers, heads, and how a film and a sentence become vectors of one space.

Names load on first use, so that the losses can be had without any tower library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.lazy import lazy_names

_HOMES = {
    "EgmaModel": "egma.model.egma",
    "ImageFeatures": "egma.model.outputs",
    "ImageOutput": "egma.model.outputs",
    "TokenBatch": "egma.model.outputs",
    "build_initialized_model": "egma.model.build",
    "build_mini_config": "egma.model.presets",
    "build_model": "egma.model.build",
    "load_model": "egma.model.build",
}

__all__ = [
    "EgmaModel",
    "ImageFeatures",
    "ImageOutput",
    "TokenBatch",
    "build_initialized_model",
    "build_mini_config",
    "build_model",
    "load_model",
]

if TYPE_CHECKING:
    from egma.model.build import build_initialized_model, build_model, load_model
    from egma.model.egma import EgmaModel
    from egma.model.outputs import ImageFeatures, ImageOutput, TokenBatch
    from egma.model.presets import build_mini_config

__getattr__, __dir__ = lazy_names(__name__, _HOMES, ("losses",))
