"""Doubles that are shipped with the project: a tiny real engine, phantoms with known lesions, and DICOM files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["tiny_engine"]

if TYPE_CHECKING:
    from egma.testing.models import tiny_engine


def __getattr__(name: str) -> Any:
    if name == "tiny_engine":
        from egma.testing.models import tiny_engine

        return tiny_engine
    raise AttributeError(f"module 'egma.testing' has no attribute {name!r}")
