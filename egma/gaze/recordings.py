"""Many recordings as one lazy sequence: each is read when it is asked for, none is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from egma.errors import GazeError

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack


@dataclass(frozen=True)
class Skipped:
    """A recording that was left out, by name, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """One recording that can be read: its name, the identifiers known before reading, and the reading itself."""

    name: str
    load: Callable[[], GazeTrack] = field(repr=False, compare=False)
    ids: dict[str, str] = field(default_factory=dict)


class Recordings(Sequence["GazeTrack"]):
    """A lazy sequence of recordings: `len`, index, slice and iteration; `find` by name. Memory does not grow with it.

    Attributes:
        entries: what can be read, in the source's order.
        skipped: what was left out, by name, and why: discarded, truncated, matching no film.
    """

    def __init__(self, entries: Sequence[Entry], skipped: Sequence[Skipped] = ()) -> None:
        self.entries = tuple(entries)
        self.skipped = tuple(skipped)

    @property
    def names(self) -> tuple[str, ...]:
        """The recordings' names, in order."""
        return tuple(entry.name for entry in self.entries)

    def find(self, name: str) -> GazeTrack:
        """Read the recording called `name`, or the first one of the film with that DICOM id.

        Raises:
            GazeError: no recording has that name; a skipped one is named with its reason.
        """
        for entry in self.entries:
            if name == entry.name or name in entry.ids.values():
                return _load(entry)
        for skipped in self.skipped:
            if skipped.name == name:
                raise GazeError(f"the recording {name[:80]} was left out: {skipped.reason}")
        raise GazeError(
            f"no recording is called {name[:80]!r}; there are {len(self)}, such as {', '.join(self.names[:3])}"
        )

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> GazeTrack: ...
    @overload
    def __getitem__(self, index: slice) -> Recordings: ...
    def __getitem__(self, index: int | slice) -> GazeTrack | Recordings:
        if isinstance(index, slice):
            return Recordings(self.entries[index], self.skipped)
        return _load(self.entries[index])

    def __iter__(self) -> Iterator[GazeTrack]:
        return (_load(entry) for entry in self.entries)

    def readable(self, on_skip: Callable[[Skipped], None]) -> Iterator[GazeTrack]:
        """Every recording that can be read, in order; each that cannot goes to `on_skip` with the reason."""
        for entry in self.entries:
            try:
                yield entry.load()
            except GazeError as error:
                on_skip(Skipped(entry.name, str(error)))

    def __repr__(self) -> str:
        return f"Recordings({len(self)} recordings, {len(self.skipped)} skipped)"


def _load(entry: Entry) -> GazeTrack:
    """Read one recording; what is wrong with it is said with its name."""
    try:
        return entry.load()
    except GazeError as error:
        raise GazeError(f"{entry.name[:80]}: {error}") from None


def one_or_many(recordings: Recordings) -> GazeTrack | Recordings:
    """The only recording of a file that holds one and left none out; else the lazy sequence.

    Raises:
        GazeError: nothing can be read.
    """
    if not len(recordings):
        if recordings.skipped:
            first = recordings.skipped[0]
            raise GazeError(f"no recording can be used: {first.name[:80]}: {first.reason}")
        raise GazeError("no recording was found; choose a file with at least one")
    return recordings.entries[0].load() if len(recordings) == 1 and not recordings.skipped else recordings
