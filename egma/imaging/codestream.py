"""The size a compressed frame gives itself, read from its own header before a decoder allocates anything."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom.uid import UID, RLELossless

from egma.errors import FilmDecodeError
from egma.imaging.dataset import JPEG_2000

_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RST0 to RST7, SOI: markers that stand alone
# Start of frame: SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC); F7 is JPEG-LS (ISO/IEC 14495-1 C.2.2).
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
LOSSLESS = 0xC3  # FrameSize.process of JPEG lossless
_END_OF_IMAGE = b"\xff\xd9"
_DAMAGED = "The film's compressed picture is damaged or cut short; copy or export it again."


@dataclass(frozen=True)
class FrameSize:
    """What a codestream declares.

    Attributes:
        rows: height in pixels.
        columns: width in pixels.
        samples: values per pixel.
        bits: bits per sample.
        process: the JPEG start-of-frame marker's low byte (0xC0 baseline, 0xC1 extended, 0xC2 progressive,
            0xC3 lossless, 0xF7 JPEG-LS); 0 for JPEG 2000.
        names: the component identifiers of a JPEG, one byte each.
    """

    rows: int
    columns: int
    samples: int
    bits: int
    process: int = 0
    names: bytes = b""


def check_codestream(frame: bytes, syntax: UID, rows: int, columns: int, samples: int) -> FrameSize | None:
    """Refuse a compressed frame that is cut short or whose own size is not the header's.

    Returns:
        The codestream's own figures; None for RLE, which names no size.

    Raises:
        FilmDecodeError: no codestream of that kind, cut short, or another size than the DICOM header says.
    """
    if syntax == RLELossless:
        _check_rle(frame, samples)
        return None
    try:
        size = _read_j2k_size(frame) if syntax in JPEG_2000 else _read_jpeg_size(frame)
    except (struct.error, IndexError):
        raise FilmDecodeError(_DAMAGED) from None
    if (size.rows, size.columns, size.samples) != (rows, columns, samples):
        raise FilmDecodeError(
            f"The film's header declares {columns} x {rows} pixels of {samples} samples, its compressed picture "
            f"{size.columns} x {size.rows} of {size.samples}; export it again."
        )
    # Padding after the end is one byte in the standard; some writers pad to a block.
    if syntax not in JPEG_2000 and _END_OF_IMAGE not in frame[-4096:]:
        raise FilmDecodeError(_DAMAGED)
    return size


def _check_rle(frame: bytes, samples: int) -> None:
    """RLE (PS3.5 G.5): a 64-byte header of one segment per byte of a pixel, each beginning within the frame."""
    if len(frame) < 64:
        raise FilmDecodeError(_DAMAGED)
    count, *offsets = struct.unpack_from("<16I", frame)
    starts = offsets[:count]
    ordered = all(start < end for start, end in zip(starts, [*starts[1:], len(frame)], strict=False))
    if not 1 <= count <= 15 or count % samples or starts[0] != 64 or not ordered:
        raise FilmDecodeError(_DAMAGED)


def _read_jpeg_size(frame: bytes) -> FrameSize:
    """JPEG (ISO/IEC 10918-1 B.2.2) and JPEG-LS: walk the marker segments to the start of frame."""
    if frame[:2] != b"\xff\xd8":
        raise FilmDecodeError(_DAMAGED)
    position = 2
    while True:
        if frame[position] != 0xFF:
            raise FilmDecodeError(_DAMAGED)
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _NO_LENGTH:
            position += 2
        elif marker in _START_OF_FRAME:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, position + 4)
            names = frame[position + 10 : position + 10 + 3 * samples : 3]
            return FrameSize(rows, columns, samples, bits, marker, names)
        else:
            position += 2 + struct.unpack_from(">H", frame, position + 2)[0]


def _read_j2k_size(frame: bytes) -> FrameSize:
    """JPEG 2000 and HTJ2K: the SIZ segment (ISO/IEC 15444-1 A.5.1), also inside a JP2 box, which some writers leave."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0:
        raise FilmDecodeError(_DAMAGED)
    right, bottom, left, top = struct.unpack_from(">4I", frame, start + 8)
    (samples,) = struct.unpack_from(">H", frame, start + 40)
    return FrameSize(bottom - top, right - left, samples, (frame[start + 42] & 0x7F) + 1)
