"""From a recording to a sample: its sentences, and for each the map of its gaze on a model's patch grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from egma.data.film_size import read_shape
from egma.data.finding_labels import labels_from_sentences, merge_labels
from egma.data.mimic import FoundImage, MimicFiles
from egma.data.record import Record
from egma.data.sample import Dropped, Sample, UInt8
from egma.errors import DataError, GazeError
from egma.gaze.track import SIZE_TOLERANCE_PX, GazeTrack
from egma.gaze.transcript import build_sentence_maps
from egma.imaging.geometry import Geometry

MAX_GRID = 64
SHAPE_TOLERANCE = 0.02  # a resized copy keeps its proportions to rounding; 2 % is another film


@dataclass(frozen=True)
class Grid:
    """A model's patch grid: rows and columns, and how a film is brought to the model's square input.

    The default is the grid that egma-mini's maps are drawn from.
    """

    rows: int = 20
    columns: int = 20
    mode: Literal["pad", "crop"] = "pad"

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= MAX_GRID and 1 <= self.columns <= MAX_GRID):
            raise DataError(f"a patch grid has 1 to {MAX_GRID} rows and columns, got {self.rows} x {self.columns}")
        if self.mode not in ("pad", "crop"):
            raise DataError(f"a film is brought to a model by 'pad' or 'crop', got {str(self.mode)[:20]!r}")

    @property
    def hw(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    def box_px(self, shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the whole grid in pixels of a film of `shape` (H, W); beyond it where it is padded."""
        return Geometry(shape, (1024, 1024), self.mode).grid_box_px()


def build_sample(record: Record, files: MimicFiles, grid: Grid) -> tuple[Sample, Dropped | None]:
    """One film with its sentences and maps; and what of the recording could not be used, and why.

    A recording whose gaze cannot be used still gives a film with its report and labels, without gaze.

    Raises:
        GazeError: the recording itself is damaged, or belongs to another film.
    """
    track = record.load().fixations()
    image = files.find_image(record.film)
    shape = _film_shape(record, track, image)
    report = files.read_report(record.film)
    said = _spoken(record, track, shape, grid) if track.words else _written(report)
    lost = None
    if not track.words:
        lost = Dropped(record.name, "nothing was dictated, so its gaze belongs to no sentence: kept without gaze")
    elif shape is None:
        lost = Dropped(record.name, "the size of its film is not known: neither the data set nor an image says")
    sample = Sample(
        id=record.name,
        patient=record.film.patient or f"film {record.film.dicom_id}",
        study=record.film.study,
        film=record.film.dicom_id,
        split=record.official or "train",
        image_path=image.path,
        image_note=image.note,
        sentences=said.sentences,
        times_s=said.times_s,
        labels=merge_labels(record.labels, labels_from_sentences(report), labels_from_sentences(said.sentences)),
        gaze=said.gaze,
        report=report,
        source=record.source,
        reader=record.reader,
        simulated=track.simulated,
        shape_hw=shape,
        view=record.view,
        sex=record.sex,
    )
    return sample, lost


def quantise(heat: np.ndarray, has_gaze: np.ndarray) -> tuple[UInt8 | None, ...]:
    """Each sentence's heat in [0, 1] as uint8, 255 at its peak; None without gaze."""
    levels = np.rint(heat * np.float32(255)).astype(np.uint8)
    return tuple(levels[row] if has_gaze[row] else None for row in range(len(levels)))


@dataclass(frozen=True, eq=False)
class _Said:
    sentences: tuple[str, ...]
    times_s: tuple[tuple[float, float] | None, ...]
    gaze: tuple[UInt8 | None, ...]


def _written(report: tuple[str, ...]) -> _Said:
    """The report's sentences, which nobody's gaze belongs to."""
    return _Said(report, (None,) * len(report), (None,) * len(report))


def _spoken(record: Record, track: GazeTrack, shape: tuple[int, int] | None, grid: Grid) -> _Said:
    """The dictated sentences, their times and maps; without maps where the film's size is not known."""
    size = shape or (1, 1)
    own = track.for_film(size, dicom_id=record.film.dicom_id) if shape else track.select(slice(0, 0))
    maps = build_sentence_maps(own, size, grid.hw, grid.box_px(size))
    texts = tuple(sentence.text for sentence in maps.sentences)
    times = tuple((sentence.start_s, sentence.end_s) for sentence in maps.sentences)
    return _Said(texts, times, quantise(maps.heat, maps.has_gaze))


def _film_shape(record: Record, track: GazeTrack, image: FoundImage) -> tuple[int, int] | None:
    """(H, W) of the film that the recording's pixels count: as the data set says, else as the image's header does."""
    said = record.shape_hw or track.frame_hw
    found = None if image.path is None else read_shape(image.path)
    if said is not None and found is not None:
        ratio = (said[0] / said[1]) / (found[0] / found[1])
        if abs(ratio - 1) > SHAPE_TOLERANCE:
            raise GazeError(
                f"its image is {found[0]} x {found[1]}, the recording is of a film of {said[0]} x {said[1]} pixels "
                "(rows x columns): another film, or turned"
            )
    if record.shape_hw is None and said is not None and found is not None and _nearly(said, found):
        return found  # a size that a recording's own looks tell may be a pixel off
    return said or found


def _nearly(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= SIZE_TOLERANCE_PX
