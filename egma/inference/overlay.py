"""A picture of a film with its maps: phrase, colour bar, checkpoint and "research use only" are burnt into the pixels.

Words are drawn as they are: no markup or formula in a phrase means anything here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from egma.display import DRAWN_FROM
from egma.types import Float32, GroundingMap, Study

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

UInt8 = NDArray[np.uint8]

NOTICE = "Research use only. Not for diagnosis."
COLOUR_MAP = "plasma"  # perceptually even, safe for colour-blind readers, and far from grey over all of its upper half
_MAX_ALPHA = 0.65  # the film stays readable under the strongest colour
_UNSEEN_SHADE = 0.45  # film that the model did not see is dimmed

_PANEL_PX = {1: 900, 2: 720, 4: 560}  # a film's long side by how many are drawn at most; else the last
_SMALL_PANEL_PX = 420
_MIN_CELL_PX = 320  # room for a phrase above a narrow film
_MARGIN_PX, _BAR_PX, _LINE_PX, _SMALL_LINE_PX = 16, 120, 24, 18
_NARROW = 0.3  # a range of cosines below this width is told with three decimals
_INK, _FAINT, _PAPER = (235, 235, 235), (170, 170, 170), (18, 18, 20)


_Ink = tuple[int, int, int]


@dataclass(frozen=True)
class _Layout:
    """Pixels of the picture: `columns` cells a row, each with a caption above the film and a line below it."""

    film_hw: tuple[int, int]
    columns: int
    rows: int

    @property
    def cell_hw(self) -> tuple[int, int]:
        height = 2 * _LINE_PX + self.film_hw[0] + _SMALL_LINE_PX + _MARGIN_PX
        return height, max(self.film_hw[1], _MIN_CELL_PX) + _MARGIN_PX

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole picture."""
        height, width = self.cell_hw
        least = 9 * _SMALL_LINE_PX + _LINE_PX  # the colour bar with its words
        body = max(self.rows * height, least)
        return _MARGIN_PX + self.columns * width + _BAR_PX, _MARGIN_PX + body + _LINE_PX

    def film_xy(self, place: int) -> tuple[int, int]:
        height, width = self.cell_hw
        row, column = divmod(place, self.columns)
        return _MARGIN_PX + column * width, _MARGIN_PX + row * height + 2 * _LINE_PX


def draw_overlay(study: Study, maps: Sequence[GroundingMap], *, checkpoint: str = "") -> UInt8:
    """The film once a map, with the map on it; without maps, the film alone.

    Args:
        study: the film.
        maps: of this film, of one checkpoint: they share one display range and one colour bar.
        checkpoint: name and hash to burn in, such as "egma-mini 1a2b3c4d".

    Returns:
        uint8 (H', W', 3), RGB.
    """
    from PIL import Image, ImageDraw

    layout = _lay_out(study.shape, max(1, len(maps)))
    picture = Image.new("RGB", layout.size, _PAPER)
    draw = ImageDraw.Draw(picture)
    film = _shrink(study.pixels, layout.film_hw)
    for place in range(max(1, len(maps))):
        found = maps[place] if maps else None
        _draw_cell(picture, draw, layout.film_xy(place), film, found)
    if maps:
        _draw_bar(picture, draw, layout, maps[0])
    footer = "  ·  ".join(part for part in (checkpoint, NOTICE) if part)
    write_words(
        draw, (_MARGIN_PX, layout.size[1] - _LINE_PX), footer, size=13, ink=_FAINT, room=layout.size[0] - 2 * _MARGIN_PX
    )
    return np.asarray(picture, dtype=np.uint8)


def blend(film: Float32, cosine: Float32, display_range: tuple[float, float], drawn_from: float = DRAWN_FROM) -> UInt8:
    """A film (H, W) in [0, 1] under a map (H, W), NaN where not seen, coloured over the display range: uint8 RGB.

    Below `drawn_from`, a share of the range, the film stays as it is.
    """
    low, high = display_range
    share = np.clip((np.nan_to_num(cosine, nan=low) - low) / (high - low), 0.0, 1.0)
    alpha = _MAX_ALPHA * np.clip((share - drawn_from) / (1.0 - drawn_from), 0.0, 1.0) ** 0.5
    grey = np.clip(film, 0.0, 1.0) * np.where(np.isnan(cosine), _UNSEEN_SHADE, 1.0)
    mixed = grey[..., None] * (1.0 - alpha[..., None]) + _colours()[(share * 255).astype(np.intp)] * alpha[..., None]
    return np.round(mixed * 255).astype(np.uint8)


def _lay_out(shape: tuple[int, int], count: int) -> _Layout:
    side = next((px for most, px in _PANEL_PX.items() if count <= most), _SMALL_PANEL_PX)
    factor = side / max(shape)
    columns = min(4, math.ceil(math.sqrt(count)))
    film_hw = (max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)))
    return _Layout(film_hw, columns, math.ceil(count / columns))


