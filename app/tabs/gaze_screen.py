"""What the Gaze tab shows, put together from films and open recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.films import OpenFilm
from app.gaze.comparing import all_regions
from app.gaze.store import OpenGaze, Reader
from app.panels import FilmData
from app.tabs.screen import viewer_screen
from app.viewer.gaze import GazeData, GazeViewerData, PredictedData, ReaderData, RegionData, SentenceData, WordData
from app.views.gaze import region_outline, track_columns
from egma.gaze.describe import sentence_rows
from egma.gaze.expected import ExpectedGaze
from egma.gaze.grid import thumbnail
from egma.wording import counted

SHOWN_SIDE = 64
"""Cells along the longer side of a map that is shown: a degree of gaze has two or three."""
MOST_OUTLINES = 40
"""More outlines than EyeGaze's 17 boxes a film, fewer than would cover it."""


def gaze_screen(film: OpenFilm, gaze: OpenGaze, predicted: PredictedData | None = None) -> GazeViewerData:
    """A film with its open recordings."""
    base = viewer_screen(film)
    data = GazeData(
        readers=[reader_screen(reader, film.study.shape, f"{gaze.key}-{at}") for at, reader in enumerate(gaze.readers)],
        regions=[
            RegionData(**region_outline(region, film.study.shape)) for region in all_regions(gaze)[:MOST_OUTLINES]
        ],
        predicted=predicted,
    )
    fields = {name: getattr(base, name) for name in type(base).model_fields}
    return GazeViewerData(**fields, gaze=data)


def reader_screen(reader: Reader, shape: tuple[int, int], key: str) -> ReaderData:
    """One recording, for the browser."""
    track = reader.fixations
    return ReaderData(
        id=key,
        name=reader.name,
        simulated=reader.simulated,
        **asdict(track_columns(track, shape)),
        words=[WordData(text=each.text, start_s=each.start_s, end_s=each.end_s) for each in track.words],
        sentences=[SentenceData(**row) for row in sentence_rows(track)],
    )


def line_screen(film: OpenFilm, gaze: OpenGaze) -> FilmData:
    """The title line: which film, what is open on it."""
    if not gaze.readers:
        return FilmData(title=film.title, facts=["no recording is open"])
    if len(gaze.readers) > 1:
        what = "simulated" if gaze.simulated else "recorded"
        counts = ", ".join(f"{len(reader.fixations):,}" for reader in gaze.readers)
        return FilmData(title=film.title, facts=[f"{len(gaze.readers)} readers, {what}", f"{counts} fixations"])
    facts: list[str] = []
    for reader in gaze.readers:
        track = reader.fixations
        length_s = track.end_s[-1] - track.start_s[0]
        what = "simulated" if reader.simulated else "recorded"
        facts.append(f"{reader.name}: {counted(len(track), 'fixation')} in {length_s:.1f} s, {what}{_samples(reader)}")
    return FilmData(title=film.title, facts=facts)


def _samples(reader: Reader) -> str:
    return "" if reader.samples is None else f", detected in {len(reader.samples):,} samples"


def note_sentences(readers: Sequence[Reader]) -> list[str]:
    """What should be known before a recording is trusted, each sentence once."""
    found: dict[str, Any] = {}
    for reader in readers:
        for note in reader.notes:
            found[note[:1].upper() + note[1:] + ("" if note.endswith(".") else ".")] = None
    return list(found)


def predicted_screen(expected: ExpectedGaze) -> PredictedData:
    """Expected gaze for the film, labelled as what it is."""
    small = thumbnail(expected.density, SHOWN_SIDE)
    return PredictedData(
        rows=small.shape[0],
        cols=small.shape[1],
        data=[round(value, 3) for value in (small * small.size).ravel().tolist()],
        label=expected.label[:1].upper() + expected.label[1:],
    )
