"""A DICOM structured report as text: headings from its containers and concept names, words from its text items.

DICOM PS3.3 C.17.3 (SR document content) and PS3.16 TID 2000 (basic diagnostic imaging report). Names and other direct
identifiers of the patient are not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from egma.errors import LibraryError
from egma.index.records import ReportRecord, read_record

_MAX_DEPTH = 16
_MAX_ITEMS = 5_000


def read_structured_report(path: Path, source: str) -> ReportRecord:
    """The report of one file; raises LibraryError where it is none."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        dataset = dcmread(path, stop_before_pixels=True)
        content = dataset.get("ContentSequence")
        modality = str(dataset.get("Modality", ""))
        lines: list[str] = []
        if content:
            _read_items(content, "", 0, lines)
        facts = {
            "sex": dataset.get("PatientSex"),
            "age": dataset.get("PatientAge"),
            "date": dataset.get("StudyDate") or dataset.get("ContentDate"),
            "study_instance_uid": str(dataset.get("StudyInstanceUID", "")),
        }
    except InvalidDicomError:
        raise LibraryError("no DICOM file") from None
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError, RecursionError, EOFError) as error:
        raise LibraryError(f"a damaged DICOM file ({type(error).__name__})") from None
    if not content:
        raise LibraryError(f"a DICOM file of modality {modality[:16] or 'unknown'}, no structured report")
    if all(line.endswith(":") for line in lines):
        raise LibraryError("a structured report without text")
    values = {key: str(value) for key, value in facts.items() if value}
    return read_record({"text": "\n".join(lines), "source": source, **values}, path.name)


def _read_items(items: Any, section: str, depth: int, lines: list[str]) -> None:
    if depth > _MAX_DEPTH:
        raise LibraryError(f"a structured report nested deeper than {_MAX_DEPTH}")
    for item in items:
        if len(lines) > _MAX_ITEMS:
            raise LibraryError(f"a structured report of more than {_MAX_ITEMS:,} items")
        kind, name = str(item.get("ValueType", "")), _meaning(item.get("ConceptNameCodeSequence"))
        if kind == "CONTAINER" and name:
            lines.append(f"{name.upper()}:")
        elif kind == "TEXT":
            _append(lines, section, name, str(item.get("TextValue", "")))
        elif kind == "CODE":
            _append(lines, section, name, _meaning(item.get("ConceptCodeSequence")))
        elif kind == "NUM":
            _append(lines, section, name, _measured(item.get("MeasuredValueSequence")))
        if kind in ("CONTAINER", "TEXT", "CODE", "NUM") and item.get("ContentSequence"):
            inside = name if kind == "CONTAINER" and name else section
            _read_items(item.ContentSequence, inside, depth + 1, lines)


def _append(lines: list[str], section: str, name: str, words: str) -> None:
    """A line under its own name, unless that is the section's: "Finding" inside "Findings"."""
    words = " ".join(words.split())
    if words:
        own = bool(name) and name.upper().rstrip("S") != section.upper().rstrip("S")
        lines.append(f"{name.upper()}: {words}" if own else words)


def _meaning(sequence: Any) -> str:
    return str(sequence[0].get("CodeMeaning", "")).strip() if sequence else ""


def _measured(sequence: Any) -> str:
    if not sequence:
        return ""
    unit = _meaning(sequence[0].get("MeasurementUnitsCodeSequence"))
    return f"{sequence[0].get('NumericValue', '')} {unit}".strip()
