"""Rows and columns of a film from its file's header, without decoding it."""

from __future__ import annotations

import warnings
from pathlib import Path

from egma.imaging.budget import MAX_SIDE_PX


def read_shape(path: Path) -> tuple[int, int] | None:
    """(H, W) in pixels; None where the header does not say, or nobody can read it."""
    shape = _raster_shape(path) or _dicom_shape(path)
    return shape if shape is not None and min(shape) > 0 and max(shape) <= 4 * MAX_SIDE_PX else None


def _raster_shape(path: Path) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on very large pictures: only the header is read
            with Image.open(path, formats=("JPEG", "PNG", "TIFF")) as image:
                return image.height, image.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _dicom_shape(path: Path) -> tuple[int, int] | None:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
            return int(header.Rows), int(header.Columns)
    except Exception:  # whatever a damaged header makes the parser stumble on: its size is not known
        return None
