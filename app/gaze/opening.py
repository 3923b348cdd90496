"""From uploaded files, a data set or an example to recordings open on a film; every refusal is one sentence."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.gaze.store import MAX_READERS, OpenGaze, Reader, slim
from egma.errors import GazeError
from egma.gaze.bundle import Bundle, load_bundle, sort_files
from egma.gaze.describe import find_fixations
from egma.gaze.formats import ColumnMapping
from egma.gaze.frame import check_looks
from egma.gaze.merge import check_other_reader
from egma.gaze.recordings import Recordings
from egma.gaze.track import GazeTrack

MAX_FILES = 24
MAX_NAME_CHARS = 60


@dataclass(frozen=True, eq=False)
class Handed:
    """Files that a reader handed over.

    Attributes:
        bundle: what each of them is.
        folder: where they lie, the caller's own.
    """

    bundle: Bundle
    folder: Path

    @property
    def table(self) -> Path | None:
        """The one table whose columns have to be confirmed; None where a recording is among the files."""
        return self.bundle.tables[0] if self.bundle.tables and not self.bundle.recordings else None

    def discard(self) -> None:
        """Delete the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def take_uploads(paths: Sequence[str], uploads: Path) -> Handed:
    """Move uploaded files to a folder of their own and tell what each is.

    Raises:
        GazeError: none or too many, not uploaded here, empty, or nothing that is known.
    """
    if not paths:
        raise GazeError("there is no file; choose a recording")
    if len(paths) > MAX_FILES:
        raise GazeError(f"{len(paths)} files came at once, at most {MAX_FILES} are taken; open the readings one by one")
    root = uploads.resolve()
    folder = root / f"gaze-{secrets.token_hex(12)}"
    folder.mkdir(mode=0o700)
    try:
        moved = [_move(Path(path).resolve(), root, folder / f"file-{number}") for number, path in enumerate(paths)]
        return Handed(sort_files(moved), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _move(path: Path, root: Path, place: Path) -> Path:
    if not path.is_relative_to(root):
        raise GazeError("that file was not uploaded here; open it with the button of this page")
    if not path.is_file():
        raise GazeError("the upload is no longer there; open it again")
    return Path(shutil.move(path, place))


def read_recordings(handed: Handed, mapping: ColumnMapping | None = None) -> list[GazeTrack | Recordings]:
    """Read what was handed over. The files stay while a sequence of recordings reads from them."""
    place = handed.folder / secrets.token_hex(4)
    place.mkdir()
    return load_bundle(handed.bundle, place, mapping=mapping)


def place_reader(track: GazeTrack, shape: tuple[int, int], number: int, dicom_id: str | None = None) -> Reader:
    """A recording on a film of `shape` (H, W), refused where it is of another film.

    Raises:
        GazeError: the film's id or size is not the recording's, hardly a look falls on the film, or it has no fixation.
    """
    placed = track.for_film(shape, dicom_id=dicom_id)
    fixations = find_fixations(placed)
    check_looks(fixations, shape)
    samples = slim(placed) if placed.kind == "samples" else None
    fixations = replace(fixations, frame_hw=shape, stretched=False)
    return Reader(_name(track, number), fixations, samples, track.notes)


def add_reader(gaze: OpenGaze, reader: Reader, *, beside: bool) -> OpenGaze:
    """The recording alone on the film, or beside those that are open.

    Raises:
        GazeError: as many are open as can be told apart, or it is open already, or it names another film than they do.
    """
    readers = gaze.readers if beside else ()
    for each in readers:
        check_other_reader(reader.fixations, each.fixations, each.name)
    if len(readers) >= MAX_READERS:
        raise GazeError(f"{MAX_READERS} readers are open, more cannot be told apart by colour; close one first")
    names = {each.name for each in readers}
    name, count = reader.name, 2
    while name in names:
        name, count = f"{reader.name} ({count})", count + 1
    return replace(gaze, key="", readers=(*readers, replace(reader, name=name)))


def _name(track: GazeTrack, number: int) -> str:
    """A short name: the source's own id where that says anything, else a number."""
    name = "".join(character for character in track.name if character.isprintable())[:MAX_NAME_CHARS].strip()
    return name if name and name != track.source else f"reader {number}"
