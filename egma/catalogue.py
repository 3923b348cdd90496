"""What checkpoints there are: each with card, figures, licence and pictures, or a sentence on what is wrong with it.

Only config and card are read here, a few milliseconds a checkpoint; weights are when somebody asks the model.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from egma.checkpoints import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME, CheckpointInfo, list_checkpoints, load_checkpoint
from egma.config import ModelConfig
from egma.errors import EgmaError
from egma.evaluation.looks import dark_name

FIGURES_NAME = "figures.json"
_READ_NAMES = (CONFIG_NAME, CARD_NAME, FIGURES_NAME, WEIGHTS_NAME)
_MAX_CARD_BYTES = 512 * 1024
_MAX_FIGURES_BYTES = 1024 * 1024
_MAX_PICTURES = 24
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
_IMAGE = re.compile(r"!\[([^\]\n]{0,400})\]\(\s*<?([^)\s>]{1,200})>?(?:\s+[^)\n]*)?\)")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])")
_LICENCE = re.compile(
    r"^\s*(?:\|\s*)?\**licen[cs]e\**\s*(?::|\|)\s*\**\s*(.+?)\s*\|?\s*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class CardPicture:
    """A picture of a card: a file beside it, and what the card says of it.

    Attributes:
        path: the file.
        caption: the card's words.
        dark: the same picture for dark pages, where there is one.
    """

    path: Path
    caption: str
    dark: Path | None = None


@dataclass(frozen=True)
class MeasuredFigure:
    """A figure of `figures.json`.

    Attributes:
        name: what was measured: "auroc.macro", "boxes.hit".
        value: on all cases.
        low, high: its 95 % interval, or None where too few cases gave one.
        n: cases it stands on, or None where the file does not say.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    n: int | None


@dataclass(frozen=True)
class CheckpointEntry:
    """A checkpoint as lists show it.

    Attributes:
        name: what it is asked for by.
        folder: where it lies.
        problem: one sentence on why it cannot be opened; "" where nothing speaks against it.
        hash: SHA-256 that names weights and settings; "" where the config cannot be read.
        card: `card.md` without its pictures, or "".
        pictures: what the card shows, in its order, those that nobody mentions last.
        figures: what was measured, in the file's order.
        licence: the card's own words on it, or "".
        config: all that config.json says; None where it cannot be read.
    """

    name: str
    folder: Path
    problem: str = ""
    hash: str = ""
    card: str = ""
    pictures: tuple[CardPicture, ...] = ()
    figures: tuple[MeasuredFigure, ...] = ()
    licence: str = ""
    config: ModelConfig | None = field(default=None, repr=False)

    def figure(self, name: str) -> MeasuredFigure | None:
        """The figure of that name, where it was measured."""
        return next((each for each in self.figures if each.name == name), None)


def list_entries() -> list[CheckpointEntry]:
    """Every checkpoint that can be asked for by name, sorted; broken ones too, each with its sentence."""
    return [read_entry(info) for info in list_checkpoints()]


def read_entry(info: CheckpointInfo) -> CheckpointEntry:
    """One checkpoint's config, card and figures. Never raises for what is wrong inside the folder."""
    return _read_entry(info, tuple(_stamp(info.folder / name) for name in ("", *_READ_NAMES)))


@lru_cache(maxsize=128)
def _read_entry(info: CheckpointInfo, stamps: tuple[tuple[int, int], ...]) -> CheckpointEntry:  # noqa: ARG001 - a key
    try:
        checkpoint = load_checkpoint(info.folder, verify=False)
    except (EgmaError, OSError) as error:
        sentence = str(error) if isinstance(error, EgmaError) else f"checkpoint {info.name}: it may not be read here"
        return CheckpointEntry(info.name, info.folder, problem=sentence)
    problem = "" if (info.folder / WEIGHTS_NAME).is_file() else f"checkpoint {info.name}: {WEIGHTS_NAME} is missing"
    card = _read_text(info.folder / CARD_NAME, _MAX_CARD_BYTES)
    words, pictures = split_pictures(card, info.folder)
    return CheckpointEntry(
        name=info.name,
        folder=info.folder,
        problem=problem,
        hash=checkpoint.hash,
        card=words,
        pictures=pictures,
        figures=read_figures(info.folder / FIGURES_NAME),
        licence=find_licence(card),
        config=checkpoint.config,
    )


def read_figures(path: Path) -> tuple[MeasuredFigure, ...]:
    """Every {"value", "low", "high", "n"} of a figures.json, named by its place; none where it is no such file."""
    try:
        return tuple(_walk(json.loads(_read_text(path, _MAX_FIGURES_BYTES) or "{}"), ""))
    except (ValueError, RecursionError):
        return ()


def find_licence(card: str) -> str:
    """What a card's line "Licence: ..." or table row "| Licence | ... |" says; "" without one."""
    found = _LICENCE.search(card)
    return found.group(1).replace("`", "").strip("* ")[:300] if found else ""


def split_pictures(card: str, folder: Path) -> tuple[str, tuple[CardPicture, ...]]:
    """A card's words without its picture marks, and the pictures: files beside the card, nothing else.

    A mark whose file is elsewhere, on the network or missing leaves its caption behind. HTML is shown as it is typed.
    """
    files = {path.name: path for path in _files_beside(folder)}
    dark = {name: files[dark_name(name)] for name in files if dark_name(name) in files}
    beside = {name: path for name, path in files.items() if path not in dark.values()}
    shown: dict[str, CardPicture] = {}

    def take(match: re.Match[str]) -> str:
        caption, name = match.group(1).strip(), match.group(2).removeprefix("./")
        if name not in beside:
            return f"*{caption}*" if caption else ""
        shown.setdefault(name, CardPicture(beside[name], caption or _spoken(name), dark.get(name)))
        return ""

    words = _IMAGE.sub(take, card).replace("![", "[")  # by reference, or odd in another way: a link at most
    words = _MARKUP.sub(r"\<", words)
    rest = [CardPicture(path, _spoken(name), dark.get(name)) for name, path in beside.items() if name not in shown]
    return words, (*shown.values(), *rest)


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the file does: what was read of it before still holds as long as it is the same."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _files_beside(folder: Path) -> list[Path]:
    """Pictures in the folder itself; links are passed over, so that a card cannot show a file from elsewhere."""
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return []
    pictures = [each for each in files if each.suffix.lower() in _PICTURE_SUFFIXES and not each.is_symlink()]
    return [each for each in pictures if each.is_file()][:_MAX_PICTURES]


def _spoken(name: str) -> str:
    words = Path(name).stem.replace("_", " ").replace("-", " ").strip()[:80]
    return words[:1].upper() + words[1:]


def _walk(value: Any, place: str) -> Iterator[MeasuredFigure]:
    if not isinstance(value, Mapping):
        return
    number = _number(value.get("value"))
    if number is not None:
        count = value.get("n")
        n = count if isinstance(count, int) and not isinstance(count, bool) else None
        yield MeasuredFigure(place, number, _number(value.get("low")), _number(value.get("high")), n)
        return
    for key, each in value.items():
        yield from _walk(each, f"{place}.{key}".lstrip(".")[:200])


def _number(value: Any) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def _read_text(path: Path, most_bytes: int) -> str:
    """A file's text, cut where it is too long; "" where it is missing or may not be read."""
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as stream:
            return stream.read(most_bytes).decode("utf-8", errors="replace")
    except OSError:
        return ""
