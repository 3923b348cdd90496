"""The page's public HTTP endpoints, for scripts. Their names and shapes are a contract."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData

from app.alerts import alerting
from app.api_reports import SearchEndpoints
from app.films import load_upload
from app.gaze.endpoint import GazeEndpoint
from app.services import Services
from app.uploads import FilmFile
from egma.errors import FilmError
from egma.inference.prompts import clean_phrases
from egma.types import GroundingMap, Study

ENDPOINTS = ("classify", "ground", "gaze", "search_text", "search_image")
_DIGITS = 6
_QUEUE: dict[str, Any] = {"concurrency_id": "api", "concurrency_limit": 2, "api_visibility": "public"}


@dataclass(frozen=True, eq=False)
class PublicEndpoints:
    """What a script may ask for. Nothing of it is kept."""

    services: Services

    @alerting
    def classify(self, film: str) -> dict[str, float]:
        """Probability of each finding on a film: {finding: probability}."""
        study = self._read(film)
        return self.services.model.engine().classify(study)

    @alerting
    def ground(self, film: str, text: str) -> dict[str, Any]:
        """Where the model finds each phrase (one a line): {phrase: {"grid", "max", "overlay"}}."""
        phrases = clean_phrases(text or "")
        study = self._read(film)
        return {
            answer.phrase: self._answer(study, answer) for answer in self.services.model.engine().ground(study, phrases)
        }

    def _read(self, film: str | None) -> Study:
        from egma.imaging import load_study

        if not film:
            raise FilmError("There is no film. Send one as the first argument, as a file.")
        return load_upload(film, self.services.folder.uploads, load_study)

    def _answer(self, study: Study, answer: GroundingMap) -> dict[str, Any]:
        """One phrase's grid (null where the model saw nothing), its highest cosine, and the overlay as a file."""
        from PIL import Image

        from egma.inference.overlay import draw_overlay

        seen = answer.geometry.seen_patches(answer.grid.shape)
        grid = np.where(seen, answer.grid, np.nan)
        path = self.services.folder.uploads / f"overlay-{secrets.token_hex(12)}.png"
        Image.fromarray(draw_overlay(study, [answer], checkpoint=self._checkpoint_label())).save(path)
        return {
            "grid": [[None if math.isnan(value) else round(value, _DIGITS) for value in row] for row in grid.tolist()],
            "max": round(float(np.nanmax(grid)), _DIGITS),
            "overlay": FileData(path=str(path), orig_name="overlay.png", mime_type="image/png").model_dump(),
        }

    def _checkpoint_label(self) -> str:
        checkpoint = self.services.model.engine().checkpoint
        return f"{checkpoint.name} {checkpoint.hash[:8]}"


def build(services: Services) -> None:
    """Register the endpoints on components that no page shows."""
    endpoints = PublicEndpoints(services)
    film = FilmFile(label="film", visible=False)
    text = gr.Textbox(label="text", visible=False)
    answer = gr.JSON(label="answer", visible=False)
    gr.on([], endpoints.classify, film, answer, api_name="classify", **_QUEUE)
    gr.on([], endpoints.ground, [film, text], answer, api_name="ground", **_QUEUE)
    recording = FilmFile(label="recording", visible=False)
    gr.on([], GazeEndpoint(services).gaze, [recording, film], answer, api_name="gaze", **_QUEUE)
    words, k = gr.Textbox(label="words", visible=False), gr.Number(10, label="k", visible=False)
    search = SearchEndpoints(services)
    asked = {**_QUEUE, "concurrency_id": "api-search"}  # the first may wait for a library: nobody else behind it
    gr.on([], search.search_text, [words, k], answer, api_name="search_text", **asked)
    gr.on([], search.search_image, [film, k], answer, api_name="search_image", **asked)
