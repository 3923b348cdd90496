"""A DICOM file to a film as displayed. Runs in the reading process; `egma.imaging.load_study` is the way in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from egma.errors import FilmError
from egma.imaging.dataset import NATIVE, parse_dataset
from egma.imaging.header import MONOCHROME, PixelHeader, Tags, read_pixel_header
from egma.imaging.luts import read_table
from egma.imaging.marks import read_spacing, warn_of_header
from egma.imaging.pixels import decode_frame
from egma.imaging.tones import LUMA, TOP, Toned, mix_luminance, tone_film
from egma.imaging.wire import Film
from egma.types import Display

COLOUR_WARNING = "The film is in colour; it is read and shown as grey."


def read_dicom(data: bytes, frame: int | None) -> Film:
    """Read one frame of a DICOM file.

    Args:
        data: the whole file.
        frame: which frame, counted from 0; None for the first.

    Raises:
        FilmError: see `egma.imaging.load_study`.
    """
    dataset, syntax = parse_dataset(data)
    header = read_pixel_header(dataset, syntax)
    index, warnings = _choose_frame(header.frames, frame)
    tags = Tags.of(dataset, index)
    if syntax in NATIVE and len(dataset[header.keyword].value or b"") > header.native_bytes + 1:
        warnings.append("The file holds more pixels than it declares; those beyond were not read.")
    stored = decode_frame(dataset, header, syntax, index)
    if header.photometric in MONOCHROME:
        toned = tone_film(stored, tags, header.photometric, header.signed)
    else:
        toned = _tone_colour(stored, dataset, header)
    spacing, said = read_spacing(tags)
    return Film(
        pixels=toned.pixels,
        display=toned.display,
        spacing_mm=spacing,
        warnings=(*warnings, *toned.warnings, *_warn_of_constant(stored), *said, *warn_of_header(tags)),
        source="dicom",
    )


def warm_up() -> None:
    """Import what the first film of each kind would otherwise wait for."""
    import jpeg_ls
    import openjpeg
    import rle
    from pydicom.pixels.decoders import base

    del jpeg_ls, openjpeg, rle, base


def _choose_frame(frames: int, frame: int | None) -> tuple[int, list[str]]:
    if frame is not None:
        if frame >= frames:
            raise FilmError(f"The file holds {frames} frames; frame {frame} (counted from 0) is not among them.")
        return frame, []
    if frames == 1:
        return 0, []
    return 0, [f"The file holds {frames} frames; the first is shown."]


def _warn_of_constant(stored: NDArray[Any]) -> list[str]:
    from egma.imaging.load import CONSTANT_WARNING

    return [CONSTANT_WARNING] if stored.min() == stored.max() else []


def _tone_colour(stored: NDArray[Any], dataset: Dataset, header: PixelHeader) -> Toned:
    """Colour to grey by luminance. Windows do not apply to colour (PS3.3 C.11.2.1)."""
    if header.photometric == "PALETTE COLOR":
        grey = _look_up_palette(stored, dataset)
    else:
        top = 2 ** min(header.bits_stored, stored.dtype.itemsize * 8) - 1
        grey = mix_luminance(stored) / np.float32(top)
    grey = np.clip(grey, 0.0, 1.0).astype(np.float32)
    display = Display(np.rint(grey * TOP).astype(np.uint16), TOP / 2, TOP, "luminance of the colour film")
    return Toned(grey, display, (COLOUR_WARNING,))


def _look_up_palette(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.float32]:
    """Red, green and blue tables (PS3.3 C.7.6.3.1.5), mixed to luminance per entry, then looked up once a pixel."""
    values, index = np.unique(stored, return_inverse=True)
    grey = np.zeros(len(values))
    if "SegmentedRedPaletteColorLookupTableData" in dataset:
        from pydicom.pixels.processing import apply_color_lut

        rgb = apply_color_lut(values.reshape(1, -1), dataset)
        grey = rgb[0].astype(np.float64) @ np.asarray(LUMA) / float(np.iinfo(rgb.dtype).max)
    else:
        for name, share in zip(("Red", "Green", "Blue"), LUMA, strict=True):
            keywords = f"{name}PaletteColorLookupTableDescriptor", f"{name}PaletteColorLookupTableData"
            table = read_table(dataset, bool(values.min() < 0), keywords)
            if table is None:
                raise FilmError("The film's colour palette is missing or damaged; export it as MONOCHROME2 or RGB.")
            grey += share * table.apply(values.astype(np.float64)) / (2**table.bits - 1)
    return grey.astype(np.float32)[index].reshape(stored.shape)
