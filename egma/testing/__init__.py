"""Doubles that are shipped with the project: a tiny real engine, phantoms with known lesions, and DICOM files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.lazy import lazy_names

_HOMES = {
    "build_phantom": "egma.testing.phantoms",
    "tiny_engine": "egma.testing.models",
    "write_dicom": "egma.testing.dicom",
}

__all__ = ["build_phantom", "tiny_engine", "write_dicom"]

if TYPE_CHECKING:
    from egma.testing.dicom import write_dicom
    from egma.testing.models import tiny_engine
    from egma.testing.phantoms import build_phantom

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
