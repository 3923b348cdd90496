"""Opens a recording in any supported format, told apart by content, never by name.

To add a format: a module with `matches(head)` and `load(head)`, and a line in FORMATS, before the more general ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from egma.errors import GazeError
from egma.gaze.formats import eyegaze, eyelink, generic, mimic_eye, pickles, reflacx, scanpath_json, tobii
from egma.gaze.formats.columns import ColumnMapping, guess_mapping
from egma.gaze.formats.head import Head, read_head
from egma.gaze.formats.spans import Progress
from egma.gaze.formats.strangers import name_stranger
from egma.gaze.recordings import Recordings
from egma.gaze.track import GazeTrack

__all__ = ["FORMATS", "ColumnMapping", "Format", "guess_mapping", "index_folder", "load_gaze", "read_head"]


@dataclass(frozen=True)
class Format:
    """One file format: its name for a reader, how it is recognised, and how it is read."""

    name: str
    matches: Callable[[Head], bool]
    load: Callable[[Head], GazeTrack | Recordings]


FORMATS = (
    Format("pickle", pickles.matches, pickles.load),
    Format("scan-path JSON", scanpath_json.matches, scanpath_json.load),
    Format("EyeLink", eyelink.matches, eyelink.load),
    Format("REFLACX", reflacx.matches, reflacx.load),
    Format("EyeGaze", eyegaze.matches, eyegaze.load),
    Format("Tobii", tobii.matches, tobii.load),
    Format("table", generic.matches, generic.load),
)


def load_gaze(
    path: str | PathLike[str], *, mapping: ColumnMapping | None = None, on_progress: Progress | None = None
) -> GazeTrack | Recordings:
    """Open a recording, or a whole data set's folder.

    Args:
        path: a file in any supported format, or the root of REFLACX, EyeGaze or MIMIC-EYE.
        mapping: which columns hold what; reads the file as a plain table.
        on_progress: called with (done, all) while a large file or folder is indexed.

    Returns:
        The recording; or, for a file or folder that holds many, a lazy sequence of them whose `skipped` names those
        left out and why.

    Raises:
        GazeError: not a recording, damaged, or not what its header says.
    """
    place = Path(path)
    if place.is_dir():
        return index_folder(place, on_progress)
    head = read_head(place)
    if mapping is not None:
        return generic.load(head, mapping)
    for each in FORMATS:
        if each.matches(head):
            return eyegaze.load(head, on_progress) if each.load is eyegaze.load else each.load(head)
    raise GazeError(name_stranger(head))


def index_folder(folder: Path, on_progress: Progress | None = None) -> GazeTrack | Recordings:
    """Every recording of a data set's root, lazily; one REFLACX reading for a reading's own folder."""
    if mimic_eye.matches(folder):
        return mimic_eye.index(folder, on_progress)
    if (folder / "main_data").is_dir() or any(folder.glob("metadata*.csv")) or any(folder.glob("P*R*/fixations.csv")):
        return reflacx.index(folder)
    for name in ("fixations.csv", "eye_gaze.csv", "gaze.csv"):
        if (folder / name).is_file():
            head = read_head(folder / name)
            return eyegaze.index(folder, on_progress) if eyegaze.matches(head) else load_gaze(folder / name)
    raise GazeError(
        "the folder is no data set that is known: wanted REFLACX (main_data), EyeGaze (fixations.csv with "
        "master_sheet.csv), MIMIC-EYE (patient_*), or one recording's file"
    )
