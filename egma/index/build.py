"""Builds a library from a source: streaming, resumable, with what was broken listed and passed over.

Each batch and the place in the source that it reached are written in one transaction: a build that was interrupted and
is run again goes on after the last batch that is on the disk.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from egma.cells import safe_cell
from egma.errors import LibraryError
from egma.index.sources import BrokenItem, Source, SourceItem
from egma.index.store import ReportIndex

if TYPE_CHECKING:
    from egma.inference.engine import Engine

BATCH = 256  # reports written at once: half a minute of a slow text tower
_NOTE = "build:"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class BuildResult:
    """What a build did, over all its runs.

    Attributes:
        total: items in the source; done: of them looked at.
        added: reports written, in place of older ones with the same id or new.
        unchanged: reports that were there already, word for word.
        duplicates: reports left out because one with the same words and facts is there.
        broken: items that are no report; broken_file lists them and the duplicates, "" where there is none.
        seconds: of this run.
    """

    total: int
    done: int = 0
    added: int = 0
    unchanged: int = 0
    duplicates: int = 0
    broken: int = 0
    broken_file: str = ""
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the whole source was looked at."""
        return self.done >= self.total


def build_library(
    index: ReportIndex,
    engine: Engine,
    source: Source,
    *,
    keep_duplicates: bool | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> BuildResult:
    """Add every report of a source to a library; run again after an interruption, it continues.

    Args:
        keep_duplicates: whether reports whose words and facts are there under another id are kept; None: as the
            source says.
        on_progress: called with (done, total, sentence) after each batch.
        should_stop: asked after each batch; what was done is kept.
    """
    start = time.perf_counter()
    keep = source.keeps_duplicates if keep_duplicates is None else keep_duplicates
    total = source.count()
    if not total:
        raise LibraryError(f"{source.name!r} holds no report: 0 rows; nothing was changed")
    index.check_model(engine.checkpoint)
    result = replace(_read_note(index, source), total=total)
    listed = _BrokenList(index.folder / f"left-out-{_file_name(source.name)}.csv")
    for batch in _batches(source.items(result.done), BATCH):
        result = _add_batch(index, engine, source, batch, result, listed, keep)
        if on_progress is not None:
            on_progress(result.done, total, f"{result.added:,} reports added")
        if should_stop():
            break
    if not result.added and not result.unchanged and not result.duplicates and result.is_complete:
        _write_note(index, source, None)
        raise LibraryError(
            f"none of the {result.broken:,} items of {source.name!r} is a report; {listed.path.name} in the library "
            "says why of each"
        )
    if result.is_complete:
        _write_note(index, source, None)
        index.catch_up()
    return replace(result, seconds=round(time.perf_counter() - start, 2))


def _add_batch(
    index: ReportIndex,
    engine: Engine,
    source: Source,
    batch: list[SourceItem | BrokenItem],
    result: BuildResult,
    listed: _BrokenList,
    keep: bool,
) -> BuildResult:
    """Write one batch with the place it reached."""
    items = [item for item in batch if isinstance(item, SourceItem)]
    broken = [item for item in batch if isinstance(item, BrokenItem)]
    unique = {item.id: item for item in items}  # of two rows with one id the later one counts
    repeated = [item for item in items if unique[item.id] is not item]
    broken += [BrokenItem(item.place, "its id stands again further on") for item in repeated]
    there = index.digests_of(list(unique))
    unchanged = [item for item in unique.values() if there.get(item.id) == item.record.digest]
    wanted = [item for item in unique.values() if there.get(item.id) != item.record.digest]
    twins = {} if keep else _find_twins(index, wanted)
    new = [item for item in wanted if item.id not in twins]
    left_out = [BrokenItem(item.place, f"the same as {twins[item.id]}") for item in wanted if item.id in twins]
    listed.append([*broken, *left_out])
    result = replace(
        result,
        done=result.done + len(batch),
        added=result.added + len(new),
        unchanged=result.unchanged + len(unchanged),
        duplicates=result.duplicates + len(left_out),
        broken=result.broken + len(broken),
        broken_file=listed.path.name if broken or left_out or result.broken_file else "",
    )
    notes = {_NOTE + source.digest: json.dumps(asdict(result))}
    index.add_reports(engine, [item.id for item in new], [item.record for item in new], notes=notes)
    return result


def _find_twins(index: ReportIndex, items: list[SourceItem]) -> dict[str, str]:
    """Of each report whose words and facts are there under another id: that id."""
    there = index.ids_of_digests([item.record.digest for item in items])
    twins: dict[str, str] = {}
    for item in items:
        first = there.setdefault(item.record.digest, item.id)
        if first != item.id:
            twins[item.id] = first
    return twins


def _read_note(index: ReportIndex, source: Source) -> BuildResult:
    """How far an interrupted build of this source came."""
    noted = index.note(_NOTE + source.digest)
    return BuildResult(**json.loads(noted)) if noted else BuildResult(total=0)


def _write_note(index: ReportIndex, source: Source, result: BuildResult | None) -> None:
    index.write_note(_NOTE + source.digest, json.dumps(asdict(result)) if result else "")


def _batches(items: Iterable[SourceItem | BrokenItem], size: int) -> Iterator[list[SourceItem | BrokenItem]]:
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name.removesuffix(".csv"))[:60].strip("-.") or "source"


class _BrokenList:
    """A table of what was left out and why, beside the library."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, items: list[BrokenItem]) -> None:
        """Add lines; cells that a spreadsheet would run are defused."""
        if not items:
            return
        new = not self.path.exists()
        try:
            with self.path.open("a", newline="", encoding="utf-8", errors="replace") as stream:
                writer = csv.writer(stream)
                if new:
                    writer.writerow(("place", "reason"))
                writer.writerows((safe_cell(item.place), safe_cell(item.reason)) for item in items)
        except OSError as error:
            raise LibraryError(
                f"{self.path.name} cannot be written ({error.strerror}); what was added is kept"
            ) from None
