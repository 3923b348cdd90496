"""Opens a data set by its name in the catalogue."""

from __future__ import annotations

from pathlib import Path

from egma.errors import DataError
from egma.evaluation.sets import challenges, chexpert, nih, own, physionet
from egma.evaluation.sets.catalogue import detect_set
from egma.evaluation.sets.films import LabelledSet, RegionSet

_FILMS = {
    "manifest": own.read_manifest,
    "labels": own.read_labels,
    "pairs": own.read_pairs,
    "chexpert-5x200": chexpert.read_5x200,
    "chexpert-8x200": chexpert.read_8x200,
    "chexpert": chexpert.read_competition,
    "rsna": challenges.read_rsna,
    "siim": challenges.read_siim,
    "nih": nih.read_nih,
    "mimic-5x200": physionet.read_mimic_5x200,
}
_REGIONS = {
    "manifest": own.read_manifest_regions,
    "chexlocalize": chexpert.read_localize_regions,
    "rsna": challenges.read_rsna_regions,
    "siim": challenges.read_siim_regions,
    "nih": nih.read_nih_regions,
    "ms-cxr": physionet.read_ms_cxr_regions,
    "vindr": physionet.read_vindr_regions,
}

_LEARNING = ("probe", "finetune")
"""Tasks that need the training films of CheXpert, 223,000 rows that others need not read."""


def open_films(root: Path | None, task: str, name: str | None = None) -> LabelledSet:
    """The labelled films of `root` that `task` reads."""
    info, folder = detect_set(need_folder(root), task, name)
    if info.name == "chexpert" and task in _LEARNING:
        return chexpert.read_competition(folder, with_train=True)
    return _FILMS[info.name](folder)


def open_regions(root: Path | None, task: str, name: str | None = None) -> RegionSet:
    """The marked regions of `root` that `task` reads."""
    info, folder = detect_set(need_folder(root), task, name)
    found = _REGIONS[info.name](folder)
    if not found.tested:
        raise DataError(f"{found.title}: no region of a test film was found; is the copy complete?")
    return found


def need_folder(root: Path | None) -> Path:
    """The folder, or a sentence that one is wanted."""
    if root is None:
        raise DataError("name the folder of your copy of a data set: --data FOLDER")
    return root
