"""One recording of a gaze data set before its maps are made: whose film, what is known of it, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from egma.data.sample import UNKNOWN, Dropped, Labels, Split

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack


@dataclass(frozen=True)
class FilmId:
    """MIMIC-CXR's own ids of a film: digits for patient and study ("" where unknown), and the DICOM id."""

    patient: str
    study: str
    dicom_id: str


@dataclass(frozen=True, eq=False)
class Record:
    """One recording that can be read.

    Attributes:
        name: unique in its data set, such as "reflacx-P300R000001".
        film: the film it was recorded on.
        load: reads the recording; may raise GazeError.
        source: "reflacx" or "eyegaze".
        official: the split that the data set itself gives, or None.
        labels: what the data set says of the film, before any sentence is read.
        shape_hw: (H, W) of the film, where the data set says.
        reader: who was recorded, where the data set says.
        view, sex: as the data set has them.
    """

    name: str
    film: FilmId
    load: Callable[[], GazeTrack] = field(repr=False)
    source: str
    official: Split | None = None
    labels: Labels = UNKNOWN
    shape_hw: tuple[int, int] | None = None
    reader: str = ""
    view: str = ""
    sex: str = ""


@dataclass(frozen=True, eq=False)
class Layout:
    """The recordings of a data set's root, in its order, and those that cannot be used, by name and reason."""

    source: str
    records: tuple[Record, ...]
    dropped: tuple[Dropped, ...]
