"""The film viewer: a canvas component for the page, and the typed data it shows."""

from __future__ import annotations

from app.viewer.component import CXRViewer
from app.viewer.data import LayerData, ViewerData

__all__ = ["CXRViewer", "LayerData", "ViewerData"]
