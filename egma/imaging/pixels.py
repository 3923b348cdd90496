"""Stored pixel values of one frame: decoded, cut to the declared bits, with the declared sign."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit, JPEGLossless, RLELossless

from egma.errors import FilmDecodeError, FilmTooLargeError
from egma.imaging.codestream import LOSSLESS, FrameSize, check_codestream
from egma.imaging.dataset import JPEG, JPEG_2000, JPEG_LS, NATIVE
from egma.imaging.header import PixelHeader

_CUT_SHORT = "The film is cut short: it declares {wanted} bytes of pixels and holds {got}; copy or export it again."
_UNDECODED = "The film's compressed picture could not be decoded; export it uncompressed."

# One decoder a syntax: pylibjpeg's OpenJPEG and RLE, CharLS through pyjpegls, Pillow's libjpeg-turbo for 8-bit JPEG,
# and GDCM only for what they cannot do, JPEG lossless and 12-bit JPEG (its memory safety record is the worst).
_PLUGINS: tuple[tuple[tuple[UID, ...], str], ...] = (
    (JPEG_2000, "pylibjpeg"),
    ((RLELossless,), "pylibjpeg"),
    (JPEG_LS, "pyjpegls"),
    (JPEG, "gdcm"),
)


def decode_frame(dataset: Dataset, header: PixelHeader, syntax: UID, frame: int) -> NDArray[Any]:
    """Decode one frame to the values the file stores.

    Args:
        dataset: the parsed file.
        header: its checked Image Pixel module.
        syntax: its transfer syntax.
        frame: which frame, counted from 0.

    Returns:
        (rows, columns), or (rows, columns, 3) for colour, which is RGB whatever it was stored as; integers of the
        declared sign, or floats for Float and Double Float Pixel Data.

    Raises:
        FilmDecodeError: pixels cut short, damaged, or of another size than declared.
    """
    source = dataset[header.keyword].value
    if not isinstance(source, bytes) or not source:
        raise FilmDecodeError("The film's Pixel Data is empty; export it again.")
    if syntax in NATIVE:
        if len(source) < header.native_bytes:
            raise FilmDecodeError(_CUT_SHORT.format(wanted=header.native_bytes, got=len(source)))
        stored = _decode(source, header, syntax, frame, dataset[header.keyword].VR)
    else:
        stored = _decode_compressed(dataset, source, header, syntax, frame)
    shape = (header.rows, header.columns, 3) if header.samples == 3 else (header.rows, header.columns)
    if stored.shape != shape:
        raise FilmDecodeError(_UNDECODED)
    if header.keyword != "PixelData" or syntax in (*JPEG_2000, *JPEG_LS):
        return stored  # these codecs know the precision and the sign, and align the value to bit 0
    return _cut_to_bits(stored, header, shifted=syntax in (*NATIVE, RLELossless))


def _decode_compressed(dataset: Dataset, source: bytes, header: PixelHeader, syntax: UID, frame: int) -> NDArray[Any]:
    """Check one frame's own header, then decode it by itself: undeclared further frames are never touched."""
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    try:
        data = get_frame(source, frame, number_of_frames=header.frames, extended_offsets=offsets)
    except Exception:
        raise FilmDecodeError("The film's compressed frames are damaged or cut short; export it again.") from None
    size = check_codestream(data, syntax, header.rows, header.columns, header.samples)
    try:
        if size is None or syntax not in JPEG:
            return _decode(_wrap(data), header, syntax, 0, "OB")
        return _decode_jpeg(data, header, size)
    except MemoryError:
        raise FilmTooLargeError("The film needs more memory than one film may use; scale it down.") from None
    except Exception:
        raise FilmDecodeError(_UNDECODED) from None


def _wrap(data: bytes) -> bytes:
    """One frame as encapsulated Pixel Data with an empty offset table (PS3.5 A.4)."""
    padded = data + b"\0" * (len(data) % 2)
    return b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0" + len(padded).to_bytes(4, "little") + padded


