"""A built data folder on disk: a manifest anybody can open, the maps compressed beside it, and what was left out.

    data.json       how and from what it was built; its `stamp` tells whether it is still true
    manifest.csv    one row a film: the project's columns, ids, sentences with times as JSON, one column a finding
    maps.npz        uint8 (K, gh, gw), and which sentence of which row each one belongs to
    dropped.csv     what was left out, by name, and why

Written beside its place and moved there at once, so that a folder is either the old one or the new one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from egma.cells import safe_cell
from egma.data.packed import pack_maps, unpack_maps
from egma.data.sample import SPLITS, Dropped, Labels, Sample, UInt8
from egma.errors import DataError
from egma.findings import FINDINGS
from egma.replacing import replace_file

FACTS, MANIFEST, MAPS, DROPPED = "data.json", "manifest.csv", "maps.npz", "dropped.csv"
FILES = (FACTS, MANIFEST, MAPS, DROPPED)
FORMAT = 1
_UNFINISHED = ".unfinished"  # there until every file is in place
_COLUMNS = ["image", "split", "source", "patient", "view", "sex", "age", "labels", "licence"]
_COLUMNS += ["id", "study", "film", "reader", "simulated", "rows", "columns", "image_note", "sentences", "report"]
_CODES = {"1": 1, "0": 0, "-1": -1, "": None}
_CELL_CHARS = 1 << 20


@dataclass(frozen=True)
class Facts:
    """How a data folder was built.

    Attributes:
        source: the layout that was read.
        source_root, image_root, report_root: the folders it was read from; "" for none.
        grid: rows, columns and mode of the maps' grid, such as "20x20 pad".
        stamp: SHA-256 over everything that the maps depend on.
        split_seed: of the split by patient.
        share, seed: the share of gaze that a training is to see, and the seed of the choice.
    """

    source: str
    source_root: str
    image_root: str
    report_root: str
    grid: str
    stamp: str
    split_seed: int = 0
    share: float = 1.0
    seed: int = 0


def save_folder(
    folder: Path, facts: Facts, samples: Sequence[Sample], dropped: Iterable[Dropped], image_root: Path
) -> None:
    """Write a data folder, every file moved into place whole, `data.json` last; images are named from `image_root`."""
    left_out = [[each.name, each.reason] for each in dropped]
    try:
        (folder / _UNFINISHED).touch()
        (folder / FACTS).unlink(missing_ok=True)
        replace_file(folder / MAPS, pack_maps(samples), durable=True)
        replace_file(folder / MANIFEST, _csv(_header(), (_row(sample, image_root) for sample in samples)), durable=True)
        replace_file(
            folder / DROPPED,
            _csv(["name", "reason"], ([safe_cell(cell) for cell in row] for row in left_out)),
            durable=True,
        )
        save_facts(folder, facts)
        (folder / _UNFINISHED).unlink()
    except OSError as error:
        raise DataError(
            f"the data folder cannot be written ({error.strerror}); check the disk and its rights"
        ) from None


def save_facts(folder: Path, facts: Facts) -> None:
    """Write `data.json` alone: another share of gaze changes no map."""
    replace_file(folder / FACTS, json.dumps({"format": FORMAT, **asdict(facts)}, indent=1).encode(), durable=True)


def claim(folder: Path) -> None:
    """Make the folder, or take one that holds a data folder, finished or not; never one with anything else in it.

    Raises:
        DataError: it is one of these.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder.name!r} is a file: name a folder to build into")
    if (
        folder.is_dir()
        and any(folder.iterdir())
        and not any((folder / name).is_file() for name in (FACTS, _UNFINISHED))
    ):
        raise DataError(f"the folder {folder.name!r} holds other files: name a new or empty folder to build into")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / FACTS).is_file():
            (folder / _UNFINISHED).touch()
    except OSError as error:
        raise DataError(f"the data folder cannot be made ({error.strerror}); name another") from None


def is_folder(folder: Path) -> bool:
    """Whether a built data folder is there, finished or not."""
    return (folder / _UNFINISHED).is_file() or ((folder / FACTS).is_file() and (folder / MANIFEST).is_file())


