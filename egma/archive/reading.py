"""Films read ahead of the model: while it looks at some, the next are decoded in other processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import Image

from egma.archive.files import FilmFile
from egma.errors import EgmaError
from egma.imaging.load import load_study
from egma.imaging.pool import WORKERS
from egma.types import Study

THUMBNAIL_PX = 256
"""Longest side: two screen pixels for each of a strip's 128."""
_QUALITY = 85


@dataclass(frozen=True, eq=False)
class ReadFilm:
    """A film that was read, or why it was not.

    Attributes:
        file: which.
        study: its pixels; None where it could not be read.
        thumbnail: JPEG bytes.
        problem: one sentence, "" where it could be read.
    """

    file: FilmFile
    study: Study | None = None
    thumbnail: bytes = b""
    problem: str = ""


def read_film(file: FilmFile) -> ReadFilm:
    """Read one film and draw its thumbnail; what is wrong with it becomes a sentence."""
    try:
        study = load_study(file.path)
    except EgmaError as error:
        return ReadFilm(file, problem=str(error))
    # the recorded range is for a viewer: without it a film waits in two thirds of the memory
    return ReadFilm(file, replace(study, display=None), draw_thumbnail(study))


def read_ahead(files: Iterable[FilmFile], ahead: int, readers: int = WORKERS) -> Iterator[ReadFilm]:
    """Films in order, up to `ahead` of them read before they are asked for. 0 reads each when it is asked for."""
    if ahead == 0:
        yield from map(read_film, files)
        return
    with ThreadPoolExecutor(readers, thread_name_prefix="read-films") as pool:
        waiting: deque[Future[ReadFilm]] = deque()
        try:
            for file in files:
                waiting.append(pool.submit(read_film, file))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def draw_thumbnail(study: Study, longest_px: int = THUMBNAIL_PX) -> bytes:
    """A JPEG of the film as displayed, its longest side at most `longest_px`."""
    height, width = study.shape
    scale = min(1.0, longest_px / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = Image.fromarray(np.nan_to_num(study.pixels)).resize(size, Image.Resampling.BOX)
    shown = Image.fromarray(np.rint(np.asarray(grey).clip(0, 1) * 255).astype(np.uint8))
    stream = BytesIO()
    shown.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
