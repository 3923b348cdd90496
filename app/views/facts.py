"""What is known of a film, in a few words each: size, spacing, window, kind."""

from __future__ import annotations

from egma.types import Study

_KINDS = {"dicom": "DICOM", "png": "PNG", "jpeg": "JPEG", "tiff": "TIFF"}


def film_facts(study: Study, source: str = "") -> list[str]:
    """Short facts for a line under the title; nothing that identifies a patient."""
    height, width = study.shape
    facts = [source] if source else []
    facts.append(f"{width} × {height} px")
    if study.spacing_mm is not None:
        row_mm, column_mm = study.spacing_mm
        same = abs(row_mm - column_mm) < 5e-4
        facts.append(f"{row_mm:.3g} mm/px" if same else f"{row_mm:.3g} × {column_mm:.3g} mm/px")
    if study.source in _KINDS:
        facts.append(_KINDS[study.source])
    note = window_note(study)
    if note:
        facts.append(note)
    return facts


def window_note(study: Study) -> str:
    """Where a film's default window comes from; nothing for a computed one, which has no window to choose."""
    return study.display.note if study.display is not None and study.source != "array" else ""
