"""What a file is by its first bytes, never by its name; anything but a film is refused in one sentence."""

from __future__ import annotations

import struct
from typing import Literal

from egma.errors import FilmError

Kind = Literal["dicom", "png", "jpeg", "tiff"]

HEAD_BYTES = 512
PREAMBLE_BYTES = 128
ACCEPTED = "DICOM, PNG, JPEG or TIFF"

_RASTERS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)

# PS3.10 section 7.1 leaves the preamble free, so that one file can be a DICOM film and a program at once.
# TIFF is the one second face with a use (whole slide images); every other is refused.
_POLYGLOTS = (
    b"MZ",
    b"\x7fELF",
    b"%PDF",
    b"PK",
    b"<",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
)

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\0\0\0\x0cjP  ", "a bare JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 codestream"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\x5c\x01\0\0", "a NIfTI volume"),
    (b"n+1\0", "a NIfTI volume"),
    (b"NRRD", "an NRRD volume"),
)

_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)


def detect_kind(head: bytes) -> Kind:
    """Tell which reader a file belongs to.

    Args:
        head: the file's first HEAD_BYTES bytes (fewer where the file is shorter).

    Raises:
        FilmError: the bytes are of no accepted kind, or of two kinds at once.
    """
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        if head.startswith(_POLYGLOTS):
            raise FilmError(
                "The file is a DICOM film and something else at once (its preamble starts another file type), "
                "which is unsafe; export the film again with an empty preamble."
            )
        return "dicom"
    for signature, kind in _RASTERS:
        if head.startswith(signature):
            return kind
    if _starts_like_a_dataset(head):
        return "dicom"
    raise FilmError(f"The file is {_name_stranger(head)}, not a film; {ACCEPTED} is accepted.")


def _starts_like_a_dataset(head: bytes) -> bool:
    """Whether a file without the DICM mark starts with a plausible data element of group 0002 or 0008.

    Old archives drop the 128-byte preamble; such a file starts with the first tag (PS3.5 section 7.1).
    """
    if len(head) < 16:
        return False
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group not in (0x0002, 0x0008) or element > 0x2000:
            continue
        if head[4:6] in _VALUE_REPRESENTATIONS:
            return True
        (length,) = struct.unpack_from(f"{order}I", head, 4)  # implicit VR: a 32-bit length, short for these tags
        if length <= 256 and length % 2 == 0:
            return True
    return False


def _name_stranger(head: bytes) -> str:
    """Words for a file of no accepted kind; never quotes its content."""
    for signature, words in _STRANGERS:
        if head.startswith(signature):
            return words
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    if head[4:8] == b"ftyp":
        return "an HEIC or AVIF picture" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"hevc") else "a video"
    if head.lstrip()[:1] == b"<":
        return "a web page or XML text"
    if head and all(byte in b"\t\n\r\f\b" or 32 <= byte < 127 or byte >= 128 for byte in head):
        return "text"
    return "of an unknown kind"
