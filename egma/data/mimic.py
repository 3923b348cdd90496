"""Where MIMIC-CXR's images and reports lie, for whoever has them: below the folders that the user names, or nowhere.

Images are found as MIMIC-CXR (files/p10/p10000032/s50414267/<dicom>.dcm) and MIMIC-CXR-JPG (the same, .jpg) have them,
with or without `files` or the download's own folders above it, as MIMIC-EYE has them (patient_10000032/CXR-JPG/
s50414267/<dicom>.jpg), or all in one folder. Reports as files/p10/p10000032/s50414267.txt, patient_10000032/CXR-DICOM/
s50414267.txt, or s50414267.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from egma.data.places import Root
from egma.data.record import FilmId
from egma.data.reports import read_sentences
from egma.errors import DataError
from egma.gaze.formats.eyegaze import DICOM_ID

SUFFIXES = (".jpg", ".dcm", ".png", ".jpeg")
MAX_REPORT_BYTES = 200_000
_DIGITS = re.compile(r"[0-9]{1,12}")
# Folders that a download puts above the patients' folders.
_BELOW = (
    "",
    "files",
    "physionet.org/files/mimic-cxr-jpg/2.1.0/files",
    "physionet.org/files/mimic-cxr-jpg/2.0.0/files",
    "physionet.org/files/mimic-cxr/2.1.0/files",
    "physionet.org/files/mimic-cxr/2.0.0/files",
    "mimic-cxr-reports/files",
)


@dataclass(frozen=True)
class FoundImage:
    """A film's file; or None, and why."""

    path: Path | None
    note: str = ""


class MimicFiles:
    """Looks up images and reports by MIMIC-CXR's ids. Ids that are none are never made part of a path."""

    def __init__(self, images: Path | None = None, reports: Path | None = None) -> None:
        """Folders of images and reports; None: the user has none. The reports may lie among the images."""
        for name, folder in (("images", images), ("reports", reports)):
            if folder is not None and not folder.is_dir():
                raise DataError(f"the folder of {name} is not there; name the folder that holds MIMIC-CXR's files")
        self.images = images
        self.reports = reports or images
        self._below: dict[Path, tuple[str, ...]] = {}

    def find_image(self, film: FilmId) -> FoundImage:
        """The film's image below the folder of images."""
        if self.images is None:
            return FoundImage(None, "no folder of images was named")
        if not DICOM_ID.fullmatch(film.dicom_id):
            return FoundImage(None, "its DICOM id is none")
        problem = ""
        for folder in self._folders(film, self.images):
            for suffix in SUFFIXES:
                place = Root(self.images, ("",)).find(f"{folder}{film.dicom_id}{suffix}")
                if place.path is not None:
                    return FoundImage(place.path)
                problem = problem or ("" if place.problem == "missing image" else place.problem)
        if problem:
            return FoundImage(None, "its image is a link that leads out of the folder of images")
        return FoundImage(None, "its image is not below the folder of images")

    def find_report(self, film: FilmId) -> Path | None:
        """The study's report, where the user has it."""
        if self.reports is None or not _DIGITS.fullmatch(film.study):
            return None
        names = [f"{folder.rstrip('/')}.txt" for folder in self._folders(film, self.reports) if folder.endswith("/")]
        names += [f"s{film.study}.txt"]
        found = (Root(self.reports, ("",)).find(name).path for name in names)
        return next((path for path in found if path is not None), None)

    def read_report(self, film: FilmId) -> tuple[str, ...]:
        """The sentences of the study's findings and impression; () where there is no report that can be read."""
        path = self.find_report(film)
        if path is None or path.stat().st_size > MAX_REPORT_BYTES:
            return ()
        return read_sentences(path.read_text("utf-8", "replace")) or ()

    def stamp(self, film: FilmId) -> str:
        """Size and time of the study's report: what tells that it changed. "" where there is none."""
        path = self.find_report(film)
        status = None if path is None else path.stat()
        return "" if status is None else f"{status.st_size} {status.st_mtime_ns}"

    def _folders(self, film: FilmId, root: Path) -> Iterator[str]:
        """Folders below the root, each with a slash at its end, where a study's files may lie; "" is the root."""
        if _DIGITS.fullmatch(film.patient) and _DIGITS.fullmatch(film.study):
            study = f"p{film.patient[:2]}/p{film.patient}/s{film.study}/"
            for below in self._downloads(root):
                yield f"{below}/{study}" if below else study
            yield f"patient_{film.patient}/CXR-JPG/s{film.study}/"
            yield f"patient_{film.patient}/CXR-DICOM/s{film.study}/"
            yield f"s{film.study}/"
        yield ""

    def _downloads(self, root: Path) -> tuple[str, ...]:
        """Those of the download's own folders that are there; looked up once."""
        if root not in self._below:
            self._below[root] = tuple(below for below in _BELOW if (root / below).is_dir())
        return self._below[root]
