"""The core of the EGMA Workbench: chest films, gaze, and where a model finds what a sentence says.

Everything public is here and loads on first use, so that `import egma` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.lazy import lazy_names

__version__ = "0.1.0"

_HOMES = {
    "EgmaError": "egma.errors",
    "Geometry": "egma.imaging.geometry",
    "GroundingMap": "egma.types",
    "ImageEmbeddings": "egma.types",
    "ReportIndex": "egma.index",
    "Study": "egma.types",
    "load_engine": "egma.inference.engine",
    "load_gaze": "egma.gaze",
    "GazeTrack": "egma.gaze",
    "load_study": "egma.imaging",
}
_PACKAGES = ("data", "gaze", "imaging", "index", "inference", "model", "testing")

__all__ = [
    "EgmaError",
    "GazeTrack",
    "Geometry",
    "GroundingMap",
    "ImageEmbeddings",
    "ReportIndex",
    "Study",
    "load_engine",
    "load_gaze",
    "load_study",
]

if TYPE_CHECKING:
    from egma.errors import EgmaError
    from egma.gaze import GazeTrack, load_gaze
    from egma.imaging import load_study
    from egma.imaging.geometry import Geometry
    from egma.index import ReportIndex
    from egma.inference.engine import load_engine
    from egma.types import GroundingMap, ImageEmbeddings, Study

__getattr__, __dir__ = lazy_names(__name__, _HOMES, _PACKAGES)
