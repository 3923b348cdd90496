"""PNG, JPEG and TIFF to a film as displayed, at the file's full depth. Runs in the reading process."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from egma.errors import FilmDecodeError, FilmError
from egma.imaging.budget import check_size
from egma.imaging.levels import robust_range
from egma.imaging.load import CONSTANT_WARNING
from egma.imaging.sniff import Kind
from egma.imaging.tones import TOP, mix_luminance
from egma.imaging.wire import Film
from egma.types import Display, Float32

COLOUR_WARNING = "The picture is in colour; it is read and shown as grey."
COLOUR_TOLERANCE = 12  # of 255: grey films saved as colour JPEG differ by a few
ORIENTATION_TAG = 0x0112  # EXIF and TIFF 6.0
FILLED_SHARE = 0.5  # a 16-bit film whose values span less of the range was not scaled to it


@dataclass
class _Picture:
    """A grey picture on its way to a film: float32 (H, W), the value of white, and what to say."""

    grey: Float32
    white: float
    note: str
    warnings: list[str] = field(default_factory=list)


def read_raster(data: bytes, kind: Kind, frame: int | None) -> Film:
    """Read one page of a PNG, JPEG or TIFF file.

    Args:
        data: the whole file.
        kind: what its first bytes say it is; no other decoder is tried.
        frame: which page, counted from 0; None for the first.

    Raises:
        FilmError: see `egma.imaging.load_study`.
    """
    Image.MAX_IMAGE_PIXELS = None  # the size is checked below, before anything is decoded, for every kind alike
    try:
        with Image.open(BytesIO(data), formats=(kind.upper(),)) as image:
            check_size(image.height, image.width, 1)
            said = _choose_page(image, frame)
            picture = _read_deep_png(data) if kind == "png" else None
            picture = picture or _read_grey(image, kind)
            picture.grey = _turn(picture.grey, image)
    except (FilmError, MemoryError):
        raise
    except Exception:
        raise FilmDecodeError(
            f"The {kind.upper()} file is damaged or cut short and could not be decoded; export it again."
        ) from None
    picture.warnings[:0] = said
    return _finish(picture, kind)


def warm_up() -> None:
    """Load the three format plugins, and no other."""
    from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin

    del JpegImagePlugin, PngImagePlugin, TiffImagePlugin


def _choose_page(image: Image.Image, frame: int | None) -> list[str]:
    """Turn to the page asked for and check its size, as pages may differ."""
    pages = int(getattr(image, "n_frames", 1))
    if frame is not None and frame >= pages:
        raise FilmError(f"The file holds {pages} pages; page {frame} (counted from 0) is not among them.")
    if frame:
        image.seek(frame)
        check_size(image.height, image.width, 1)
    return [f"The file holds {pages} pages; the first is shown."] if pages > 1 and frame is None else []


def _read_grey(image: Image.Image, kind: Kind) -> _Picture:
    """Any Pillow mode to grey, without ever narrowing a 16-bit grey."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _read_deep(image)
    warnings = []
    if _has_deep_colour(image, kind):
        warnings.append("The file's 16-bit colour is read at 8 bits.")
    if image.has_transparency_data:
        layers = np.asarray(image.convert("RGBA"))
        grey, said = _mix(layers)
        grey *= layers[..., 3] / np.float32(255.0)
        return _Picture(grey, 255.0, "full range of 8 bits", warnings + said)
    if mode in ("1", "L"):
        return _Picture(np.asarray(image.convert("L"), np.float32), 255.0, "full range of 8 bits", warnings)
    grey, said = _mix(np.asarray(image.convert("RGB")))
    return _Picture(grey, 255.0, "full range of 8 bits", warnings + said)


