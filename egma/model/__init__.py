"""The model: towers, heads, and how a film and a sentence become vectors of one space.

Names load on first use, so that the losses can be had without any tower library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "losses":
        return import_module("egma.model.losses")
    raise AttributeError(f"module 'egma.model' has no attribute {name!r}")
