"""How a figure is dressed: once for light pages and paper, once for dark pages, the same numbers in both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Look:
    """Colours of one dress.

    Attributes:
        ink: words, axes and ticks.
        faint: guides that a reader should see second.
        grid: lines behind the figures.
        accent: a figure that stands alone.
        paper: behind everything; that of the page's cards, so that a figure is no box of its own.
        colours: of models, in the order of the table.
    """

    ink: str
    faint: str
    grid: str
    accent: str
    paper: str
    colours: tuple[str, ...]


LIGHT = Look(
    "#1f2933",
    "#7b8794",
    "#e4e7eb",
    "#2563a8",
    "white",
    ("#1f6fb2", "#c25a12", "#3a8f5c", "#8a4fa3", "#a3352f", "#6b6b6b"),
)
"""Told apart by a reader who sees no red and green, too; so are those for the dark."""
DARK = Look(
    "#e6eaef",
    "#8f98a4",
    "#303a45",
    "#7fb8ec",
    "#171d24",
    ("#6db3ee", "#f0a05a", "#74cf97", "#cda0e4", "#f08d86", "#b9b9b9"),
)
_MARK = "-dark"


def dark_name(name: str) -> str:
    """The file of the same figure for dark pages: roc.png -> roc-dark.png."""
    path = PurePath(name)
    return f"{path.stem}{_MARK}{path.suffix}"


@contextmanager
def dressed(look: Look) -> Iterator[None]:
    """What is drawn inside has this look's words, axes and background."""
    import matplotlib as mpl

    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    papered = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    with mpl.rc_context(dict.fromkeys(inked, look.ink) | dict.fromkeys(papered, look.paper)):
        yield
