"""Which data sets the suite reads, what each is known by in a folder, and where one applies for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from egma.errors import DataError


@dataclass(frozen=True)
class SetInfo:
    """One data set of the catalogue.

    Attributes:
        name: what `--set` takes.
        title: for people.
        wants: groups of paths, of each of which one must be there.
        access: where one applies for it, or how to make it.
        tasks: the tasks that read it.
    """

    name: str
    title: str
    wants: tuple[tuple[str, ...], ...]
    access: str
    tasks: tuple[str, ...]

    def missing_in(self, folder: Path) -> list[str]:
        """What `folder` lacks, as words: "train-rle.csv or stage_2_train.csv"."""
        return [
            " or ".join(group) for group in self.wants if not any((folder / relative).exists() for relative in group)
        ]


@dataclass(frozen=True)
class Found:
    """A data set looked for under a root.

    Attributes:
        info: the data set.
        folder: where it lies, or None.
        missing: what the nearest candidate lacks; everything it wants where there is none.
    """

    info: SetInfo
    folder: Path | None
    missing: tuple[str, ...]


@cache
def list_sets() -> tuple[SetInfo, ...]:
    """The catalogue."""
    raw = json.loads(resources.files("egma.evaluation.sets").joinpath("catalogue.json").read_text(encoding="utf-8"))
    return tuple(
        SetInfo(row["name"], row["title"], tuple(map(tuple, row["wants"])), row["access"], tuple(row["tasks"]))
        for row in raw
    )


def find_info(name: str) -> SetInfo:
    """The catalogue's entry of that name."""
    for info in list_sets():
        if info.name == name:
            return info
    names = ", ".join(info.name for info in list_sets())
    raise DataError(f"--set: {name[:40]!r} is no data set of the suite; it knows {names}")


def look_for(info: SetInfo, root: Path) -> Found:
    """Look for a data set in `root` and in the folders directly under it."""
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []
    best: tuple[str, ...] = tuple(" or ".join(group) for group in info.wants)
    for folder in folders:
        missing = tuple(info.missing_in(folder))
        if not missing:
            return Found(info, folder, ())
        if len(missing) < len(best):
            best = missing
    return Found(info, None, best)


def detect_set(root: Path, task: str, name: str | None = None) -> tuple[SetInfo, Path]:
    """The data set in `root` that `task` reads: the one named, or the only one there is.

    Raises:
        DataError: none, or more than one and no name.
    """
    if not root.is_dir():
        raise DataError(f"--data: {root.name[:60]!r} is no folder; give the folder of your copy of a data set")
    if name is not None:
        info = find_info(name)
        if task not in info.tasks:
            raise DataError(f"--set: {name} is not read by {task}; it serves {', '.join(info.tasks)}")
        found = look_for(info, root)
        if found.folder is None:
            raise DataError(f"{info.title}: {root.name!r} lacks {found.missing[0]}; access: {info.access}")
        return info, found.folder
    all_found = [found for info in list_sets() if task in info.tasks and (found := look_for(info, root)).folder]
    if not all_found:
        raise DataError(
            f"--data: {root.name[:60]!r} holds no data set that {task} reads; `evaluate doctor` says what is missing"
        )
    if len(all_found) > 1:
        names = ", ".join(found.info.name for found in all_found)
        raise DataError(f"--data: {root.name[:60]!r} holds several data sets ({names}); choose one with --set")
    return all_found[0].info, all_found[0].folder or root
