"""Opens a built data folder: rebuilt first where its source has changed, images looked up as they lie now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from egma.data import store
from egma.data.build import Progress, Source, build_data, find_stamp
from egma.data.maps import Grid
from egma.data.mimic import MimicFiles
from egma.data.places import Root
from egma.data.record import FilmId
from egma.data.sample import GazeChoice, Problem, Sample, SampleSet
from egma.errors import DataError

_GRID = re.compile(r"([0-9]{1,2})x([0-9]{1,2}) (pad|crop)")


def load_built(folder: Path, grid: Grid | None = None, *, on_progress: Progress | None = None) -> SampleSet:
    """The films of a data folder.

    Args:
        folder: built by `build_data` or `build_phantom_data`.
        grid: wanted of the maps; another than the folder's has them built anew. None: the folder's.
        on_progress: called with (recordings done, all) while they are.

    Raises:
        DataError: the folder is damaged, or its maps have another grid and their source is not there any more.
    """
    facts = store.load_facts(folder)
    own = parse_grid(facts.grid)
    rows = store.load_samples(folder)
    source = _source(facts)
    problems: list[Problem] = []
    if source is None and grid not in (None, own):
        raise DataError(f"the maps of this data folder are on a grid of {facts.grid} and cannot be made anew")
    if source is not None and not source.root.is_dir():
        if grid not in (None, own):
            raise DataError(
                f"the maps of this data folder are on a grid of {facts.grid}, and the recordings that others could be "
                "made from are not there any more"
            )
        problems.append(_gone())
    elif source is not None:
        wanted = grid or own
        stale = find_stamp(source, facts, [sample for _, sample in rows]) != facts.stamp
        if stale or wanted != own:
            choice = GazeChoice(facts.share, facts.seed)
            build_data(source, folder, grid=wanted, choice=choice, split_seed=facts.split_seed, on_progress=on_progress)
            facts, rows, own = store.load_facts(folder), store.load_samples(folder), wanted
    samples = _with_images(folder, source, rows)
    problems += missing_images(samples)
    choice = GazeChoice(facts.share, facts.seed)
    return SampleSet(samples, store.load_dropped(folder), tuple(problems), facts.source, own.hw, choice)


def parse_grid(text: str) -> Grid:
    """The grid that "20x20 pad" names."""
    found = _GRID.fullmatch(text)
    if found is None:
        raise DataError("data.json names no grid; build the data folder again")
    return Grid(int(found[1]), int(found[2]), found[3])  # type: ignore[arg-type]


def missing_images(samples: Sequence[Sample]) -> tuple[Problem, ...]:
    """One sentence for each reason why films have no image."""
    reasons = Counter(sample.image_note for sample in samples if sample.image_path is None)
    all_missing = sum(reasons.values()) == len(samples)
    found: list[Problem] = []
    for reason, count in reasons.items():
        names = ", ".join(sample.id for sample in samples if sample.image_path is None and sample.image_note == reason)
        first = names if len(names) <= 120 else names[:120].rsplit(",", 1)[0] + ", ..."
        sentence = f"{count:,} of {len(samples):,} films have no image, as {reason}: {first}; they are not trained on"
        found.append(Problem("missing image", sentence, count, blocking=all_missing))
    return tuple(found)


def _source(facts: store.Facts) -> Source | None:
    """Where the folder was built from; None for one that was computed, such as phantoms."""
    if not facts.source_root:
        return None
    images, reports = (Path(root) if root else None for root in (facts.image_root, facts.report_root))
    return Source(Path(facts.source_root), images, reports)


def _gone() -> Problem:
    sentence = "the recordings that the maps were made from are not where they were: the maps are used as they are"
    return Problem("source gone", sentence, blocking=False)


def _with_images(folder: Path, source: Source | None, rows: Sequence[tuple[str, Sample]]) -> tuple[Sample, ...]:
    """Every film with its image as it lies now: where the manifest has it, else where MIMIC-CXR's ids lead."""
    files = source.files() if source is not None else MimicFiles()
    root = Root(folder if source is None else files.images or source.root, ("",))
    found: list[Sample] = []
    for name, sample in rows:
        path = root.find(name).path if name else None
        note = "its image is not in the data folder"
        if path is None and source is not None:
            image = files.find_image(FilmId(sample.patient, sample.study, sample.film))
            path, note = image.path, image.note
        found.append(replace(sample, image_path=path, image_note="" if path is not None else note))
    return tuple(found)
