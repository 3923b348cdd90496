"""How a film travels from the reading process to the caller: one JSON header, then raw arrays; never a pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from egma.errors import FilmDecodeError, FilmError, FilmTooLargeError
from egma.imaging.budget import MAX_PIXELS
from egma.types import Display, Float32

MAX_HEADER_BYTES = 100_000
MAX_SENTENCE = 500

_ERRORS: dict[str, type[FilmError]] = {kind.__name__: kind for kind in (FilmError, FilmTooLargeError, FilmDecodeError)}


@dataclass(frozen=True, eq=False)
class Film:
    """What a reader made of one file.

    Attributes:
        pixels: float32 (H, W) in [0, 1], as displayed: bone bright.
        display: the full-range values behind them.
        spacing_mm: (row, column), or None where the file does not say.
        warnings: sentences for the reader, without patient data.
        source: "dicom", "png", "jpeg" or "tiff".
    """

    pixels: Float32
    display: Display
    spacing_mm: tuple[float, float] | None
    warnings: tuple[str, ...]
    source: str


def write_film(stream: BinaryIO, film: Film) -> None:
    """Send a film: header, then `pixels` as float32 and `display.values` as uint16, both in row order."""
    header = {
        "shape": film.pixels.shape,
        "center": film.display.center,
        "width": film.display.width,
        "note": film.display.note,
        "spacing_mm": film.spacing_mm,
        "warnings": film.warnings,
        "source": film.source,
    }
    _write_header(stream, header)
    stream.write(np.ascontiguousarray(film.pixels, np.float32).data.cast("B"))
    stream.write(np.ascontiguousarray(film.display.values, np.uint16).data.cast("B"))
    stream.flush()


def write_error(stream: BinaryIO, error: FilmError) -> None:
    """Send a refusal in place of a film."""
    _write_header(stream, {"error": type(error).__name__, "sentence": str(error)})
    stream.flush()


def read_answer(stream: BinaryIO) -> Film | FilmError:
    """Read what `write_film` or `write_error` sent.

    Raises:
        EOFError: the sender stopped before the end.
        ValueError: the bytes are not an answer; the sender is not to be trusted any further.
    """
    (length,) = struct.unpack("<I", _read_bytes(stream, 4))
    if length > MAX_HEADER_BYTES:
        raise ValueError("the answer's header is too long")
    header = json.loads(_read_bytes(stream, length))
    if "error" in header:
        return _ERRORS[header["error"]](str(header["sentence"])[:MAX_SENTENCE])
    height, width = (int(side) for side in header["shape"])
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError("the answer's shape is out of range")
    pixels = np.empty((height, width), np.float32)
    values = np.empty((height, width), np.uint16)
    for array in (pixels, values):
        _read_into(stream, array.data.cast("B"))
    display = Display(values, float(header["center"]), float(header["width"]), str(header["note"]))
    spacing = header["spacing_mm"]
    return Film(
        pixels=pixels,
        display=display,
        spacing_mm=(float(spacing[0]), float(spacing[1])) if spacing else None,
        warnings=tuple(str(sentence)[:MAX_SENTENCE] for sentence in header["warnings"]),
        source=str(header["source"]),
    )


def _write_header(stream: BinaryIO, header: dict[str, Any]) -> None:
    text = json.dumps(header).encode()
    stream.write(struct.pack("<I", len(text)) + text)


def _read_bytes(stream: BinaryIO, length: int) -> bytes:
    data = bytearray(length)
    _read_into(stream, memoryview(data))
    return bytes(data)


def _read_into(stream: BinaryIO, view: memoryview) -> None:
    """Fill memory that is there already, so that a film is never held twice."""
    readinto: Callable[[memoryview], int] = stream.readinto  # type: ignore[attr-defined]
    filled = 0
    while filled < len(view):
        count = readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
