"""A recording replayed as an animated GIF: film, gaze so far, eye, sentence, and the caveat on every frame."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from egma.errors import GazeError
from egma.gaze.merge import merge_rows
from egma.gaze.track import GazeTrack
from egma.gaze.transcript import Sentence, split_words
from egma.gaze.versus import resize_track
from egma.types import Float32, Study

if TYPE_CHECKING:
    from PIL import Image

FILM_SIDE_PX = 400
COLOURS = 128
MOST_FRAMES = 100
MOST_ROWS = 1500
FRAME_S = 0.2
_BAND_PX = 62
_EYE_PX = 9
_HEAT_FROM = 0.05  # share of the scale below which the film stays as it is
_INK, _FAINT, _PAPER, _EYE, _MARK = (242, 244, 246), (178, 184, 192), (11, 13, 16), (127, 224, 255), (255, 215, 94)


def draw_replay_gif(study: Study, track: GazeTrack) -> bytes:
    """The replay of a recording on its film, as the bytes of a GIF of at most MOST_FRAMES frames.

    Longer recordings are shown faster; the pace is written on every frame, and "SIMULATED" on gaze nobody had.

    Raises:
        GazeError: there is no fixation.
    """
    from PIL import Image

    track = track.in_frame(study.shape).fixations()
    if not len(track):
        raise GazeError("there is no fixation to replay")
    drawn = list(_frames(study, track))
    palette = _palette(drawn[-1])
    pictures = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in drawn]
    stream = io.BytesIO()
    pictures[0].save(
        stream, "GIF", save_all=True, append_images=pictures[1:], duration=round(FRAME_S * 1000), loop=0, optimize=False
    )
    return stream.getvalue()


def _frames(study: Study, track: GazeTrack) -> Iterator[Image.Image]:
    from PIL import Image

    scale = FILM_SIDE_PX / max(study.shape)
    small = max(1, round(study.shape[0] * scale)), max(1, round(study.shape[1] * scale))
    picture = Image.fromarray(np.ascontiguousarray(study.pixels)).resize(
        (small[1], small[0]), Image.Resampling.BILINEAR
    )
    film = np.clip(np.asarray(picture), 0, 1)
    gaze = resize_track(merge_rows(track, MOST_ROWS)[0], study.shape, small)
    begin_s, end_s = track.span_s
    step_s = max(FRAME_S, (end_s - begin_s) / MOST_FRAMES)
    sentences = split_words(track.words)
    top = float(_seconds(gaze, end_s, small).max()) or 1.0
    for now_s in np.arange(begin_s + step_s, end_s + step_s, step_s)[:MOST_FRAMES]:
        heat = _seconds(gaze, float(now_s), small)
        words = f"{min(now_s, end_s):.1f} s, shown {step_s / FRAME_S:.3g}x as fast"
        yield _frame(film, heat, top, gaze, float(now_s), _spoken(sentences, float(now_s)), words)


def _palette(last: Image.Image) -> Image.Image:
    """One palette for all frames, so that only what changed is stored: the last frame's, and every strength of heat."""
    from PIL import Image

    from egma.inference.overlay import blend

    height, width = last.height, last.width // 2
    grey = np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, None], width, axis=1)
    heat = np.repeat(np.linspace(0, 1, width, dtype=np.float32)[None, :], height, axis=0)
    sample = Image.new("RGB", (last.width + width, height))
    sample.paste(last, (0, 0))
    sample.paste(Image.fromarray(blend(grey, heat, (0.0, 1.0), _HEAT_FROM)), (last.width, 0))
    return sample.quantize(colors=COLOURS)


def _seconds(track: GazeTrack, now_s: float, shape: tuple[int, int]) -> Float32:
    """float32 (H, W), looking time up to a moment: the density of what was seen so far times its seconds."""
    begun = track.select(track.start_s < now_s)
    spent_s = np.minimum(begun.duration_s, now_s - begun.start_s)
    on_film = begun.on_image(shape)
    if not on_film.any():
        return np.zeros(shape, np.float32)
    from egma.gaze.density import fixation_density

    density = fixation_density(
        begun.xy_px, spent_s, shape, pixels_per_degree=begun.pixels_per_degree, shown_px=begun.shown_px
    )
    return density * np.float32(spent_s[on_film].sum())


def _spoken(sentences: list[Sentence], now_s: float) -> str:
    return next((sentence.text for sentence in sentences if sentence.start_s <= now_s <= sentence.end_s), "")


def _frame(
    film: Float32, heat: Float32, top: float, track: GazeTrack, now_s: float, sentence: str, pace: str
) -> Image.Image:
    from PIL import Image, ImageDraw

    from egma.inference.overlay import NOTICE, blend, write_words

    height, width = film.shape
    canvas = Image.new("RGB", (max(width, 300), height + _BAND_PX), _PAPER)
    canvas.paste(Image.fromarray(blend(film, heat, (0.0, top), _HEAT_FROM)), ((canvas.width - width) // 2, 0))
    draw = ImageDraw.Draw(canvas)
    left, room = (canvas.width - width) // 2, canvas.width - 16
    row = int(np.searchsorted(track.start_s, now_s, side="right")) - 1
    if row >= 0 and np.isfinite(track.xy_px[row]).all():
        x, y = track.xy_px[row]
        box = (left + x - _EYE_PX, y - _EYE_PX, left + x + _EYE_PX, y + _EYE_PX)
        draw.ellipse(box, outline=_EYE, width=2)
    if track.simulated:
        draw.rectangle((6, 6, 142, 26), fill=_MARK)
        write_words(draw, (11, 8), "SIMULATED GAZE", size=13, ink=(27, 20, 0), room=128)
    write_words(draw, (8, height + 4), sentence, size=14, ink=_INK, room=room)
    write_words(draw, (8, height + 24), f"{NOTICE} {pace}", size=11, ink=_FAINT, room=room)
    scale = "Colours: looking time so far, up to the recording's peak"
    write_words(draw, (8, height + 42), scale, size=11, ink=_FAINT, room=room)
    return canvas
