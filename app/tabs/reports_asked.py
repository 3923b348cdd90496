"""What the page sends with every question of the Reports tab, checked; and the questions that several handlers ask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from app.films import OpenFilm
from app.services import Services
from app.tabs import screen
from app.viewer import ViewerData
from app.views.layers import map_layer
from egma.errors import PromptError

if TYPE_CHECKING:
    from egma.index import Filters, Hit
    from egma.inference.engine import Engine

MAX_ID_CHARS = 200


class Asked(NamedTuple):
    """What the page sends with every search, in wiring order."""

    library: str
    archive: str
    film: str
    checkpoint: str
    view: list[str]
    sex: list[str]
    finding: list[str]
    source: list[str]
    age_from: float | None
    age_to: float | None
    date_from: str
    date_to: str


def near_film(services: Services, question: Asked, count: int) -> tuple[list[Hit], Engine, OpenFilm]:
    """The reports nearest to the film on screen, the engine that was asked, and the film."""
    from egma.index.film_search import search_by_film

    film = services.films.find(question.film)
    index, engine = services.libraries.open(question.library), services.models.engine(question.checkpoint)
    return search_by_film(index, engine, film.study, count, read_filters(question)), engine, film


def grounded(services: Services, film: str, checkpoint: str, phrase: str) -> ViewerData:
    """The film with the map of one phrase on it."""
    opened, engine = services.films.find(film), services.models.engine(checkpoint)
    layers = [map_layer(answer) for answer in engine.ground(opened.study, [phrase])]
    return screen.asked_screen(opened, engine, layers, step=True, current=layers[0].key)


def read_filters(question: Asked) -> Filters:
    """What a search is narrowed to, from the page's own controls."""
    from egma.index import Filters

    ages = [read_number(value) for value in (question.age_from, question.age_to)]
    return Filters(
        view=tuple(question.view or ()),
        sex=tuple(question.sex or ()),
        source=tuple(question.source or ()),
        age=(ages[0], ages[1]),
        date=((question.date_from or "").strip(), (question.date_to or "").strip()),
        finding=tuple(question.finding or ()),
    )


def read_number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def read_text(event: Any, name: str, most: int = MAX_ID_CHARS) -> str:
    """A short text that a browser sent along with an event."""
    value = getattr(event, name, "")
    return value[:most] if isinstance(value, str) else ""


def read_place(event: Any, count: int) -> int:
    """Which of `count` sentences a browser asked for."""
    value = getattr(event, "index", None)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise PromptError("That sentence is no longer there. Open the report again.")
    return value
