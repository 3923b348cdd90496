"""The film viewer: a canvas component for the page, and the typed data it shows."""

from __future__ import annotations

from app.viewer.component import CXRViewer
from app.viewer.data import LayerData, ViewerData
from app.viewer.gaze import GazeData, GazeViewer, GazeViewerData

__all__ = ["CXRViewer", "GazeData", "GazeViewer", "GazeViewerData", "LayerData", "ViewerData"]
