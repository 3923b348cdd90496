"""Drafts of held-out films from the reports of other patients: by the product's own search and its own draft."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from egma.errors import DataError
from egma.evaluation.sets.films import Film, LabelledSet, hash_list
from egma.evaluation.subjects import Progress, load_films
from egma.index.draft import NEIGHBOURS, draft_from
from egma.index.film_search import search_by_film
from egma.index.records import Hit, ReportRecord
from egma.index.sections import split_report
from egma.index.store import MAX_HITS, ReportIndex
from egma.inference.engine import Engine
from egma.types import Study

OF_PATIENT = "patient"
"""The key of a record under which a library may say whose report it is."""
_BATCH = 256
_SPELLINGS = (OF_PATIENT, "patient_id", "subject_id", "PatientID")


@dataclass(frozen=True)
class HeldOut:
    """Films whose own reports are known, and the reports that drafts may be made of.

    Attributes:
        films: test films with a report, in the order of their names.
        references: what their reports say of the film, without headings and reasons.
        library: reports as (id, record) for a library of the data set's own; empty where another one is used.
        rule: where the library comes from, in words.
        without: test films that have no report and were left out.
    """

    films: tuple[Film, ...]
    references: tuple[str, ...]
    library: tuple[tuple[str, ReportRecord], ...]
    rule: str
    without: int

    @property
    def list_sha256(self) -> str:
        """Names the list of films and references."""
        return hash_list(f"{film.name}\t{text}" for film, text in zip(self.films, self.references))

    @property
    def library_sha256(self) -> str:
        """Names the data set's own library."""
        return hash_list(f"{name}\t{record.text}" for name, record in self.library)


@dataclass(frozen=True)
class DraftedFilm:
    """What was written for one film.

    Attributes:
        draft: the draft's sentences, one after the other; "" where the reports agree on none.
        nearest: the sentences of the nearest report as it stands.
        random: a draft of as many reports that were drawn, not found.
        reports: ids of the reports behind the draft, nearest first.
        passed_over: hits that were the film's own report, its patient's, or the same word for word.
    """

    draft: str
    nearest: str
    random: str
    reports: tuple[str, ...]
    passed_over: int


def hold_out(found: LabelledSet, *, own_library: bool) -> HeldOut:
    """Test films with their reports; the library is made of the other splits' reports, else of the test films' own.

    Args:
        found: the data set.
        own_library: make a library of its reports; False where the user has one.
    """
    reported = [film for film in found.tested if reference_of(film.text)]
    if not reported:
        raise DataError(f"{found.title}: no test film has a report, so no draft can be compared; give a column text")
    others = [film for split in ("train", "val") for film in found.of(split) if reference_of(film.text)]
    sources = (others or reported) if own_library else []
    rule = "reports of the training and validation films" if others else "reports of the other patients' test films"
    if own_library and not others and len({film.patient for film in sources}) < 2:
        raise DataError(f"{found.title}: drafts need reports of at least two patients; name a library with --index")
    said: dict[tuple[str, str], Film] = {}
    for film in sources:  # two films of one study have one report, which must not count twice
        said.setdefault((film.patient, " ".join(film.text.split())), film)
    library = tuple(
        (f"report-{place:06}", ReportRecord(film.text, extra={OF_PATIENT: film.patient}))
        for place, film in enumerate(said.values())
    )
    references = tuple(reference_of(film.text) for film in reported)
    return HeldOut(tuple(reported), references, library, rule, len(found.tested) - len(reported))


def reference_of(text: str) -> str:
    """What a report says of its film: the sentences that a draft may be made of, without headings."""
    return " ".join(sentence.text for sentence in split_report(text)) if text.strip() else ""


