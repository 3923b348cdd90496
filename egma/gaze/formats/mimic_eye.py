"""MIMIC-EYE 1.0.0: REFLACX and EyeGaze sorted by patient, as folders patient_<id>/{REFLACX,EyeGaze}."""

from __future__ import annotations

from pathlib import Path

from egma.gaze.formats import eyegaze, reflacx
from egma.gaze.formats.spans import Progress
from egma.gaze.recordings import Entry, Recordings, Skipped


def matches(root: Path) -> bool:
    """Whether a folder is MIMIC-EYE's root or one of its patients."""
    return bool(patients(root))


def patients(root: Path) -> list[Path]:
    """The patients' folders below a root, or the folder itself when it is one."""
    if any((root / name).is_dir() for name in ("REFLACX", "EyeGaze")):
        return [root]
    return [folder for folder in sorted(root.glob("patient_*")) if folder.is_dir()]


def index(root: Path, on_progress: Progress | None = None) -> Recordings:
    """Every recording of every patient, lazily. `on_progress` counts patients."""
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    folders = patients(root)
    for done, folder in enumerate(folders, 1):
        found: list[Recordings] = []
        if (folder / "REFLACX").is_dir():
            found.append(reflacx.index(folder / "REFLACX"))
        if any((folder / "EyeGaze" / name).is_file() for name in ("fixations.csv", "eye_gaze.csv")):
            found.append(eyegaze.index(folder / "EyeGaze"))
        patient = {"patient": folder.name}
        for recordings in found:
            entries += [Entry(each.name, each.load, {**each.ids, **patient}) for each in recordings.entries]
            skipped += recordings.skipped
        if on_progress is not None:
            on_progress(done, len(folders))
    return Recordings(entries, skipped)
