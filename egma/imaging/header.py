"""What a DICOM header says about its pixels, checked before any pixel is touched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from egma.errors import FilmDecodeError, FilmError
from egma.imaging.budget import check_size
from egma.imaging.dataset import NATIVE

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")
PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True)
class Tags:
    """Safe reading of a data set: per-frame macros first, then shared ones, then the top level (PS3.3 C.7.6.16).

    A value that does not parse reads as absent. Nothing here puts a value into a message.
    """

    places: tuple[Dataset, ...]

    @classmethod
    def of(cls, dataset: Dataset, frame: int) -> Tags:
        """Tags as they hold for one frame, counted from 0."""
        macros: list[Dataset] = []
        for keyword, index in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
            groups = _items(_value(dataset, keyword))
            if index < len(groups):
                macros.extend(item for e in groups[index] if e.VR == "SQ" for item in _items(e.value)[:1])
        return cls((*macros, dataset))

    def raw(self, keyword: str) -> Any:
        """The first value found that is not empty, else None."""
        for place in self.places:
            value = _value(place, keyword)
            if value is not None and value != "" and not (hasattr(value, "__len__") and len(value) == 0):
                return value
        return None

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All values as finite numbers; empty where absent or where any is not a finite number."""
        value = self.raw(keyword)
        if value is None:
            return ()
        values = value if isinstance(value, list | tuple) or hasattr(value, "__iter__") else [value]
        try:
            numbers = tuple(float(one) for one in values)
        except (TypeError, ValueError):
            return ()
        return numbers if all(map(math.isfinite, numbers)) else ()

    def whole(self, keyword: str, default: int | None = None) -> int | None:
        """The first value as a whole number, else `default`."""
        numbers = self.numbers(keyword)
        return int(numbers[0]) if numbers else default

    def code(self, keyword: str) -> str:
        """The first value of a code string in upper case, else "". For comparing only, never for showing."""
        value = self.raw(keyword)
        if value is None:
            return ""
        first = value[0] if not isinstance(value, str) and hasattr(value, "__getitem__") else value
        return str(first).strip().strip("\0").upper()

    def items(self, keyword: str) -> list[Dataset]:
        """The items of a sequence; empty where absent."""
        return _items(self.raw(keyword))


@dataclass(frozen=True)
class PixelHeader:
    """The Image Pixel module (PS3.3 C.7.6.3), complete and consistent.

    Attributes:
        rows: height in pixels.
        columns: width in pixels.
        samples: values per pixel, 1 or 3.
        frames: how many frames the file declares, at least 1.
        photometric: Photometric Interpretation, one of MONOCHROME or COLOUR.
        bits_allocated: 1, 8, 16, 32 or 64, the width of one cell.
        bits_stored: how many bits of a cell are the value.
        high_bit: the value's most significant bit within the cell.
        signed: whether the value is in two's complement.
        planar: 0 colour by pixel, 1 colour by plane.
        keyword: the element that holds the pixels, one of PIXEL_KEYWORDS.
    """

    rows: int
    columns: int
    samples: int
    frames: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: int
    keyword: str

    @property
    def native_bytes(self) -> int:
        """How many bytes all frames need where they are not compressed."""
        bits = self.rows * self.columns * self.samples * self.frames * self.bits_allocated
        if self.photometric == "YBR_FULL_422":
            bits = bits * 2 // 3  # PS3.3 C.7.6.3.1.2: two pixels share their colour values
        return (bits + 7) // 8


def read_pixel_header(dataset: Dataset, syntax: UID) -> PixelHeader:
    """Read and check the Image Pixel module.

    Raises:
        FilmError: no image in the file, or values that contradict each other.
        FilmDecodeError: a picture is declared and its pixels are missing.
        FilmTooLargeError: a declared size above the budget.
    """
    tags = Tags((dataset,))
    rows, columns = tags.whole("Rows"), tags.whole("Columns")
    keyword = next((name for name in PIXEL_KEYWORDS if name in dataset), None)
    if rows and columns and keyword is None and tags.whole("BitsAllocated"):
        raise FilmDecodeError(
            "The DICOM file declares a picture but its Pixel Data is missing; it may be cut short. "
            "Copy or export it again."
        )
    if rows is None or columns is None or keyword is None:
        raise FilmError(
            "The DICOM file holds no picture (no Pixel Data, Rows or Columns); it may be a report or a plan. "
            "Choose the film itself."
        )
    photometric = tags.code("PhotometricInterpretation")
    samples = tags.whole("SamplesPerPixel") or (3 if photometric in COLOUR[:-1] else 1)
    frames = max(tags.whole("NumberOfFrames", 1) or 1, 1)
    check_size(rows, columns, samples, frames)
    photometric = _check_photometric(photometric, samples)
    allocated, stored, high = _check_bits(tags, keyword, syntax)
    return PixelHeader(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=frames,
        photometric=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=tags.whole("PixelRepresentation", 0) == 1,
        planar=1 if tags.whole("PlanarConfiguration", 0) == 1 else 0,
        keyword=keyword,
    )


def _check_photometric(photometric: str, samples: int) -> str:
    """Photometric Interpretation, or what the number of samples makes likely where the file leaves it out."""
    known = photometric or ("MONOCHROME2" if samples == 1 else "RGB")
    wanted = 1 if known in (*MONOCHROME, "PALETTE COLOR") else 3
    if known not in (*MONOCHROME, *COLOUR) or samples != wanted:
        raise FilmError(
            "The film's Photometric Interpretation is unknown or does not fit its samples per pixel; "
            "export it as MONOCHROME2 or RGB."
        )
    return known


def _check_bits(tags: Tags, keyword: str, syntax: UID) -> tuple[int, int, int]:
    """(bits allocated, bits stored, high bit), with the standard's defaults for what is missing or out of range."""
    allocated = tags.whole("BitsAllocated") or (tags.whole("BitsStored") or 8) + 7 & ~7
    if keyword != "PixelData":
        wanted = 32 if keyword == "FloatPixelData" else 64
        if allocated != wanted or syntax not in NATIVE:
            raise FilmError("The film's floating point pixels are not stored as the standard asks; export it again.")
        return allocated, allocated, allocated - 1
    if allocated not in (1, 8, 16, 32):
        raise FilmError(f"The film uses {allocated} bits a pixel; 1, 8, 16 and 32 are read. Export it at 16 bits.")
    stored = tags.whole("BitsStored") or allocated
    if stored < 1 or stored > allocated:
        raise FilmError(
            f"The film says that {stored} bits are stored in cells of {allocated}, which cannot be; export it again."
        )
    high = tags.whole("HighBit", stored - 1)
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    return allocated, stored, high


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception:  # a value that does not parse, whatever the parser calls it, is an absent value
        return None


def _items(value: Any) -> list[Dataset]:
    try:
        return [item for item in value if isinstance(item, Dataset)] if value is not None else []
    except TypeError:
        return []
