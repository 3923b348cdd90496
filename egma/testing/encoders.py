"""One frame to compressed bytes, in every transfer syntax that has an encoder here: all but HTJ2K and 12-bit JPEG."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

PYDICOM_SYNTAXES = (RLELossless, JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000)
GDCM_SYNTAXES = (JPEGLossless, JPEGLosslessSV1)


def encode_frame(frame: NDArray[Any], dataset: Dataset, syntax: UID) -> bytes:
    """Compress one frame.

    Args:
        frame: (H, W) or (H, W, 3) stored values.
        dataset: its header, as `egma.testing.dicom.build_dataset` makes it.
        syntax: one of PYDICOM_SYNTAXES, GDCM_SYNTAXES or JPEG baseline.
    """
    if syntax == JPEGBaseline8Bit:
        return encode_jpeg(frame)
    if syntax in GDCM_SYNTAXES:
        return _encode_with_gdcm(frame, dataset, syntax)
    options: dict[str, Any] = {"encoding_plugin": "pylibjpeg" if syntax in (JPEG2000Lossless, JPEG2000) else ""}
    if syntax == RLELossless:
        options["encoding_plugin"] = "pydicom"
    if syntax == JPEG2000:
        options["j2k_psnr"] = [60]
    if syntax == JPEGLSNearLossless:
        options["jls_error"] = 2
    return get_encoder(syntax).encode(np.ascontiguousarray(frame), **_describe(frame, dataset), **options)


def encode_jpeg(frame: NDArray[np.uint8], quality: int = 95, **options: Any) -> bytes:
    """Baseline JPEG through Pillow; colour is stored as YCbCr unless `keep_rgb` is given."""
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=quality, **options)
    return stream.getvalue()


def _describe(frame: NDArray[Any], dataset: Dataset) -> dict[str, Any]:
    described = {
        "rows": frame.shape[0],
        "columns": frame.shape[1],
        "samples_per_pixel": dataset.SamplesPerPixel,
        "number_of_frames": 1,
        "bits_allocated": dataset.BitsAllocated,
        "bits_stored": dataset.BitsStored,
        "pixel_representation": dataset.PixelRepresentation,
        "photometric_interpretation": dataset.PhotometricInterpretation,
    }
    return described | ({"planar_configuration": 0} if dataset.SamplesPerPixel == 3 else {})


def _encode_with_gdcm(frame: NDArray[Any], dataset: Dataset, syntax: UID) -> bytes:
    """JPEG lossless: GDCM changes the transfer syntax of a whole file, so one is written for it."""
    import gdcm
    from pydicom import dcmread
    from pydicom.encaps import get_frame

    from egma.testing.dicom import build_bytes, build_dataset

    plain = build_dataset(frame, photometric=dataset.PhotometricInterpretation, bits_stored=dataset.BitsStored)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "plain.dcm", Path(folder) / "jpeg.dcm"
        source.write_bytes(build_bytes(plain, frame))
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str.__str__(syntax))))
        if not reader.Read():
            raise RuntimeError("GDCM does not read the plain film")
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise RuntimeError("GDCM does not encode this film")
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.Write()
        return get_frame(dcmread(target).PixelData, 0, number_of_frames=1)
