"""Says what a file is that holds no gaze, and what to choose or do instead."""

from __future__ import annotations

from egma.gaze.formats.head import Head

ACCEPTED = "REFLACX, EyeGaze, MIMIC-EYE, scan-path JSON, EyeLink .asc, Tobii TSV, or a table with x, y and times"

# Files of the data sets that hold no gaze themselves: the columns that tell them, and what they are.
_COMPANIONS = (
    (("word", "timestamp_start_word"), "a REFLACX transcription"),
    (("xmin", "ymin", "xmax", "ymax", "certainty"), "REFLACX's ellipses"),
    (("xmin", "ymin", "xmax", "ymax"), "REFLACX's chest box"),
    (("id", "eye_tracking_data_discarded"), "REFLACX's metadata"),
    (("dicom_id", "bbox_name"), "EyeGaze's boxes"),
    (("dicom_id", "image_top_pad"), "EyeGaze's master sheet"),
)
_STARTS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive: save the sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"SR_RESEARCH", "EyeLink's binary .edf: convert it with edf2asc"),
    (b"\x1f\x8b", "compressed: unpack it first"),
    (b"BZh", "compressed: unpack it first"),
    (b"\xfd7zXZ", "compressed: unpack it first"),
    (b"\x89HDF", "an HDF5 file: export its table as CSV"),
    (b"MATLAB", "a MATLAB file: export its table as CSV"),
    (b"PAR1", "a Parquet file: export its table as CSV"),
    (b"\x93NUMPY", "a NumPy array: write it as CSV with names for its columns"),
    (b"%PDF", "a PDF document: choose the recording itself"),
    (b"\x89PNG", "a picture: choose the recording that belongs to it"),
    (b"\xff\xd8\xff", "a picture: choose the recording that belongs to it"),
    (b"{\\rtf", "a text document: save it as plain text"),
)
_MARKUP = ("<!doctype", "<html", "<?xml")


def name_stranger(head: Head) -> str:
    """One sentence about a file that no format takes."""
    kind = next((kind for start, kind in _STARTS if head.data.startswith(start)), None)
    if kind is None and head.text.lstrip().lower().startswith(_MARKUP):
        kind = "a web page or XML: export the recording as a table"
    if kind is None and head.data[128:132] == b"DICM":
        kind = "a DICOM film: choose the recording that belongs to it"
    if kind is not None:
        return f"the file is no gaze recording but {kind}; {ACCEPTED} is accepted"
    for columns, name in _COMPANIONS:
        if head.has(*columns):
            return f"the file is {name}, which holds no gaze; choose the fixations or gaze file of the same data set"
    if not head.text:
        return f"the file is no gaze recording; {ACCEPTED} is accepted"
    names = ", ".join("".join(filter(str.isprintable, name[:30])) for name in head.columns[:12])
    return f"no gaze is found in the columns {names}: {ACCEPTED} is accepted; say which of them hold x, y and time"