def _mix(rgb: NDArray[np.uint8]) -> tuple[Float32, list[str]]:
    """(H, W, 3 or more) in 0..255 to luminance in 0..255; a sentence where the picture really has colour."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if not spread.any():  # a grey film in a colour file: exactly its grey
        return red.astype(np.float32), []
    coloured = float((spread > COLOUR_TOLERANCE).mean()) > 0.001
    return mix_luminance(rgb), [COLOUR_WARNING] if coloured else []


def _read_deep(image: Image.Image) -> _Picture:
    """16-bit, 32-bit and floating point grey."""
    image.load()
    values = np.asarray(image)
    if values.dtype.byteorder not in "=|":
        values = values.astype(values.dtype.newbyteorder("="))
    if getattr(image, "tag_v2", {}).get(262) == 0 and image.mode != "F":  # TIFF WhiteIsZero; Pillow leaves these alone
        values = int(65535 if image.mode.startswith("I;16") else values.max()) - values
    return _scale_deep(values)


def _scale_deep(values: NDArray[Any]) -> _Picture:
    """White is the top of the range where the film fills it; else the range is taken from the film's own values."""
    warnings: list[str] = []
    grey = values.astype(np.float32)
    finite = np.isfinite(grey)
    if not finite.all():
        warnings.append("Some pixels are not numbers; they are shown as air.")
        grey = np.where(finite, grey, grey[finite].min() if finite.any() else 0.0).astype(np.float32)
    low, high = float(grey.min()), float(grey.max())
    top = 1.0 if values.dtype.kind == "f" and high <= 1.0 else TOP
    if low >= 0 and high <= top:
        inner, outer = _own_range(values, grey)
        if top == 1.0 or outer - inner >= FILLED_SHARE * TOP:
            return _Picture(grey, top, "full range of 16 bits" if top == TOP else "values 0 to 1", warnings)
    else:
        inner, outer = _own_range(values, grey)
    width = outer - inner if outer > inner else 1.0
    return _Picture((grey - np.float32(inner)) / np.float32(width), 1.0, "range of the film's own values", warnings)


def _own_range(values: NDArray[Any], grey: Float32) -> tuple[float, float]:
    """The whole range of a film, or its percentiles where a marker or a border stretches that."""
    if values.dtype == np.uint16:
        counts = np.bincount(values.ravel())
        steps = np.arange(len(counts), dtype=np.float64)
    else:
        steps, counts = np.unique(grey, return_counts=True)
    low, high = robust_range(steps.astype(np.float64), counts.astype(np.float64))
    slack = 0.1 * (high - low)
    return min(low, max(float(grey.min()), low - slack)), max(high, min(float(grey.max()), high + slack))


def _read_deep_png(data: bytes) -> _Picture | None:
    """A 16-bit grey PNG with alpha at full depth, flattened on black; None for every other PNG.

    Pillow narrows this kind to 8 bits. Its rows, filters and interlace are byte for byte those of 8-bit RGBA (four
    bytes a pixel, PNG section 9.2), so the file is re-labelled, and the four channels are the two values' high and low
    bytes.
    """
    depth, colour = data[24], data[25]
    if (depth, colour) != (16, 4):
        return None
    header = data[12:24] + b"\x08\x06" + data[26:29]
    relabelled = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    with Image.open(BytesIO(relabelled), formats=("PNG",)) as image:
        pairs = np.asarray(image).view(">u2").astype(np.float32)
    return _scale_deep(np.rint(pairs[..., 0] * (pairs[..., 1] / np.float32(TOP))).astype(np.uint16))


def _has_deep_colour(image: Image.Image, kind: Kind) -> bool:
    """Whether Pillow has narrowed 16-bit colour to 8 bits."""
    if kind == "tiff":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8
    tiles = getattr(image, "tile", None)
    return kind == "png" and bool(tiles) and "16" in str(tiles[0][3])


def _turn(grey: Float32, image: Image.Image) -> Float32:
    """Obey the EXIF orientation: what was the top is the top again. Pillow has turned TIFF by itself already."""
    orientation = image.getexif().get(ORIENTATION_TAG, 1)
    if image.format == "TIFF":
        return grey
    if orientation in (5, 6, 7, 8):
        grey = grey.T
    if orientation in (3, 4, 7, 8):
        grey = grey[::-1]
    if orientation in (2, 3, 6, 7):
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)


def _finish(picture: _Picture, kind: Kind) -> Film:
    pixels = np.clip(picture.grey / np.float32(picture.white), 0.0, 1.0).astype(np.float32)
    if picture.grey.min() == picture.grey.max():
        picture.warnings.append(CONSTANT_WARNING)
    display = Display(np.rint(pixels * TOP).astype(np.uint16), TOP / 2, TOP, picture.note)
    return Film(pixels, display, None, tuple(picture.warnings), kind)
