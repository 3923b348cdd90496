"""Labelled films and marked regions as every task of the suite takes them, whatever data set they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.data.places import Root
from egma.errors import DataError

PRESENT, ABSENT, UNKNOWN = 1, 0, -1
SPLITS = ("train", "val", "test")
Box = tuple[float, float, float, float]
"""(x, y, width, height) as shares of the film's sides."""


@dataclass(frozen=True)
class Film:
    """One film of a data set.

    Attributes:
        name: its path within the data set, with "/": the only thing of it that a list's hash and a table of cases hold.
        path: the file.
        patient: as the data set has it; the film's own name where it says nothing.
        truth: one of PRESENT, ABSENT and UNKNOWN for each class of its set.
        split: "train", "val" or "test".
        view: "PA", "AP", "lateral", "frontal" or "".
        text: what was written of it, "" where nothing was.
    """

    name: str
    path: Path
    patient: str
    truth: tuple[int, ...]
    split: str = "test"
    view: str = ""
    text: str = ""


@dataclass(frozen=True)
class LabelledSet:
    """Films with labels.

    Attributes:
        name, title: of the catalogue.
        classes: one a column of the films' truth.
        exclusive: every film shows exactly one class, and the task is to say which.
        films: of all splits.
        view_filter: which views were let in, in words.
        rule: how the list came about, in words.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    exclusive: bool
    films: tuple[Film, ...]
    view_filter: str
    rule: str

    @property
    def tested(self) -> tuple[Film, ...]:
        """Films of the test split, in the order of their names."""
        return self.of("test")

    def of(self, split: str) -> tuple[Film, ...]:
        """Films of one split, in the order of their names."""
        return tuple(sorted((film for film in self.films if film.split == split), key=lambda film: film.name))

    @cached_property
    def list_sha256(self) -> str:
        """Names the list of test films and their labels."""
        return hash_list(f"{film.name}\t{','.join(map(str, film.truth))}" for film in self.tested)


@dataclass(frozen=True, eq=False)
class Region:
    """What one phrase should be found at on one film.

    Attributes:
        film: whose truth is empty.
        finding: the class, for a table.
        phrase: what is asked.
        boxes: where it is; empty where there is a mask.
        draw: mask bool of the film's (height, width), None where there are boxes.
        mark: names the region in the list's hash.
    """

    film: Film
    finding: str
    phrase: str
    boxes: tuple[Box, ...] = ()
    draw: Callable[[tuple[int, int]], NDArray[np.bool_]] | None = None
    mark: str = ""

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """bool (height, width): pixels of the region; a box takes each pixel that it touches."""
        if self.draw is not None:
            return self.draw(shape)
        drawn = np.zeros(shape, bool)
        for x, y, width, height in self.boxes:
            left, top = max(0, int(x * shape[1])), max(0, int(y * shape[0]))
            drawn[top : int(np.ceil((y + height) * shape[0])), left : int(np.ceil((x + width) * shape[1]))] = True
        return drawn


@dataclass(frozen=True)
class RegionSet:
    """Regions of a data set; `view_filter` and `rule` in words."""

    name: str
    title: str
    regions: tuple[Region, ...]
    view_filter: str
    rule: str

    @property
    def tested(self) -> tuple[Region, ...]:
        """Regions of the test split."""
        return tuple(region for region in self.regions if region.film.split == "test")

    @cached_property
    def list_sha256(self) -> str:
        """Names the list of test regions."""
        return hash_list(
            f"{region.film.name}\t{region.finding}\t{region.phrase}\t{region.boxes}\t{region.mark}"
            for region in self.tested
        )


def hash_list(lines: Iterable[str]) -> str:
    """SHA-256 of lines in sorted order: the same list read in another order has the same name."""
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()


def check_films(found: LabelledSet) -> LabelledSet:
    """The set, or a refusal: no test film, a film twice, a patient in two splits, a class without a film."""
    tested = found.tested
    if not tested:
        raise DataError(f"{found.title}: no film of the test split was found; nothing can be measured")
    name, count = Counter(film.name for film in found.films).most_common(1)[0]
    if count > 1:
        raise DataError(f"{found.title}: the film {name[-60:]!r} is listed {count} times; list each film once")
    check_patients(found.title, found.films)
    if found.exclusive:
        for film in tested:
            if sum(value == PRESENT for value in film.truth) != 1:
                raise DataError(f"{found.title}: the film {film.name[-60:]!r} must show exactly one of its classes")
        counts = np.sum([film.truth for film in tested], axis=0)
        for column, label in enumerate(found.classes):
            if counts[column] == 0:
                raise DataError(
                    f"{found.title}: the class {label} has no film in the test split; nothing tells it apart"
                )
    return found


def check_patients(title: str, films: Sequence[Film]) -> None:
    """Refuse a patient on both sides of a split: a model would be tested on somebody it knows."""
    seen: dict[str, str] = {}
    for film in films:
        if seen.setdefault(film.patient, film.split) != film.split:
            raise DataError(
                f"{title}: one patient is in {seen[film.patient]} and in {film.split}; split by patient and try again"
            )


def find_film(root: Root, name: str, title: str) -> Path:
    """The film that a table names, below the data set's folder and nowhere else."""
    place = root.find(name)
    if place.path is None:
        raise DataError(f"{title}: the film {name[-60:]!r} was not found ({place.problem}); is the copy complete?")
    return place.path


def read_label(cell: str, where: str) -> int:
    """A cell of a label column: 1 present, 0 absent, blank or -1 (uncertain) unknown."""
    text = cell.strip().lower()
    if text in ("", "nan", "-1", "-1.0", "u"):
        return UNKNOWN
    if text in ("1", "1.0", "true", "yes"):
        return PRESENT
    if text in ("0", "0.0", "false", "no"):
        return ABSENT
    raise DataError(f"{where}: wanted a label of 1, 0, -1 or blank, got {cell[:20]!r}")


def shuffle_split(count: int, test_share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(train, test) places as scikit-learn's `train_test_split(test_size=test_share, random_state=seed)` gives them."""
    test = int(np.ceil(test_share * count))
    order = np.random.RandomState(seed).permutation(count)
    return order[test:], order[:test]


def split_as_mgca(films: Sequence[Film]) -> tuple[Film, ...]:
    """70/15/15 as MGCA (Wang et al. 2022) cuts RSNA and SIIM: shuffled twice with seed 0, in the table's order."""
    train, rest = shuffle_split(len(films), 0.3, 0)
    validation, test = shuffle_split(len(rest), 0.5, 0)
    named = dict.fromkeys(train.tolist(), "train")
    named |= dict.fromkeys(rest[test].tolist(), "val") | dict.fromkeys(rest[validation].tolist(), "test")
    return tuple(replace(film, split=named[place]) for place, film in enumerate(films))
