"""Decisions on the films behind a figure: which they are, worst first, and how one is opened in the Study tab."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from app.alerts import alerting
from app.evaluations import EvaluationRoom, open_evaluations, read_cases
from app.panels.data import MessageData
from app.services import Services
from app.tabs.study import FilmRequest
from egma.errors import DataError, EgmaError
from egma.evaluation.result import MACRO

MOST_FILMS = 12
_THUMBNAIL_PX = 240


class CellView(NamedTuple):
    """The films behind a figure: what they are, thumbnails, and which they are for a click on one."""

    said: Any
    films: Any
    chosen: Any


@dataclass(frozen=True, eq=False)
class FilmsHandlers:
    """What a click on a figure and on a film behind it does."""

    services: Services

    @property
    def room(self) -> EvaluationRoom:
        """Where evaluations have their folders."""
        return open_evaluations(self.services)

    @alerting
    def choose_cell(self, run: str, event: gr.EventData) -> CellView:
        """The films behind a figure, worst first."""
        model, item = str(getattr(event, "model", ""))[:200], str(getattr(event, "item", ""))[:200]
        job = self.room.find(run)
        rows = [row for row in read_cases(job) if row["model"] == model and item in (MACRO, row["item"])]
        rows = sorted(rows, key=lambda row: -float(row["badness"]))[:MOST_FILMS]
        if not rows:
            raise DataError("no films were kept of this figure; measure again to see them")
        films, kept = [], []
        for row in rows:
            path = self.room.find_film(job, row["film"])
            if path is not None:
                said = f"{row['item']}: {row['truth']}, said {row['answer']}"
                films.append((_thumbnail(path), said))
                kept.append({"film": row["film"], "phrase": row["phrase"] or row["item"]})
        what = "all classes" if item == MACRO else item
        text = f"{model}, {what}: {len(films)} films, worst first. Click one to open it in the Study tab."
        return CellView(MessageData(text=text, kind="wait"), gr.update(value=films, visible=True), json.dumps(kept))

    @alerting
    def open_case(self, run: str, chosen: str, event: gr.SelectData) -> FilmRequest:
        """Open the film that was clicked in the Study tab, with its finding asked."""
        from egma.imaging import load_study

        kept = json.loads(chosen) if chosen else []
        if not isinstance(event.index, int) or not 0 <= event.index < len(kept):
            raise DataError("choose a figure first, then one of its films")
        path = self.room.find_film(self.room.find(run), str(kept[event.index]["film"]))
        if path is None:
            raise DataError("the film is no longer below the data root; was it moved?")
        opened = self.services.films.add(load_study(path), "Film of an evaluation")
        return FilmRequest(film=opened.key, words=str(kept[event.index]["phrase"])[:200])


def _thumbnail(path: Path) -> np.ndarray:
    from PIL import Image

    from egma.imaging import load_study

    try:
        pixels = load_study(path).pixels
    except EgmaError:
        return np.zeros((_THUMBNAIL_PX, _THUMBNAIL_PX), np.uint8)
    picture = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.asarray(picture)
