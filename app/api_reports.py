"""The public endpoints `/search_text` and `/search_image`: reports of the first library, for scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.alerts import alerting
from app.films import load_upload
from app.services import Services
from egma.errors import FilmError, PromptError

if TYPE_CHECKING:
    from egma.index import Hit, ReportIndex

MOST_HITS = 100
_WAIT_S = 600.0
"""How long a first question waits for the Open-i library to be built: a minute or two on two cores."""


@dataclass(frozen=True, eq=False)
class SearchEndpoints:
    """What a script may ask of the reports. Nothing of it is kept."""

    services: Services

    @alerting
    def search_text(self, words: str, k: float) -> dict[str, Any]:
        """The k reports that answer the words best: {"hits": [{"id", "score", "sentence", "text"}]}."""
        count, engine = check_count(k), self.services.model.engine()
        if not (words or "").strip():
            raise PromptError("There is nothing to search: send words such as left pleural effusion.")
        return as_answer(self._library().search_text(engine, words, count))

    @alerting
    def search_image(self, film: str, k: float) -> dict[str, Any]:
        """The k reports nearest to a film: {"hits": [{"id", "score", "sentence", "text"}]}."""
        from egma.imaging import load_study
        from egma.index.film_search import search_by_film

        count = check_count(k)
        if not film:
            raise FilmError("There is no film. Send one as the first argument, as a file.")
        study = load_upload(film, self.services.folder.uploads, load_study)
        return as_answer(search_by_film(self._library(), self.services.model.engine(), study, count))

    def _library(self) -> ReportIndex:
        """The first library; where there is none, Open-i's is built and waited for."""
        libraries = self.services.libraries
        libraries.wait_for_openi(self.services.models.entry().folder.resolve(), _WAIT_S)
        return libraries.open()


def check_count(k: Any) -> int:
    """How many hits are wanted, a whole number from 1 to 100."""
    good = isinstance(k, int | float) and not isinstance(k, bool) and math.isfinite(k) and float(k).is_integer()
    if not good or not 1 <= k <= MOST_HITS:
        raise PromptError(f"k is how many reports are wanted, a whole number from 1 to {MOST_HITS}; got {str(k)[:20]}.")
    return int(k)


def as_answer(hits: list[Hit]) -> dict[str, Any]:
    """Hits as on the command line."""
    return {"hits": [hit.as_json() for hit in hits]}