def _decode(source: bytes, header: PixelHeader, syntax: UID, frame: int, vr: str) -> NDArray[Any]:
    """One frame through pydicom's decoder for the syntax, told only what the checked header says."""
    options: dict[str, Any] = {
        "decoding_plugin": next((name for syntaxes, name in _PLUGINS if syntax in syntaxes), ""),
        "allow_excess_frames": False,
        "rows": header.rows,
        "columns": header.columns,
        "number_of_frames": header.frames if syntax in NATIVE else 1,
        "samples_per_pixel": header.samples,
        "photometric_interpretation": header.photometric,
        "pixel_representation": int(header.signed),
        "planar_configuration": header.planar,
        "bits_allocated": header.bits_allocated,
        "bits_stored": header.bits_stored,
        "pixel_keyword": header.keyword,
        "pixel_vr": vr,
    }
    if syntax not in (*JPEG_2000, *JPEG_LS):
        options["correct_unused_bits"] = False  # `_cut_to_bits` does, and knows High Bit
    array, _ = get_decoder(syntax).as_array(source, index=frame, **options)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _decode_jpeg(data: bytes, header: PixelHeader, size: FrameSize) -> NDArray[Any]:
    """JPEG by the process its own stream names, which some writers put under another transfer syntax."""
    if size.process == LOSSLESS:
        return _decode(_wrap(data), header, JPEGLossless, 0, "OB")
    return _decode_jpeg_8bit(data, header, size) if size.bits == 8 else _decode_jpeg_12bit(data, header, size)


def _decode_jpeg_8bit(data: bytes, header: PixelHeader, size: FrameSize) -> NDArray[np.uint8]:
    """8-bit JPEG through Pillow, to grey or RGB.

    Pillow's libjpeg tells YCbCr from RGB by the JFIF and Adobe markers and by the component names. Where the stream has
    none of these, the DICOM header decides (PS3.5 section 8.2.1).
    """
    from PIL import Image

    with Image.open(BytesIO(data), formats=("JPEG",)) as image:
        if header.samples == 1:
            return np.asarray(image.convert("L"))
        silent = not {"jfif", "adobe_transform"} & set(image.info) and size.names not in (b"RGB", b"rgb")
        if silent and header.photometric == "RGB":
            image.draft("YCbCr", image.size)  # no colour transform: the components are red, green and blue already
            return np.asarray(image)
        return np.asarray(image.convert("RGB"))


def _decode_jpeg_12bit(data: bytes, header: PixelHeader, size: FrameSize) -> NDArray[np.uint16]:
    """12-bit grey JPEG (process 4) through GDCM, which pydicom does not hand it."""
    import gdcm

    if header.samples != 1 or size.bits != 12 or header.bits_allocated != 16:
        raise FilmDecodeError(_UNDECODED)
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data + b"\0" * (len(data) % 2))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.columns, header.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    syntax = gdcm.TransferSyntax.GetTSType(str.__str__(JPEGExtended12Bit))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    # GDCM hands its bytes over as text with surrogates.
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    return np.frombuffer(buffer, "<u2").reshape(header.rows, header.columns)


def _cut_to_bits(stored: NDArray[Any], header: PixelHeader, shifted: bool) -> NDArray[Any]:
    """Keep the declared bits and extend the sign (PS3.5 section 8.1.1): what lies outside may be an old overlay."""
    bits, width = header.bits_stored, stored.dtype.itemsize * 8
    shift = header.high_bit + 1 - bits if shifted else 0
    if bits + shift > width or (bits == width and not shift):
        return stored.view(f"i{stored.dtype.itemsize}") if header.signed and bits <= width else stored
    cells = stored.view(f"u{stored.dtype.itemsize}")
    left = np.left_shift(cells, width - bits - shift)
    return np.right_shift(left.view(stored.dtype) if header.signed else left, width - bits)
