"""One call from a file, or an array, to a Study; every refusal is one sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from egma.errors import FilmError
from egma.imaging import pool
from egma.imaging.budget import check_file_bytes, check_size
from egma.imaging.sniff import HEAD_BYTES, detect_kind
from egma.types import Display, Float32, Study

CONSTANT_WARNING = "Every pixel of the film has the same value: there is nothing to see on it."


def load_study(path: str | os.PathLike[str], *, frame: int | None = None) -> Study:
    """Read a film as it is meant to be displayed.

    The file is recognised by its content, never by its name. It is parsed and decoded in a separate, limited process.

    Args:
        path: a DICOM, PNG, JPEG or TIFF file.
        frame: which frame (or page) of a file with several, counted from 0; by default the first, with a warning.

    Returns:
        The film, bone bright. `spacing_mm` is Pixel Spacing, else Imager Pixel Spacing (at the detector, so a little
        larger than the patient), else Nominal Scanned Pixel Spacing; None for PNG, JPEG and TIFF.

    Raises:
        FilmError: the file cannot be read as a film; FilmTooLargeError and FilmDecodeError say more closely why.
    """
    _check_frame(frame)
    absolute = _check_file(path)
    film = pool.read_out_of_process(absolute, None if frame is None else int(frame))
    study = Study(
        pixels=film.pixels,
        spacing_mm=film.spacing_mm,
        warnings=list(film.warnings),
        display=film.display,
        source=film.source,
    )
    from egma.imaging.view import check_view  # brings Pillow's resize along: not before a film is there

    study.warnings.extend(sentence for sentence in check_view(study) if sentence not in study.warnings)
    return study


def study_from_array(
    pixels: ArrayLike, spacing_mm: tuple[float, float] | None = None, warnings: Iterable[str] = ()
) -> Study:
    """Make a Study of pixels that are already as displayed.

    Args:
        pixels: (H, W), any real dtype, in [0, 1] (bool counts as 0 and 1): bone bright. NaN becomes 0, with a warning.
        spacing_mm: (row, column) distance between pixel centres.
        warnings: sentences a reader should see.

    Raises:
        FilmError: the array is not a grey picture in [0, 1], or is above the size budget.
    """
    array = _check_array(pixels)
    sentences = list(warnings)
    if not np.isfinite(array).all():
        array = np.nan_to_num(array, nan=0.0, posinf=1.0, neginf=0.0)
        sentences.append("Some pixels are not numbers; they are shown as air.")
    if array.min() == array.max():
        sentences.append(CONSTANT_WARNING)
    clipped: Float32 = np.clip(array, 0.0, 1.0, dtype=np.float32)
    values = np.rint(clipped * 65535.0).astype(np.uint16)
    display = Display(values, center=32767.5, width=65535.0, note="the array's own values")
    return Study(clipped, spacing_mm, sentences, display, source="array")


def warm_up() -> None:
    """Start the reading process ahead of the first film. Returns at once."""
    pool.warm_up()


def _check_array(pixels: ArrayLike) -> Float32:
    array = np.asarray(pixels)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise FilmError(
            f"A film must be a grey picture of shape (H, W); got shape {array.shape} of {array.dtype}. "
            "Choose one channel or take the mean."
        )
    check_size(*array.shape)
    array = array.astype(np.float32)
    finite = array[np.isfinite(array)]
    if finite.size and (finite.min() < -1e-4 or finite.max() > 1.0001):
        raise FilmError(
            f"A film's pixels must lie in [0, 1]; got {finite.min():g} to {finite.max():g}. "
            "Divide by the full range first."
        )
    return array


def _check_frame(frame: int | None) -> None:
    if frame is not None and (isinstance(frame, bool) or not isinstance(frame, int | np.integer) or frame < 0):
        raise FilmError("The frame must be a whole number, counted from 0; leave it out for the first frame.")


def _check_file(path: str | os.PathLike[str]) -> str:
    """Refuse early, in this process, what never needs a decoder. Reads no more than the first bytes."""
    try:
        file = Path(path).absolute()
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FilmError("The path is a folder; choose one film inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise FilmError("The path is not an ordinary file; copy the film to disk first.")
        check_file_bytes(status.st_size)
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise FilmError("There is no file at the given path; check its name and folder.") from None
    except PermissionError:
        raise FilmError("The file may not be read by this user; change its permissions or copy it.") from None
    except (OSError, ValueError, TypeError):  # a NUL in the name, a name too long, a medium that fails
        raise FilmError("The file cannot be opened; check its name and that its disk is there.") from None
    detect_kind(head)
    return str(file)
