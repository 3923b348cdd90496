"""The films that went worst, as one picture a model, for the user's own folder: never printed, never sent anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from egma.errors import FilmError
from egma.evaluation.result import Case

TILE_PX = 220
_LINE_PX = 34
_WIDE, _HIGH = 6, 4
_INK, _PAPER = 235, 18


def draw_gallery(folder: Path, cases: Sequence[Case], films: dict[str, Path]) -> None:
    """worst-MODEL.png for each model: its worst films, each with its class, what is there and what was said."""
    for number, model in enumerate(dict.fromkeys(case.model for case in cases), start=1):
        worst = sorted((case for case in cases if case.model == model), key=lambda case: (-case.badness, case.film))
        chosen = list({case.film: case for case in reversed(worst)}.values())
        chosen = sorted(chosen, key=lambda case: (-case.badness, case.film))[: _WIDE * _HIGH]
        _draw_page(folder / f"worst-{number}.png", model, chosen, films)


def _draw_page(path: Path, model: str, cases: Sequence[Case], films: dict[str, Path]) -> None:
    rows = -(-len(cases) // _WIDE)
    page = Image.new("L", (_WIDE * TILE_PX, rows * (TILE_PX + _LINE_PX) + _LINE_PX), _PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((6, 10), f"{model}: worst first. Research use only.", fill=_INK)
    for place, case in enumerate(cases):
        left, top = (place % _WIDE) * TILE_PX, _LINE_PX + (place // _WIDE) * (TILE_PX + _LINE_PX)
        tile = _tile(films[case.film])
        page.paste(tile, (left + (TILE_PX - tile.width) // 2, top))
        words = f"{case.item[:22]}\n{case.truth[:16]}, said {case.answer[:14]}"
        pen.multiline_text((left + 4, top + TILE_PX + 2), words, fill=_INK, spacing=1)
    page.save(path)


def _tile(path: Path) -> Image.Image:
    from egma.imaging import load_study

    try:
        pixels = load_study(path).pixels
    except FilmError:
        return Image.new("L", (TILE_PX - 4, TILE_PX - 4), _PAPER)
    tile = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    tile.thumbnail((TILE_PX - 4, TILE_PX - 4))
    return tile