@contextmanager
def open_library(engine: Engine, held: HeldOut, folder: Path | None, progress: Progress) -> Iterator[ReportIndex]:
    """The user's library, read only, or one of the data set's own reports that is gone afterwards."""
    if folder is not None:
        with ReportIndex.open(folder, create=False) as index:
            index.check_model(engine.checkpoint)
            yield index
        return
    with TemporaryDirectory(prefix="egma-drafts-") as place, ReportIndex.open(place) as index:
        for start in range(0, len(held.library), _BATCH):
            progress(start, len(held.library), "reports embedded")
            names, records = zip(*held.library[start : start + _BATCH])
            index.add_reports(engine, names, records)
        yield index


def draft_films(
    engine: Engine,
    index: ReportIndex,
    held: HeldOut,
    progress: Progress,
    *,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> list[DraftedFilm]:
    """A draft of every held-out film, in order."""
    names = np.array(sorted(index), dtype=object)
    generator = np.random.default_rng(seed)
    drafted = []
    for place, (film, study) in enumerate(load_films(held.films, progress, "films drafted")):
        order = generator.permutation(len(names))  # drawn for every film, so that each has its own
        hits, passed = _others(_search(engine, index, study, neighbours, film, held.references[place]))
        drawn = _draw(index, names[order].tolist(), neighbours, film, held.references[place])
        drafted.append(
            DraftedFilm(
                _write(engine, hits[:neighbours]),
                reference_of(hits[0].text),
                _write(engine, drawn),
                tuple(hit.id for hit in hits[:neighbours]),
                passed,
            )
        )
    return drafted


def is_own(film: Film, reference: str, name: str, record: ReportRecord) -> bool:
    """Whether a report of the library is the film's own: by its id or its patient.

    Where either side does not say whose it is, a report that says the same word for word counts as the film's own.
    Where both do, it may say the same words: of another patient, that is a find.
    """
    if name in (film.name, Path(film.name).stem):
        return True
    patients = [str(record.extra[key]) for key in _SPELLINGS if record.extra.get(key) not in (None, "")]
    if film.patient in patients:
        return True
    both_say = bool(patients) and film.patient != film.name
    return not both_say and _folded(reference_of(record.text)) == _folded(reference)


def _search(
    engine: Engine, index: ReportIndex, study: Study, neighbours: int, film: Film, reference: str
) -> list[tuple[Hit, bool]]:
    """Hits, nearest first, each with whether it is the film's own; more are asked for until enough are not."""
    wanted = min(2 * neighbours, MAX_HITS)
    while True:
        hits = [
            (hit, is_own(film, reference, hit.id, hit.record)) for hit in search_by_film(index, engine, study, wanted)
        ]
        if sum(not own for _, own in hits) >= neighbours or len(hits) < wanted or wanted == MAX_HITS:
            return _until(hits, neighbours)
        wanted = min(4 * wanted, MAX_HITS)


def _until(hits: list[tuple[Hit, bool]], neighbours: int) -> list[tuple[Hit, bool]]:
    """Hits up to the last that a draft reads."""
    others = [place for place, (_, own) in enumerate(hits) if not own]
    return hits[: others[neighbours - 1] + 1] if len(others) >= neighbours else hits


def _others(hits: Sequence[tuple[Hit, bool]]) -> tuple[list[Hit], int]:
    kept = [hit for hit, own in hits if not own]
    if not kept:
        raise DataError("the library holds no report of another patient than the film's; name another with --index")
    return kept, len(hits) - len(kept)


def _draw(index: ReportIndex, names: list[str], neighbours: int, film: Film, reference: str) -> list[Hit]:
    """Reports in a drawn order that are not the film's own."""
    found: list[Hit] = []
    for start in range(0, len(names), 4 * neighbours):
        some = names[start : start + 4 * neighbours]
        records = index.get(some)
        found += [
            Hit(name, 0.0, "", records[name].text, records[name])
            for name in some
            if not is_own(film, reference, name, records[name])
        ]
        if len(found) >= neighbours:
            break
    return found[:neighbours]


def _write(engine: Engine, hits: Sequence[Hit]) -> str:
    """The draft as one text."""
    return " ".join(sentence.words for sentence in draft_from(engine, hits).sentences)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