def is_finished(folder: Path) -> bool:
    """Whether a built data folder is there, whole."""
    return is_folder(folder) and not (folder / _UNFINISHED).is_file()


def load_facts(folder: Path) -> Facts:
    """How a data folder was built.

    Raises:
        DataError: it is unfinished, damaged, or of another version.
    """
    if (folder / _UNFINISHED).is_file():
        raise DataError("the data folder is unfinished: its building was interrupted; build it again")
    try:
        found = json.loads((folder / FACTS).read_bytes())
        if found.pop("format") != FORMAT:
            raise DataError("the data folder was built by another version; build it again")
        facts = Facts(**found)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise DataError("data.json is damaged; build the data folder again") from None
    if not all(isinstance(getattr(facts, name), str) for name in ("source", "grid", "stamp", "image_root")):
        raise DataError("data.json is damaged; build the data folder again")
    return facts


def load_samples(folder: Path) -> list[tuple[str, Sample]]:
    """Every film as (image name, sample without its path): where the images are is looked up by the caller."""
    limit = csv.field_size_limit(_CELL_CHARS)
    try:
        with (folder / MANIFEST).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        gaze = unpack_maps(folder / MAPS, len(rows))
        return [(row["image"], _sample(row, gaze.get(number, {}))) for number, row in enumerate(rows)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, csv.Error):
        raise DataError("the data folder's manifest.csv is damaged; build the folder again") from None
    finally:
        csv.field_size_limit(limit)


def load_dropped(folder: Path) -> tuple[Dropped, ...]:
    """What was left out when the folder was built."""
    try:
        with (folder / DROPPED).open(newline="", encoding="utf-8") as stream:
            return tuple(Dropped(row["name"], row["reason"]) for row in csv.DictReader(stream))
    except (OSError, ValueError, KeyError, csv.Error):
        raise DataError("the data folder's dropped.csv is damaged; build the folder again") from None


def _header() -> list[str]:
    return [*_COLUMNS, *FINDINGS]


def _row(sample: Sample, image_root: Path) -> list[object]:
    image = ""
    if sample.image_path is not None:
        inside = sample.image_path.is_relative_to(image_root)
        image = str(sample.image_path.relative_to(image_root) if inside else sample.image_path)
    times = [None if each is None else [round(moment, 3) for moment in each] for each in sample.times_s]
    names = "|".join(finding for finding, label in zip(FINDINGS, sample.labels) if label == 1)
    rows, columns = sample.shape_hw or ("", "")
    age = "" if sample.age is None else f"{sample.age:g}"
    words = json.dumps([[text, time] for text, time in zip(sample.sentences, times)], ensure_ascii=False)
    report = json.dumps(list(sample.report), ensure_ascii=False)
    ids: list[object] = [
        sample.id,
        sample.study,
        sample.film,
        sample.reader,
        int(sample.simulated),
        rows,
        columns,
        sample.image_note,
    ]
    known = [image, sample.split, sample.source, sample.patient, sample.view, sample.sex, age, names, sample.licence]
    return [*known, *ids, words, report, *("" if label is None else label for label in sample.labels)]


def _sample(row: dict[str, str], gaze: dict[int, UInt8]) -> Sample:
    spoken = json.loads(row["sentences"])
    if row["split"] not in SPLITS:
        raise ValueError(row["split"])
    labels: Labels = tuple(_CODES[row[finding]] for finding in FINDINGS)
    return Sample(
        id=row["id"],
        patient=row["patient"],
        study=row["study"],
        film=row["film"],
        split=row["split"],  # type: ignore[arg-type]
        image_note=row["image_note"],
        sentences=tuple(str(text) for text, _ in spoken),
        times_s=tuple(None if time is None else (float(time[0]), float(time[1])) for _, time in spoken),
        labels=labels,
        gaze=tuple(gaze.get(number) for number in range(len(spoken))),
        report=tuple(str(text) for text in json.loads(row["report"])),
        source=row["source"],
        reader=row["reader"],
        simulated=row["simulated"] == "1",
        shape_hw=(int(row["rows"]), int(row["columns"])) if row["rows"] else None,
        view=row["view"],
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        licence=row["licence"],
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
