"""What the page works with, built once per process. The only place that loads weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.gaze.library import GazeLibrary
from app.gaze.store import GazeStore
from app.libraries import Libraries
from app.models import Models, ModelSlot

if TYPE_CHECKING:
    from app.examples import Examples
    from app.films import FilmStore
    from app.private import PrivateFolder
    from app.settings import Settings

__all__ = ["ModelSlot", "Models", "Services"]


@dataclass(frozen=True, eq=False)
class Services:
    """Everything handlers are given.

    Attributes:
        settings: how the page was started.
        folder: the one folder it writes in.
        films: the films readers have open.
        examples: films that can be opened without having one.
        models: every checkpoint, by name.
        gaze: the recordings readers have open.
        gaze_library: data sets of recordings in the reader's own folder.
        libraries: report libraries and film archives, by name.
    """

    settings: Settings
    folder: PrivateFolder
    films: FilmStore
    examples: Examples
    models: Models
    gaze: GazeStore = field(default_factory=GazeStore)
    gaze_library: GazeLibrary = field(default_factory=GazeLibrary)
    libraries: Libraries = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "libraries", Libraries(self.settings, self.folder))

    @property
    def runs(self) -> Path:
        """Where long work has its folders; in the private folder where nothing may be kept."""
        return (self.settings.data if self.settings.data is not None else self.folder.root) / "runs"

    @property
    def model(self) -> ModelSlot:
        """The checkpoint the page was started with: what `/healthz`, `/classify` and `/ground` speak of."""
        return self.models.default
