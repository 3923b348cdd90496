"""Data sets in the Gaze tab: indexed behind the page, chosen from, their films and lung masks found by id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import answering
from app.films import FilmClosedError, OpenFilm
from app.gaze.library import DataSet
from app.gaze.store import OpenGaze
from app.panels import MessageData
from app.services import Services
from app.views.wording import as_sentence
from egma.gaze.recordings import Recordings
from egma.gaze.regions import Region, lung_zones
from egma.gaze.track import GazeTrack

MOST_CHOICES = 5000
"""Recordings listed to choose from: REFLACX has 3,032."""


class DataSetView(NamedTuple):
    """New values while a data set is indexed, and once it is there."""

    gaze: Any
    choice: Any
    said: Any
    progress: MessageData
    watching: Any


def _no_data_set(sentence: str) -> DataSetView:
    return DataSetView(gr.skip(), gr.skip(), MessageData(text=sentence), MessageData(), gr.Timer(active=False))


@dataclass(frozen=True, eq=False)
class DataSetHandlers:
    """Opens data sets of the reader's own folder."""

    services: Services

    @answering(_no_data_set)
    def open_data_set(self, name: str | None, film: str, gaze: str) -> DataSetView:
        """Begin to index a data set, or show what is in it."""
        if not name:
            return DataSetView(gr.skip(), gr.skip(), MessageData(), MessageData(), gr.Timer(active=False))
        return self._data_set_view(self.services.gaze_library.open(name), film, gaze)

    @answering(_no_data_set)
    def watch_data_set(self, name: str | None, film: str, gaze: str) -> DataSetView:
        """The timer's question while a data set is being indexed."""
        return self.open_data_set(name, film, gaze)

    def _data_set_view(self, found: DataSet, film: str, gaze: str) -> DataSetView:
        progress = found.progress
        if progress.state == "failed":
            return _no_data_set(as_sentence(progress.words))
        if progress.state != "ready" or found.recordings is None:
            return DataSetView(
                gr.skip(), gr.skip(), MessageData(), MessageData(text=progress.words), gr.Timer(active=True)
            )
        current = replace(self.services.gaze.find(gaze), key="", choices=found.recordings, data_set=found.name)
        kept = self.services.gaze.add(replace(current, film=current.film or film))
        said = MessageData(text=f"{progress.words}. Choose a recording below.")
        return DataSetView(kept.key, choice_menu(found.recordings), MessageData(), said, gr.Timer(active=False))


def film_for(services: Services, track: GazeTrack, shown: OpenFilm, current: OpenGaze) -> tuple[OpenFilm, OpenGaze]:
    """The recording's own film where a data set has it, with its lung zones; else the one on screen."""
    if not current.data_set:
        return shown, current
    found = services.gaze_library.open(current.data_set)
    name = track.ids.get("dicom_id", "")
    path = found.films.get(name)
    if path is None:
        return shown, replace(current, regions=())
    film = _film_of(services, found, name, path)
    return film, replace(current, regions=_zones_of(found, name, film.study.shape))


def _film_of(services: Services, found: DataSet, name: str, path: Path) -> OpenFilm:
    """The film of that id, the same one while it is open, so that several readers of it can be laid over each other."""
    from egma.imaging import load_study

    try:
        return services.films.find(found.opened[name])
    except (KeyError, FilmClosedError):
        film = services.films.add(load_study(path), f"Film {name[:8]}", f"Data set {found.name}")
        found.opened[name] = film.key
        return film


def choice_menu(recordings: Recordings) -> Any:
    """The list of a file's or data set's recordings."""
    names = recordings.names[:MOST_CHOICES]
    label = f"Recording ({len(recordings):,})"
    if len(recordings) > MOST_CHOICES:
        label = f"Recording (the first {MOST_CHOICES:,} of {len(recordings):,})"
    return gr.update(choices=list(names), value=None, label=label, visible=True)


def _zones_of(found: DataSet, name: str, shape: tuple[int, int]) -> tuple[Region, ...]:
    """The lung zones of a film whose data set has masks of its lungs; none where they are of another size."""
    import numpy as np
    from PIL import Image

    paths = found.lungs.get(name)
    if paths is None or not all(path.is_file() for path in paths):
        return ()
    masks = []
    for path in paths:
        with Image.open(path) as picture:
            if (picture.height, picture.width) != tuple(shape):
                return ()
            masks.append(np.asarray(picture.convert("L")) > 0)
    return tuple(lung_zones(masks[0], masks[1]))
