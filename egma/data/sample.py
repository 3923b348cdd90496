"""One film as training sees it: picture, sentences, findings, and where a reader looked while saying each sentence.

Every data set becomes a `SampleSet` of these, whatever its layout, with a list of what was left out and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError
from egma.findings import FINDINGS

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
PRESENT, ABSENT, UNCERTAIN = 1, 0, -1
UNKNOWN = (None,) * len(FINDINGS)
UInt8 = NDArray[np.uint8]
Labels = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """One film with what is known of it.

    Attributes:
        id: unique in its set, such as "reflacx-P300R000001".
        patient, study, film: the source's own ids, "" where it has none; recordings of one film share `film`.
        split: "train", "val" or "test"; all films of a patient have the same.
        image_path: the film's file, below the root that the user named; None where it is not there.
        image_note: why there is no `image_path`; "" where there is one.
        sentences: as dictated; the report's where nothing was dictated.
        times_s: for each sentence, when it was spoken on the recording's clock (start, end), or None.
        labels: for each of `egma.findings.FINDINGS`: 1 present, 0 absent, -1 uncertain, None unknown.
        gaze: for each sentence, uint8 (gh, gw) on the patch grid, 255 at its peak; None where it has no gaze.
        report: sentences of the study's written report, where the user has it; without gaze.
        source: the data set, such as "reflacx", "eyegaze", "manifest", "phantoms".
        reader: who was recorded, where the source says.
        simulated: the gaze was made by a program, not recorded from a person.
        shape_hw: (H, W) of the film in pixels, where known without opening it.
        view, sex, age, licence: as the source has them; "" or None where it does not say.
    """

    id: str
    patient: str
    split: Split
    image_path: Path | None = None
    image_note: str = ""
    study: str = ""
    film: str = ""
    sentences: tuple[str, ...] = ()
    times_s: tuple[tuple[float, float] | None, ...] = ()
    labels: Labels = UNKNOWN
    gaze: tuple[UInt8 | None, ...] = ()
    report: tuple[str, ...] = ()
    source: str = ""
    reader: str = ""
    simulated: bool = False
    shape_hw: tuple[int, int] | None = None
    view: str = ""
    sex: str = ""
    age: float | None = None
    licence: str = ""

    @property
    def has_gaze(self) -> bool:
        """Whether any sentence has gaze."""
        return any(each is not None for each in self.gaze)

    def without_gaze(self) -> Sample:
        """The same film with its gaze withheld."""
        return replace(self, gaze=(None,) * len(self.gaze))


@dataclass(frozen=True)
class Dropped:
    """A recording or film that was left out, by name, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set, as one sentence that names its rows.

    Attributes:
        kind: a short name, such as "missing image" or "patient in two splits".
        sentence: what is wrong, how often, the first few by row, and what to do.
        count: how many rows have it.
        rows: the first few rows' numbers in the file (the header is row 1); empty where it has none.
        blocking: True where nothing sound can be trained before it is mended.
    """

    kind: str
    sentence: str
    count: int = 1
    rows: tuple[int, ...] = ()
    blocking: bool = True


@dataclass(frozen=True)
class GazeChoice:
    """Which share of the training films that have gaze may show it, and the seed of the choice.

    The choice is nested: the films of a smaller share are among those of a larger one with the same seed. Validation
    and test keep theirs, so that runs of different shares are measured alike.
    """

    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:  # NaN too
            raise DataError(f"the share of gaze is wanted between 0 and 1, got {self.share}")


@dataclass(frozen=True, eq=False)
class SampleSet(Sequence[Sample]):
    """The films of one data set, in a fixed order.

    Attributes:
        samples: what can be used.
        dropped: what was left out, by name, and why.
        problems: what is wrong with the data as one sentence each; blocking ones first.
        source: the layout that was read.
        grid_hw: rows and columns of the gaze maps; None where no film has any.
        choice: the share of gaze that was chosen, and its seed.
        digest: SHA-256 over ids, splits, sentences, labels and gaze: equal sets have equal digests.
    """

    samples: tuple[Sample, ...]
    dropped: tuple[Dropped, ...] = ()
    problems: tuple[Problem, ...] = ()
    source: str = ""
    grid_hw: tuple[int, int] | None = None
    choice: GazeChoice = field(default_factory=GazeChoice)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> SampleSet: ...
    def __getitem__(self, index: int | slice) -> Sample | SampleSet:
        found = self.samples[index]
        return replace(self, samples=found) if isinstance(found, tuple) else found

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def only(self, split: Split) -> tuple[Sample, ...]:
        """The films of one split."""
        return tuple(sample for sample in self.samples if sample.split == split)

    @property
    def digest(self) -> str:
        """SHA-256 over what training reads, pictures excepted."""
        from egma.data.digest import digest_samples

        return digest_samples(self.samples)


def gaze_heat(sample: Sample, grid_hw: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(heat float32 (M, gh, gw) in [0, 1], has_gaze bool (M,)) of a film's M sentences; zeros without gaze.

    Maps of another grid are refused: they are rebuilt from the recordings, never resized.
    """
    heat = np.zeros((len(sample.sentences), *grid_hw), np.float32)
    has_gaze = np.zeros(len(sample.sentences), np.bool_)
    for row, each in enumerate(sample.gaze):
        if each is None:
            continue
        if each.shape != tuple(grid_hw):
            raise DataError(
                f"the gaze maps of {sample.id[:60]} are {each.shape[0]} x {each.shape[1]}, wanted "
                f"{grid_hw[0]} x {grid_hw[1]}; build the data again with that grid"
            )
        heat[row] = each.astype(np.float32) / np.float32(255)
        has_gaze[row] = True
    return heat, has_gaze
