"""One call from a path to samples, whatever the layout: a built data folder, a table, or a gaze data set's root."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from egma.data import store
from egma.data.build import Progress, Source, build_data, build_samples
from egma.data.built import load_built, missing_images
from egma.data.maps import Grid
from egma.data.problems import explain_dropped
from egma.data.sample import SPLITS, GazeChoice, Problem, Sample, SampleSet
from egma.data.sources.table import find_table, load_table
from egma.data.splits import choose_gaze
from egma.errors import DataError, FilmError
from egma.findings import FINDINGS

WANTED = "a manifest.csv, a folder with labels.csv, a built data folder, or the root of REFLACX, EyeGaze or MIMIC-EYE"
_TRIED = 3


@dataclass(frozen=True, eq=False)
class Examination:
    """What a data set holds, looked at before a job may start.

    Attributes:
        samples: the set itself; its `problems` are here with those found by opening films.
        problems: one sentence a kind of problem, blocking ones first.
        counts: films by split.
        with_gaze: films with gaze by split.
        sentences: sentences in all, and how many of them have gaze.
        classes: for each finding, films (present, absent, uncertain, unknown) of the whole set.
        opened: the films that were opened to try them, for thumbnails.
    """

    samples: SampleSet
    problems: tuple[Problem, ...]
    counts: dict[str, int]
    with_gaze: dict[str, int]
    sentences: tuple[int, int]
    classes: dict[str, tuple[int, int, int, int]]
    opened: tuple[Sample, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing blocks a training."""
        return not any(problem.blocking for problem in self.problems)


@dataclass(frozen=True)
class Reading:
    """How a data set is to be read; everything has a usual value.

    Attributes:
        choice: the share of gaze and its seed; None: as the folder was built, or all.
        split_seed: of the split by patient, where the data has no split of its own.
        grid: of the gaze maps; None: as the folder was built, or egma-mini's.
        cache: where the maps of a gaze data set's root are kept and found again; None: they are made in memory.
        images, reports: folders of MIMIC-CXR's files, for a gaze data set's root.
    """

    choice: GazeChoice | None = None
    split_seed: int = 0
    grid: Grid | None = None
    cache: Path | None = None
    images: Path | None = None
    reports: Path | None = None


def open_data(
    path: str | PathLike[str], reading: Reading | None = None, *, on_progress: Progress | None = None
) -> SampleSet:
    """The films of a data set.

    Args:
        path: a table, a built data folder, or the root of REFLACX, EyeGaze or MIMIC-EYE.
        reading: how; None: the usual way.
        on_progress: called with (recordings done, all) while maps are made.

    Raises:
        DataError: there is nothing that is known, or it cannot be read.
    """
    place, how = Path(path), reading or Reading()
    if store.is_folder(place):
        opened = load_built(place, how.grid, on_progress=on_progress)
    elif Source(place).kind:
        opened = _open_root(Source(place, how.images, how.reports), how, on_progress)
    else:
        opened = _open_table(place, how)
    chosen = how.choice or opened.choice
    return replace(opened, samples=choose_gaze(opened.samples, chosen), choice=chosen)


def _open_root(source: Source, how: Reading, on_progress: Progress | None) -> SampleSet:
    grid = how.grid or Grid()
    if how.cache is None:
        built = build_samples(source, grid, how.split_seed, on_progress)
        return SampleSet(built.samples, built.dropped, missing_images(built.samples), built.source, grid.hw)
    build_data(source, how.cache, grid=grid, choice=how.choice, split_seed=how.split_seed, on_progress=on_progress)
    return load_built(how.cache, grid)


def _open_table(place: Path, how: Reading) -> SampleSet:
    table = find_table(place) if place.exists() else None
    if table is None:
        found = "there is nothing there" if not place.exists() else "the folder has none of them"
        raise DataError(f"no data set is found: wanted {WANTED}; {found}")
    return load_table(table, split_seed=how.split_seed)


def examine_data(
    path: str | PathLike[str], reading: Reading | None = None, *, on_progress: Progress | None = None
) -> Examination:
    """Open a data set, count it, and open a few of its films; arguments as `open_data`."""
    samples = open_data(path, reading, on_progress=on_progress)
    problems = [*samples.problems, *_check_whole(samples), *explain_dropped(samples.dropped)]
    opened: list[Sample] = []
    for sample in _spread(samples):
        problem = _try_film(sample)
        if problem is None:
            opened.append(sample)
        else:
            problems.append(problem)
    said = [sentence for sample in samples for sentence in sample.gaze]
    return Examination(
        samples=samples,
        problems=tuple(sorted(problems, key=lambda problem: not problem.blocking)),
        counts={split: len(samples.only(split)) for split in SPLITS},
        with_gaze={split: sum(sample.has_gaze for sample in samples.only(split)) for split in SPLITS},
        sentences=(len(said), sum(each is not None for each in said)),
        classes=count_classes(samples),
        opened=tuple(opened),
    )


def count_classes(samples: SampleSet) -> dict[str, tuple[int, int, int, int]]:
    """For each finding, how many films have it present, absent, uncertain and unknown."""
    columns = list(zip(*(sample.labels for sample in samples))) or [()] * len(FINDINGS)
    table: dict[str, tuple[int, int, int, int]] = {}
    for finding, column in zip(FINDINGS, columns):
        count = Counter(column)
        table[finding] = (count[1], count[0], count[-1], count[None])
    return table


def _check_whole(samples: SampleSet) -> list[Problem]:
    if not len(samples):
        return [Problem("no film", "no film can be used; mend what the other sentences name")]
    missing = [split for split in ("train", "val") if not samples.only(split)]
    if missing:
        return [
            Problem(
                "empty split",
                f"no film is in {' and in '.join(missing)}: a training wants both; add films or leave the split out",
            )
        ]
    return []


def _spread(samples: SampleSet) -> list[Sample]:
    """A few films with a picture: the first, the last and one between."""
    having = [sample for sample in samples if sample.image_path is not None]
    places = sorted({round(at * (len(having) - 1) / (_TRIED - 1)) for at in range(_TRIED)}) if having else []
    return [having[place] for place in places]


def _try_film(sample: Sample) -> Problem | None:
    from egma.imaging import load_study

    if sample.image_path is None:
        return None
    try:
        load_study(sample.image_path)
    except FilmError as error:
        return Problem("unreadable", f"the film of {sample.id[:60]!r} cannot be opened: {error}")
    return None
