"""The recordings readers have open: a bounded store under unguessable ids, as for films. Gaze is personal data."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from egma.errors import EgmaError
from egma.gaze.recordings import Recordings
from egma.gaze.regions import Region
from egma.gaze.track import GazeTrack

MAX_STORE_BYTES = 256 * 1024 * 1024
"""Two recordings of three million raw samples; a reading as fixations has 30 kB."""
MAX_AGE_S = 3600.0
MAX_READERS = 8
"""Overlaid at once: more colours than that cannot be told apart on a film."""
EXAMPLE_MARK = "example-"


class GazeClosedError(EgmaError):
    """A recording that was closed to free memory, or that an earlier run had open."""


@dataclass(frozen=True, eq=False)
class Reader:
    """One recording on a film.

    Attributes:
        name: how the page calls it; never the name of an uploaded file.
        fixations: in the film's own pixels, with words, window and the shown rectangle.
        samples: the raw samples behind them in the film's own pixels (position, start and duration alone), or None.
        notes: sentences a reader should see before trusting it.
    """

    name: str
    fixations: GazeTrack
    samples: GazeTrack | None = None
    notes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Made by a program."""
        return self.fixations.simulated

    @property
    def size_bytes(self) -> int:
        """Memory that the recording holds."""
        tracks = [self.fixations] if self.samples is None else [self.fixations, self.samples]
        return sum(len(track) * 120 if track is self.fixations else len(track) * 32 for track in tracks)


@dataclass(frozen=True, eq=False)
class OpenGaze:
    """What is open on one film.

    Attributes:
        key: unguessable id; empty while nothing was opened yet.
        film: id of the film.
        readers: recordings overlaid, in the order opened.
        regions: regions known of the film beside those in the recordings: lung zones of a phantom or a data set.
        choices: a file or data set that holds many recordings, to choose from; None for a single one.
        data_set: the data set that they are of; empty for uploaded files.
    """

    film: str
    key: str = ""
    readers: tuple[Reader, ...] = ()
    regions: tuple[Region, ...] = ()
    choices: Recordings | None = None
    data_set: str = ""

    @property
    def size_bytes(self) -> int:
        """Memory that it holds."""
        return sum(reader.size_bytes for reader in self.readers)

    @property
    def simulated(self) -> bool:
        """Whether any of it was made by a program."""
        return any(reader.simulated for reader in self.readers)


@dataclass(eq=False)
class GazeStore:
    """Open recordings, the least recently used closed when memory or age asks for it.

    Attributes:
        reopen: opens an example by its key once more, so that a built-in recording never counts as lost.
    """

    reopen: Callable[[str], OpenGaze] | None = None
    max_bytes: int = MAX_STORE_BYTES
    max_age_s: float = MAX_AGE_S
    clock: Callable[[], float] = time.monotonic
    _open: OrderedDict[str, tuple[OpenGaze, float]] = field(default_factory=OrderedDict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, gaze: OpenGaze) -> OpenGaze:
        """Keep it under its key, or under a fresh one where it has none."""
        kept = replace(gaze, key=gaze.key or secrets.token_hex(16))
        with self._lock:
            self._open[kept.key] = (kept, self.clock())
            self._open.move_to_end(kept.key)
            self._trim()
        return kept

    def find(self, key: str) -> OpenGaze:
        """The open recordings of that id; nothing under the empty id.

        Raises:
            GazeClosedError: they were closed meanwhile; the sentence says how to get them back.
        """
        with self._lock:
            entry = self._open.get(key)
            if entry is not None:
                self._open[key] = (entry[0], self.clock())
                self._open.move_to_end(key)
                return entry[0]
        if key.startswith(EXAMPLE_MARK) and self.reopen is not None:
            return self.reopen(key)
        if not key:
            return OpenGaze("")
        raise GazeClosedError("This recording was closed to free memory. Open it again.")

    def trim(self) -> None:
        """Close what is too old or too much."""
        with self._lock:
            self._trim()

    def _trim(self) -> None:
        oldest_s = self.clock() - self.max_age_s
        for key, (_, used_s) in list(self._open.items()):
            if used_s < oldest_s:
                self._close(key)
        for key in list(self._open)[:-1]:  # the one opened last stays, whatever its size
            if sum(gaze.size_bytes for gaze, _ in self._open.values()) <= self.max_bytes:
                break
            self._close(key)

    def _close(self, key: str) -> None:
        self._open.pop(key, None)  # its files are uploads, which the private folder sweeps by age

    def __len__(self) -> int:
        return len(self._open)


def slim(samples: GazeTrack) -> GazeTrack:
    """Raw samples without what their fixations already say: 32 bytes a sample."""
    return GazeTrack(
        xy_px=np.ascontiguousarray(samples.xy_px),
        start_s=samples.start_s,
        duration_s=samples.duration_s,
        kind="samples",
        source=samples.source,
        simulated=samples.simulated,
    )
