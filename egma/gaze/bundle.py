"""Files that were handed over together, sorted by content: recordings, their dictation and regions, films.

A data set spreads one reading over several files (REFLACX: fixations, transcription, ellipses, chest box). On disk they
lie beside each other under their own names; dropped on a page they arrive without names, so that content alone says
what is what. A transcription is never joined to a recording by guess: one recording may come with companions, several
only without.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from egma.errors import GazeError
from egma.gaze.formats import FORMATS, ColumnMapping, eyegaze, load_gaze, reflacx
from egma.gaze.formats.head import Head, read_head
from egma.gaze.formats.spans import Progress
from egma.gaze.recordings import Entry, Recordings
from egma.gaze.track import GazeTrack, Word

TRANSCRIPTION = "timestamps_transcription.csv"
TRANSCRIPT = "transcript.json"
_DICOM_AT = 128
_LINES_TRIED = 20
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# What lies beside a recording, by the columns that tell it, and the name under which its loader looks for it.
_BESIDE = (
    (("word", "timestamp_start_word"), TRANSCRIPTION),
    (("xmin", "ymin", "xmax", "ymax", "certainty"), "anomaly_location_ellipses.csv"),
    (("xmin", "ymin", "xmax", "ymax"), "chest_bounding_box.csv"),
    (("id", "eye_tracking_data_discarded"), "metadata.csv"),
    (("dicom_id", "bbox_name"), "bounding_boxes.csv"),
    (("dicom_id", "image_top_pad"), "master_sheet.csv"),
)


@dataclass(frozen=True)
class Bundle:
    """Files told apart.

    Attributes:
        films: pictures and DICOM files.
        recordings: files that hold gaze.
        tables: delimited tables whose columns somebody has to confirm.
        companions: what belongs to a recording, by the name its loader looks for.
    """

    films: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    companions: dict[str, Path] = field(default_factory=dict)


def sort_files(paths: Sequence[Path]) -> Bundle:
    """Tell films, recordings, tables and companions apart by content.

    Raises:
        GazeError: a file is empty or nothing that is known, or two companions are of one kind.
    """
    films: list[Path] = []
    recordings: list[Path] = []
    tables: list[Path] = []
    companions: dict[str, Path] = {}
    for path in paths:
        head = read_head(path)
        name = _companion_name(head)
        if is_film(head):
            films.append(path)
        elif name is not None:
            if name in companions:
                raise GazeError(f"two files are a {name}: add readers one at a time, each with its own")
            companions[name] = path
        elif _is_recording(head):
            recordings.append(path)
        else:
            _check_table(path, head)
            tables.append(path)
    return Bundle(tuple(films), _one_per_reading(recordings), tuple(tables), companions)


def load_bundle(
    bundle: Bundle, folder: Path, *, mapping: ColumnMapping | None = None, on_progress: Progress | None = None
) -> list[GazeTrack | Recordings]:
    """Read a bundle's recordings, each with its companions.

    Args:
        bundle: sorted files; with `mapping`, its one table is the recording.
        folder: an empty folder of the caller's, in which the files are laid out under their loaders' names.
        mapping: which columns of the table hold what.
        on_progress: as in `load_gaze`.

    Raises:
        GazeError: nothing to read, or companions whose recording is not certain.
    """
    sources = bundle.tables if mapping is not None else bundle.recordings
    if not sources:
        raise GazeError(_nothing_to_read(bundle))
    if len(sources) > 1 and bundle.companions:
        raise GazeError(
            f"{len(sources)} recordings came with one {next(iter(bundle.companions))}: which of them it belongs to is "
            "not known; add readers one at a time, each with its own files"
        )
    found: list[GazeTrack | Recordings] = []
    for number, path in enumerate(sources, 1):
        place = folder / f"reading-{number}"
        place.mkdir()
        for name, companion in bundle.companions.items():
            if name != "metadata.csv":  # it names readings, and a dropped file has no name to find there
                _lay(companion, place / name)
        laid = _lay(path, place / "fixations.csv")
        loaded = load_gaze(laid, mapping=mapping, on_progress=on_progress)
        found.append(_with_words(_nameless(loaded, number), place))
    return found


def _lay(source: Path, target: Path) -> Path:
    """The same file under another name, so that a second try still finds the first."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
    return target


