"""Turns a gaze data set's root into samples, once: the result is a data folder that is rebuilt when its source changes.

`build_data(root, out)` does nothing where `out` is already true to the root, the grid and the rules of this version.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from egma.data import store
from egma.data.maps import Grid, build_sample
from egma.data.mimic import MimicFiles
from egma.data.mimic_tables import load_mimic_tables, table_files
from egma.data.record import FilmId, Layout
from egma.data.sample import Dropped, GazeChoice, Sample, Split
from egma.data.sources import eyegaze, mimic_eye, reflacx
from egma.data.splits import split_patients, with_splits
from egma.errors import DataError, GazeError
from egma.gaze.density import DEFAULT_FILM_DEGREES

# Raise it whenever sentences, maps or labels of the same recordings would come out otherwise: caches are then rebuilt.
RULES = 1
_READ_SUFFIXES = (".csv", ".json", ".txt", ".gz")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A gaze data set's root, and where MIMIC-CXR's images and reports are for whoever has them."""

    root: Path
    images: Path | None = None
    reports: Path | None = None

    @property
    def kind(self) -> str:
        """ "mimic-eye", "reflacx" or "eyegaze"; "" for none of them."""
        if not self.root.is_dir():
            return ""
        kinds = (("mimic-eye", mimic_eye), ("reflacx", reflacx), ("eyegaze", eyegaze))
        return next((name for name, layout in kinds if layout.matches(self.root)), "")

    def files(self) -> MimicFiles:
        """Images and reports; MIMIC-EYE holds both itself."""
        own = self.root if self.kind == "mimic-eye" else None
        return MimicFiles(self.images or own, self.reports or own)


@dataclass(frozen=True, eq=False)
class Built:
    """What came out of a root: films in its order, what was left out, and the layout's name."""

    samples: tuple[Sample, ...]
    dropped: tuple[Dropped, ...]
    source: str


def build_samples(source: Source, grid: Grid, split_seed: int = 0, on_progress: Progress | None = None) -> Built:
    """Read every recording of a root and make its maps.

    Raises:
        DataError: the root is none that is known, or none of its recordings can be used.
    """
    layout = read_layout(source)
    files = source.files()
    samples: list[Sample] = []
    dropped = list(layout.dropped)
    for done, record in enumerate(layout.records, 1):
        try:
            sample, lost = build_sample(record, files, grid)
        except GazeError as error:
            dropped.append(Dropped(record.name, str(error)))
        else:
            samples.append(sample)
            dropped += [lost] if lost else []
        if on_progress is not None:
            on_progress(done, len(layout.records))
    if not samples:
        first = f"; the first: {dropped[0].name[:80]}: {dropped[0].reason}" if dropped else ""
        raise DataError(f"none of the {len(dropped)} recordings can be used{first}")
    official: dict[str, Split | None] = {record.name: record.official for record in layout.records}
    splits, contradicted = split_patients(((sample.patient, official[sample.id]) for sample in samples), split_seed)
    if contradicted:
        reason = f"the official split puts {len(contradicted)} patients in two splits: these are split by seed"
        dropped.append(Dropped("official split", reason))
    return Built(with_splits(samples, splits), tuple(dropped), layout.source)


def build_data(
    source: Source,
    out: Path,
    *,
    grid: Grid | None = None,
    choice: GazeChoice | None = None,
    split_seed: int = 0,
    on_progress: Progress | None = None,
) -> bool:
    """Build a data folder, unless it is already true to its source. Returns whether anything had to be built.

    Args:
        source: the data set's root, and MIMIC-CXR's files.
        out: the data folder; made where it is missing, and refused where it holds anything else.
        grid: of the maps.
        choice: the share of gaze to record in the folder; it can be chosen anew when the folder is opened.
        split_seed: of the split by patient, where there is no official one.
        on_progress: called with (recordings done, all).
    """
    if out.absolute().is_relative_to(source.root.absolute()):
        raise DataError("the data folder must not lie inside the data set that it is built from; name another")
    store.claim(out)
    wanted, chosen = grid or Grid(), choice or GazeChoice()
    facts = _facts(source, wanted, chosen, split_seed)
    if store.is_finished(out):
        old = store.load_facts(out)
        samples = [sample for _, sample in store.load_samples(out)]
        if replace(old, share=chosen.share, seed=chosen.seed) == replace(
            facts, stamp=find_stamp(source, facts, samples)
        ):
            if (old.share, old.seed) != (chosen.share, chosen.seed):
                store.save_facts(out, replace(old, share=chosen.share, seed=chosen.seed))
            return False
    built = build_samples(source, wanted, split_seed, on_progress)
    stamped = replace(facts, stamp=find_stamp(source, facts, built.samples))
    store.save_folder(out, stamped, built.samples, built.dropped, source.files().images or source.root)
    return True


def _facts(source: Source, grid: Grid, choice: GazeChoice, split_seed: int) -> store.Facts:
    """How the folder is about to be built, without its stamp."""
    return store.Facts(
        source=source.kind,
        source_root=str(source.root.absolute()),
        image_root="" if source.images is None else str(source.images.absolute()),
        report_root="" if source.reports is None else str(source.reports.absolute()),
        grid=f"{grid.rows}x{grid.columns} {grid.mode}",
        stamp="",
        split_seed=split_seed,
        share=choice.share,
        seed=choice.seed,
    )


def find_stamp(source: Source, facts: store.Facts, samples: Iterable[Sample]) -> str:
    """SHA-256 over everything the folder depends on: rules, grid, seeds, and size and time of every file read."""
    digest = sha256(json.dumps([store.FORMAT, RULES, DEFAULT_FILM_DEGREES, facts.grid, facts.split_seed]).encode())
    for name, size, changed_ns in _stats(source):
        digest.update(f"\n{name} {size} {changed_ns}".encode("utf-8", "surrogateescape"))
    files = source.files()
    for sample in samples:
        film = FilmId(sample.patient, sample.study, sample.film)
        image = str(files.find_image(film).path) if sample.shape_hw is None else ""
        digest.update(f"\n{sample.id} {files.stamp(film) if source.reports else ''} {image}".encode())
    return digest.hexdigest()


def _stats(source: Source) -> Iterator[tuple[str, int, int]]:
    """(name, bytes, time) of every file of the root that is read, and of MIMIC-CXR's tables, in a fixed order."""
    for folder, folders, names in os.walk(source.root):
        folders.sort()
        for name in sorted(names):
            if name.endswith(_READ_SUFFIXES):
                path = Path(folder) / name
                status = path.stat()
                yield str(path.relative_to(source.root)), status.st_size, status.st_mtime_ns
    for path in table_files(_table_folders(source)):
        status = path.stat()
        yield path.name, status.st_size, status.st_mtime_ns


def _table_folders(source: Source) -> list[Path]:
    """Where MIMIC-CXR-JPG's tables lie: beside the images, or beside the folder `files` that holds them."""
    return [] if source.images is None else [source.images, source.images.parent]


def read_layout(source: Source) -> Layout:
    """The recordings of a root, before any of them is read.

    Raises:
        DataError: the root is none that is known.
    """
    kind = source.kind
    if not kind:
        raise DataError("the folder is no gaze data set: wanted the root of REFLACX, EyeGaze or MIMIC-EYE")
    if kind == "mimic-eye":
        return mimic_eye.read_layout(source.root)
    tables = load_mimic_tables(_table_folders(source))
    read = reflacx.read_layout if kind == "reflacx" else eyegaze.read_layout
    return read(source.root, tables)