def _shrink(pixels: Float32, film_hw: tuple[int, int]) -> Float32:
    from PIL import Image

    film = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    resized = film.resize((film_hw[1], film_hw[0]), Image.Resampling.BILINEAR)
    return np.clip(np.nan_to_num(np.asarray(resized, dtype=np.float32)), 0.0, 1.0)


def _draw_cell(
    picture: Image.Image, draw: ImageDraw.ImageDraw, xy: tuple[int, int], film: Float32, found: GroundingMap | None
) -> None:
    from PIL import Image

    height, width = film.shape
    room = max(width, _MIN_CELL_PX)
    cosine = _map_at(found, (height, width)) if found else np.zeros_like(film)
    pixels = blend(film, cosine, found.display_range, found.drawn_from) if found else blend(film, cosine, (0.5, 1.0))
    picture.paste(Image.fromarray(pixels), xy)
    below = xy[1] + height + 2
    if found:
        for row, line in enumerate(_wrap(" ".join(found.phrase.split()), 17, room)):
            write_words(draw, (xy[0], xy[1] - (2 - row) * _LINE_PX), line, size=17, ink=_INK, room=room)
        write_words(
            draw, (xy[0], below), f"highest cosine {_highest(found):.3f}  ·  {NOTICE}", size=12, ink=_FAINT, room=room
        )
    else:
        write_words(draw, (xy[0], below), NOTICE, size=12, ink=_FAINT, room=room)


def _map_at(found: GroundingMap, film_hw: tuple[int, int]) -> Float32:
    """The map at the drawn film's size, without ever making one at the source's."""
    return replace(found.geometry, source_hw=film_hw).map_to_source(found.grid)


def _highest(found: GroundingMap) -> float:
    seen = found.geometry.seen_patches(found.grid.shape)
    return float(found.grid[seen].max()) if seen.any() else float(found.grid.max())


def _draw_bar(picture: Image.Image, draw: ImageDraw.ImageDraw, layout: _Layout, found: GroundingMap) -> None:
    """The colours as they look on mid-grey film, over the checkpoint's whole display range."""
    from PIL import Image

    (low, high), foot = found.display_range, found.drawn_from
    top = _MARGIN_PX + 2 * _LINE_PX
    height = min(max(layout.film_hw[0], 5 * _SMALL_LINE_PX), 420)
    left = layout.size[0] - _BAR_PX + _MARGIN_PX // 2
    ramp = np.repeat(np.linspace(high, low, height, dtype=np.float32)[:, None], 22, axis=1)
    picture.paste(Image.fromarray(blend(np.full_like(ramp, 0.35), ramp, found.display_range, foot)), (left, top))
    draw.rectangle((left - 1, top - 1, left + 22, top + height), outline=_FAINT)
    write_words(draw, (left, top - _LINE_PX), "cosine", size=13, ink=_FAINT, room=_BAR_PX)
    digits = 3 if high - low < _NARROW else 2
    for share in (0.0, foot, 1.0) if foot * height > _SMALL_LINE_PX else (foot, 1.0):
        y = top + round((1.0 - share) * (height - 1))
        draw.line((left + 22, y, left + 27, y), fill=_FAINT)
        write_words(
            draw, (left + 31, y - 8), f"{low + share * (high - low):.{digits}f}", size=13, ink=_INK, room=_BAR_PX
        )
    for row, line in enumerate(("no colour", f"below {low + foot * (high - low):.{digits}f}")):
        write_words(draw, (left, top + height + 8 + row * _SMALL_LINE_PX), line, size=12, ink=_FAINT, room=_BAR_PX)


def write_words(draw: ImageDraw.ImageDraw, xy: tuple[int, int], words: str, *, size: int, ink: _Ink, room: int) -> None:
    """Draw one line of words, shortened to `room` pixels."""
    draw.text(xy, _shorten(words, size, room), fill=ink, font=_font(size))


def _wrap(words: str, size: int, room: int) -> tuple[str, str]:
    """Words on at most two lines; the first is empty where one is enough, so that captions sit on their film."""
    if _font(size).getlength(words) <= room:
        return "", words
    cut = len(words)
    while cut > 1 and _font(size).getlength(words[:cut]) > room:
        blank = words.rfind(" ", 0, cut)
        cut = blank if blank > 0 else cut - 1
    return words[:cut], words[cut:].strip()


def _shorten(words: str, size: int, room: int) -> str:
    if _font(size).getlength(words) <= room:
        return words
    kept = words
    while kept and _font(size).getlength(kept + "…") > room:
        kept = kept[:-1]
    return kept + "…"


@cache
def _font(size: int) -> Any:
    """DejaVu Sans as matplotlib carries it: most scripts, and a plain box for what it has not."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


@cache
def _colours() -> Float32:
    """float32 (256, 3) in [0, 1]."""
    import matplotlib

    return matplotlib.colormaps[COLOUR_MAP](np.linspace(0.0, 1.0, 256))[:, :3].astype(np.float32)
