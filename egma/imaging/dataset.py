"""DICOM bytes to a parsed data set: allowed transfer syntaxes only, and never more inflated bytes than the budget."""

from __future__ import annotations

import zlib
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from egma.errors import FilmDecodeError, FilmError, FilmTooLargeError
from egma.imaging.budget import MAX_INFLATED_BYTES
from egma.imaging.sniff import PREAMBLE_BYTES

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
JPEG_2000 = (JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)
ALLOWED = (*NATIVE, *JPEG, *JPEG_LS, *JPEG_2000, RLELossless)

_DAMAGED = "The DICOM file is damaged or cut short; copy or export it again."


def parse_dataset(data: bytes) -> tuple[Dataset, UID]:
    """Parse a whole DICOM file.

    Args:
        data: the file's bytes, with or without the 128-byte preamble and the file meta information.

    Returns:
        The data set and its transfer syntax, one of ALLOWED.

    Raises:
        FilmError: not a film (a DICOMDIR), or a transfer syntax that is not read.
        FilmTooLargeError: a deflated data set that unpacks to more than MAX_INFLATED_BYTES.
        FilmDecodeError: bytes that do not parse.
    """
    meta, start = _read_meta(data)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise FilmError("The file is a DICOMDIR, the index of a disc; choose one of the films beside it.")
    declared = meta.get("TransferSyntaxUID")
    if declared is not None and declared not in ALLOWED:
        raise FilmError(
            f"The film is stored as {_name_syntax(declared)}, which is not read; "
            "export it as uncompressed, JPEG, JPEG-LS, JPEG 2000 or RLE."
        )
    try:
        deflated = declared == DeflatedExplicitVRLittleEndian
        dataset = _parse_deflated(data[start:]) if deflated else dcmread(BytesIO(data), force=True)
    except (FilmError, MemoryError):
        raise
    except Exception:
        raise FilmDecodeError(_DAMAGED) from None
    if not len(dataset):  # the parser drops everything it has read when the file ends inside an element
        raise FilmDecodeError(_DAMAGED)
    return dataset, UID(declared) if declared else _guess_syntax(dataset)


def _read_meta(data: bytes) -> tuple[Dataset, int]:
    """File meta information, group 0002 in explicit VR little endian (PS3.10 7.1), and where the data set starts."""
    stream = BytesIO(data)
    start = PREAMBLE_BYTES + 4 if data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM" else 0
    if data[start : start + 2] != b"\x02\0":  # an old file without it
        return Dataset(), start
    stream.seek(start)
    try:
        meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
        _ = meta.get("TransferSyntaxUID"), meta.get("MediaStorageSOPClassUID")
    except Exception:
        raise FilmDecodeError(_DAMAGED) from None
    return meta, stream.tell()


def _parse_deflated(data: bytes) -> Dataset:
    """Inflate what follows group 0002 within the budget, then parse it as explicit VR (PS3.5 A.5)."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, MAX_INFLATED_BYTES)
    except zlib.error:
        raise FilmDecodeError(_DAMAGED) from None
    if inflater.unconsumed_tail:
        raise FilmTooLargeError(
            f"The deflated film unpacks to more than {MAX_INFLATED_BYTES // 1_000_000} MB, which no film needs; "
            "export it uncompressed."
        )
    if not inflater.eof:
        raise FilmDecodeError(_DAMAGED)
    dataset = read_dataset(BytesIO(inflated), False, True)
    return FileDataset(BytesIO(), dataset, is_implicit_VR=False, is_little_endian=True)


def _guess_syntax(dataset: Dataset) -> UID:
    """The plain syntax that parsed, for a file that names none. Compressed pixels cannot be guessed."""
    implicit, little = dataset.original_encoding
    if not little:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _name_syntax(uid: str) -> str:
    """The standard's own name of a transfer syntax, or words without the file's text for one unknown."""
    name = UID(str(uid)).name
    return name if name != str(uid) and len(name) < 80 else "an unknown transfer syntax"
