"""Films, report sentences, gaze and what they say: every data set as the same samples, for training and measuring.

data = egma.data.open_data("FOLDER")        # a table of films, or a data folder built by `python -m egma gaze-data`
for sample in data.only("train"): ...       # sample.sentences, sample.labels, sample.gaze
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Dropped": "egma.data.sample",
    "Examination": "egma.data.opening",
    "GazeChoice": "egma.data.sample",
    "Grid": "egma.data.maps",
    "Problem": "egma.data.sample",
    "Reading": "egma.data.opening",
    "Sample": "egma.data.sample",
    "SampleSet": "egma.data.sample",
    "Source": "egma.data.build",
    "build_data": "egma.data.build",
    "examine_data": "egma.data.opening",
    "gaze_heat": "egma.data.sample",
    "open_data": "egma.data.opening",
}

__all__ = [
    "Dropped",
    "Examination",
    "GazeChoice",
    "Grid",
    "Problem",
    "Reading",
    "Sample",
    "SampleSet",
    "Source",
    "build_data",
    "examine_data",
    "gaze_heat",
    "open_data",
]

if TYPE_CHECKING:
    from egma.data.build import Source, build_data
    from egma.data.maps import Grid
    from egma.data.opening import Examination, Reading, examine_data, open_data
    from egma.data.sample import Dropped, GazeChoice, Problem, Sample, SampleSet, gaze_heat


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'egma.data' has no attribute {name!r}")
