"""Real DICOM bytes for tests: any bit depth, photometric interpretation, table and transfer syntax.

    write_dicom(path, pixels, bits_stored=12, tags={"WindowCenter": 2048, "WindowWidth": 4096})

Every film carries PATIENT_NAME, so that a test can look for it wherever it must not appear.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from egma.testing.encoders import encode_frame

PATIENT_NAME = "Canary^Patient"
CR_IMAGE = UID("1.2.840.10008.5.1.4.1.1.1")


def build_dataset(
    pixels: NDArray[Any],
    *,
    photometric: str = "MONOCHROME2",
    bits_stored: int | None = None,
    high_bit: int | None = None,
    frames: int | None = None,
    tags: Mapping[str, Any] | None = None,
) -> Dataset:
    """A chest CR as a data set, still without pixels.

    Args:
        pixels: (H, W), (H, W, 3), or with a leading axis of frames where `frames` is given; the dtype decides bits
            allocated and sign.
        photometric: Photometric Interpretation.
        bits_stored: Bits Stored; all bits by default.
        high_bit: High Bit; the lowest possible by default.
        frames: Number of Frames; left out by default.
        tags: further elements by keyword. None deletes one.
    """
    colour = pixels.ndim - (frames is not None) == 3
    height, width = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    allocated = pixels.dtype.itemsize * 8
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CR_IMAGE, generate_uid(entropy_srcs=["egma"])
    dataset.PatientName, dataset.PatientID = PATIENT_NAME, "canary-0001"
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "CR", "CHEST", "PA"
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = height, width
    if frames is not None:
        dataset.NumberOfFrames = frames
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = allocated
    if pixels.dtype.kind != "f":
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.BitsStored = bits_stored or allocated
        dataset.HighBit = dataset.BitsStored - 1 if high_bit is None else high_bit
    return _set_tags(dataset, tags or {})


def build_table(
    entries: NDArray[Any], first: int = 0, bits: int = 16, packed: bool = False, signed_first: bool = False
) -> Dataset:
    """One item of a Modality, VOI or Presentation LUT Sequence (PS3.3 C.11.1.1).

    Args:
        entries: (N,) outputs, 1 to 65,536 of them.
        first: the input value of the first entry.
        bits: bits per entry by the descriptor.
        packed: 8-bit entries, two to a 16-bit word, as OW.
        signed_first: write the descriptor as SS.
    """
    item = Dataset()
    count = 0 if len(entries) == 65536 else len(entries)
    item.add_new("LUTDescriptor", "SS" if signed_first else "US", [count, first, bits])
    data = entries.astype(np.uint8 if packed else "<u2").tobytes()
    item.add_new("LUTData", "OW", data + b"\0" * (len(data) % 2))
    return item


def build_bytes(
    dataset: Dataset,
    pixels: NDArray[Any] | None,
    syntax: UID = ExplicitVRLittleEndian,
    *,
    preamble: bytes | None = b"\0" * 128,
    meta: bool = True,
    offset_table: bool = True,
    fragments: int = 1,
) -> bytes:
    """A whole DICOM file.

    Args:
        dataset: the header; pixels are added to it.
        pixels: stored values, or None for a file without Pixel Data.
        syntax: transfer syntax; encapsulated ones go through `egma.testing.encoders`.
        preamble: the first 128 bytes; None leaves preamble and DICM mark out.
        meta: whether to write file meta information (group 0002).
        offset_table: fill the basic offset table of encapsulated pixels.
        fragments: how many fragments an encapsulated frame is split into.
    """
    if pixels is not None:
        _set_pixels(dataset, pixels, syntax, offset_table, fragments)
    file_meta = FileMetaDataset()
    file_meta.TransferSyntaxUID = syntax
    file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CR_IMAGE)
    file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    stream = BytesIO()
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    file = FileDataset(stream, dataset, file_meta=file_meta, is_implicit_VR=implicit, is_little_endian=little)
    file.preamble = preamble if preamble is not None else b"\0" * 128
    with config.disable_value_validation():
        file.save_as(stream, enforce_file_format=True)
    data = stream.getvalue()
    head, body = (data[:132] if preamble is not None else b""), data[132:]
    if not meta:
        (length,) = struct.unpack_from("<I", body, 8)  # (0002,0000) File Meta Information Group Length
        body = body[12 + length :]
    return head + body


def write_dicom(
    path: Path,
    pixels: NDArray[Any],
    *,
    syntax: UID = ExplicitVRLittleEndian,
    photometric: str = "MONOCHROME2",
    bits_stored: int | None = None,
    high_bit: int | None = None,
    frames: int | None = None,
    tags: Mapping[str, Any] | None = None,
    **layout: Any,
) -> Path:
    """Write a film and return its path; see `build_dataset` and, for `layout`, `build_bytes`."""
    dataset = build_dataset(
        pixels, photometric=photometric, bits_stored=bits_stored, high_bit=high_bit, frames=frames, tags=tags
    )
    path.write_bytes(build_bytes(dataset, pixels, syntax, **layout))
    return path


def _set_tags(dataset: Dataset, tags: Mapping[str, Any]) -> Dataset:
    for keyword, value in tags.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        elif isinstance(value, list) and value and isinstance(value[0], Dataset):
            setattr(dataset, keyword, Sequence(value))
        else:  # values that break the standard are written too: tests need them
            tag = tag_for_keyword(keyword) or 0
            element = DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE)
            dataset[tag] = element
    return dataset


def _set_pixels(dataset: Dataset, pixels: NDArray[Any], syntax: UID, offset_table: bool, fragments: int) -> None:
    if pixels.dtype.kind == "f":
        keyword, vr = ("FloatPixelData", "OF") if pixels.dtype.itemsize == 4 else ("DoubleFloatPixelData", "OD")
        dataset.add_new(keyword, vr, pixels.tobytes())
        return
    if not syntax.is_encapsulated:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        dataset.add_new("PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", data + b"\0" * (len(data) % 2))
        return
    from pydicom.encaps import encapsulate

    frames = pixels if "NumberOfFrames" in dataset else pixels[np.newaxis]
    encoded = [encode_frame(frame, dataset, syntax) for frame in frames]
    dataset.add_new("PixelData", "OB", encapsulate(encoded, fragments_per_frame=fragments, has_bot=offset_table))
    dataset["PixelData"].is_undefined_length = True
