"""Files that leave the page: maps and measures by default; a person's own samples only where they were asked for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.gaze.comparing import Comparer, measured_regions
from app.gaze.store import Reader
from egma.errors import GazeError
from egma.gaze.export import write_samples_csv, write_sentences_csv
from egma.gaze.meaning import write_measures_csv
from egma.gaze.regions import write_regions_csv
from egma.types import Float32

LABELS = {
    "density": "Density on the film's pixels (.npy)",
    "regions": "Regions (CSV)",
    "measures": "Measures against the model, every sentence (CSV)",
    "sentences": "Sentences with their times and fixations (CSV)",
    "replay": "Replay (GIF)",
}
PERSONAL = (
    "Also the recording itself, every sample with its time. Gaze is personal data: it can tell who was reading and how "
    "well. Share it only where the reader has agreed."
)


@dataclass(frozen=True, eq=False)
class ExportFolder:
    """A fresh folder of a page's private one, for the files of one export."""

    folder: Path

    def write(self, name: str, data: bytes | str) -> str:
        """Write one file and return its path. Names say nothing of reader or film."""
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def write_array(self, name: str, values: Float32) -> str:
        """Write one array as .npy and return its path."""
        path = self.folder / name
        np.save(path, values)
        return str(path)


def open_export(uploads: Path) -> ExportFolder:
    """A folder that is swept with the uploads."""
    folder = uploads / f"export-{secrets.token_hex(12)}"
    folder.mkdir(mode=0o700)
    return ExportFolder(folder)


def write_export(comparer: Comparer, kinds: Sequence[str], uploads: Path, *, raw: bool) -> list[str]:
    """Write the chosen kinds of file, and the recordings themselves where `raw` says so; returns their paths.

    Raises:
        GazeError: nothing was chosen.
    """
    chosen = [kind for kind in LABELS if kind in kinds]
    if not chosen and not raw:
        raise GazeError("choose at least one kind of file")
    export, gaze = open_export(uploads), comparer.gaze
    wanted = [*chosen, *(["raw"] if raw else [])]
    paths: list[str] = []
    for at, reader in enumerate(gaze.readers):
        tail = f"-{at + 1}" if len(gaze.readers) > 1 else ""
        paths += _reader_files(export, comparer, at, wanted, f"{label_of(reader)}%s{tail}")
    if "sentences" in chosen:
        named = [(reader.name, reader.fixations) for reader in gaze.readers]
        paths.append(
            export.write(
                "egma-gaze-sentences.csv",
                write_sentences_csv(named),
            )
        )
    if "measures" in chosen:
        rows = [
            (f"{gaze.readers[at].name} ({label_of(gaze.readers[at])})", words, found)
            for at, words, found in comparer.compare_all()
        ]
        paths.append(export.write("egma-gaze-measures.csv", write_measures_csv(rows)))
    return paths


def _reader_files(export: ExportFolder, comparer: Comparer, at: int, chosen: Sequence[str], name: str) -> list[str]:
    """The files of one reader; `name` holds "recorded" or "simulated", so that no file is taken for what it is not."""
    from egma.gaze.replay import draw_replay_gif

    reader, study = comparer.gaze.readers[at], comparer.study
    paths: list[str] = []
    if "density" in chosen:
        paths.append(export.write_array(f"egma-gaze-{name % '-density'}.npy", reader.fixations.density(study.shape)))
    if "regions" in chosen:
        table = write_regions_csv(measured_regions(comparer.gaze, at, study.shape))
        paths.append(export.write(f"egma-gaze-{name % '-regions'}.csv", table))
    if "replay" in chosen:
        paths.append(export.write(f"egma-gaze-{name % '-replay'}.gif", draw_replay_gif(study, reader.fixations)))
    if "raw" in chosen:
        rows = reader.samples if reader.samples is not None else reader.fixations
        paths.append(
            export.write(
                f"egma-gaze-{name % '-samples'}.csv",
                write_samples_csv(rows),
            )
        )
    return paths


def label_of(reader: Reader) -> str:
    """How a file says what the gaze is: recorded, or made by a program."""
    return "simulated" if reader.simulated else "recorded"
