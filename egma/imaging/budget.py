"""How large a film may be, checked on what a file declares before anything is decoded."""

from __future__ import annotations

from egma.errors import FilmError, FilmTooLargeError

MAX_SIDE_PX = 8192  # the largest plate in use is about 4300 px; twice that leaves room for stitched films
MAX_PIXELS = 36_000_000  # one frame; 36 MP as float32 is 144 MB
MAX_SAMPLES = 144_000_000  # rows x columns x samples x frames of the whole file; four times MAX_PIXELS
MAX_FILE_BYTES = 300_000_000  # MAX_SAMPLES at 16 bits, and some header
MAX_INFLATED_BYTES = 300_000_000  # a deflated file may not unpack to more than a plain one may hold
MAX_MEMORY_BYTES = 2_000_000_000  # address space of the reading process
MAX_SECONDS = 20.0  # wall clock and processor time for one film


def check_size(rows: int, columns: int, samples: int = 1, frames: int = 1) -> None:
    """Refuse a film whose declared size is zero or above the budget.

    Raises:
        FilmError: a side is zero or negative.
        FilmTooLargeError: a side, one frame or all frames together are above the budget.
    """
    if min(rows, columns, samples, frames) < 1:
        raise FilmError(
            f"The film declares a size of {columns} x {rows} pixels, so there is nothing to show; export it again."
        )
    if max(rows, columns) > MAX_SIDE_PX or rows * columns > MAX_PIXELS:
        raise FilmTooLargeError(
            f"The film declares {columns} x {rows} pixels; at most {MAX_SIDE_PX} a side and "
            f"{MAX_PIXELS // 1_000_000} million in all are read. Scale it down and load it again."
        )
    if rows * columns * samples * frames > MAX_SAMPLES:
        raise FilmTooLargeError(
            f"The film declares {frames} frames of {columns} x {rows} pixels; at most "
            f"{MAX_SAMPLES // 1_000_000} million values are read. Export the one frame that matters."
        )


def check_file_bytes(size: int) -> None:
    """Refuse an empty file, or one that is longer than any film within the budget.

    Raises:
        FilmError: the file is empty.
        FilmTooLargeError: the file is longer than MAX_FILE_BYTES.
    """
    if size == 0:
        raise FilmError("The file is empty (zero bytes); copy or export the film again.")
    if size > MAX_FILE_BYTES:
        raise FilmTooLargeError(
            f"The file is {size / 1e6:.0f} MB long; at most {MAX_FILE_BYTES // 1_000_000} MB are read. "
            "Export one film by itself."
        )