def _nameless(loaded: GazeTrack | Recordings, number: int) -> GazeTrack | Recordings:
    """A REFLACX reading is named by its folder, which here is ours."""
    if isinstance(loaded, GazeTrack) and loaded.ids.get("reflacx_id") == f"reading-{number}":
        return replace(loaded, ids={"recording": f"reading {number}"})
    return loaded


def _with_words(loaded: GazeTrack | Recordings, place: Path) -> GazeTrack | Recordings:
    """The dictation that came along, for a recording whose loader does not look for it there."""
    words: tuple[Word, ...] = ()
    if (place / TRANSCRIPT).is_file():
        words = eyegaze.load_transcript(place / TRANSCRIPT)
    elif (place / TRANSCRIPTION).is_file():
        words = reflacx.load_words(place / TRANSCRIPTION)
    if not words:
        return loaded
    if isinstance(loaded, Recordings):
        if len(loaded) > 1:
            raise GazeError(
                f"the file holds {len(loaded)} recordings and one dictation came with it: whose it is is not known; "
                "send the rows of one recording, or open the whole data set's folder"
            )
        return Recordings([_spoken(loaded.entries[0], words)], loaded.skipped)
    return replace(loaded, words=words)


def _spoken(entry: Entry, words: tuple[Word, ...]) -> Entry:
    load: Callable[[], GazeTrack] = entry.load
    return Entry(entry.name, lambda: replace(load(), words=words), entry.ids)


def _companion_name(head: Head) -> str | None:
    if head.text.lstrip().startswith("{") and '"time_stamped_text"' in head.text:
        return TRANSCRIPT
    return next((name for columns, name in _BESIDE if head.has(*columns)), None)


def is_film(head: Head) -> bool:
    """Whether a file begins as a picture or a DICOM film does."""
    return head.data.startswith(_PICTURES) or head.data[_DICOM_AT : _DICOM_AT + 4] == b"DICM"


def _is_recording(head: Head) -> bool:
    return any(each.matches(head) for each in FORMATS if each.name != "table")


def _check_table(path: Path, head: Head) -> None:
    """A table whose columns can be chosen; anything else is refused in the words of `load_gaze`."""
    if head.text and len(head.columns) > 1 and any(_numbers_in(line, head) > 1 for line in _first_lines(head)):
        return
    load_gaze(path)  # raises for all but a table that begins with many blinks


def _first_lines(head: Head) -> list[str]:
    """The first few lines below the header."""
    return [line for line in head.text.splitlines()[1:] if line.strip()][:_LINES_TRIED]


def _numbers_in(line: str, head: Head) -> int:
    """How many cells of a line are numbers."""
    count = 0
    for cell in line.split(head.separator):
        try:
            float(cell.strip().strip('"'))
        except ValueError:
            continue
        count += 1
    return count


def _one_per_reading(paths: list[Path]) -> tuple[Path, ...]:
    """A REFLACX reading's fixations stand for its raw samples where exactly one of each was handed over."""
    heads = {path: read_head(path) for path in paths}
    samples = [path for path, head in heads.items() if head.has(reflacx.SAMPLE)]
    fixations = [path for path, head in heads.items() if head.has(reflacx.START)]
    if len(paths) == 2 and len(samples) == len(fixations) == 1:
        return (fixations[0],)
    return tuple(paths)


def _nothing_to_read(bundle: Bundle) -> str:
    if bundle.companions:
        return (
            f"there is a {next(iter(bundle.companions))} and no recording: choose the fixations or gaze file "
            "of the same reading together with it"
        )
    if bundle.films:
        return "a picture or a DICOM film is no recording: choose the fixations or gaze file that belongs to it"
    return "there is no recording among the files: choose a fixations or gaze file"
