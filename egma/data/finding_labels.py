"""A film's fifteen labels from what a data set says of it: CheXpert's columns, REFLACX's certainties, or sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from egma.data.labels import label_sentence
from egma.data.sample import ABSENT, PRESENT, UNCERTAIN, UNKNOWN, Labels
from egma.findings import FINDINGS

NORMAL = FINDINGS.index("No Finding")
POSSIBLY = 3  # REFLACX's interrater.py counts certainty 3, "possibly", and above as seen

# Other names of the fifteen, without case, spaces and marks. A name that covers several says nothing when present, but
# rules all of them out when absent.
_NAMES: dict[str, tuple[str, ...]] = {
    **{re.sub(r"[^a-z]", "", finding.lower()): (finding,) for finding in FINDINGS},
    "normal": ("No Finding",),
    "pleuraleffusion": ("Effusion",),
    "pulmonaryedema": ("Edema",),
    "enlargedcardiacsilhouette": ("Cardiomegaly",),
    "hiatalhernia": ("Hernia",),
    "infiltrate": ("Infiltration",),
    "infiltrates": ("Infiltration",),
    "lunglesion": ("Mass", "Nodule"),
    "lungnoduleormass": ("Mass", "Nodule"),
    "nodulemass": ("Mass", "Nodule"),
    "pleuralabnormality": ("Effusion", "Pleural Thickening", "Pneumothorax"),
    "highlungvolumeemphysema": ("Emphysema",),
}


def find_findings(name: str) -> tuple[str, ...]:
    """The findings that a column or label is about, whatever its spelling; () for none of the fifteen."""
    return _NAMES.get(re.sub(r"[^a-z]", "", name.lower()), ())


def labels_from_columns(values: Mapping[str, int | None]) -> Labels:
    """Labels from columns named by finding, each 1, 0, -1 or None. A single name wins over one that covers several."""
    found: dict[str, int] = {}
    for name, value in sorted(values.items(), key=lambda item: len(find_findings(item[0]))):
        findings = find_findings(name)
        for finding in findings:
            if value is not None and (len(findings) == 1 or value == ABSENT):
                found.setdefault(finding, value)
    return _finish(found)


def labels_from_certainty(values: Mapping[str, int | None], other: bool) -> Labels:
    """Labels from REFLACX's certainties 0 to 5: 3 and above is present, 0 absent, between them uncertain.

    Args:
        values: certainty by label name; None where that phase has no such label.
        other: whether the reader named a finding that has no column.
    """
    coded = {name: _from_certainty(value) for name, value in values.items()}
    labels = list(labels_from_columns(coded))
    said = [value for value in coded.values() if value is not None]
    if said:
        seen = other or PRESENT in said
        labels[NORMAL] = ABSENT if seen else UNCERTAIN if UNCERTAIN in said else PRESENT
    return tuple(labels)


def labels_from_sentences(sentences: Iterable[str]) -> Labels:
    """Labels from what sentences say, by the negation-aware rules of `egma.data.labels`; None where nothing is said."""
    found: dict[str, int] = {}
    for sentence in sentences:
        for finding, said in zip(FINDINGS, label_sentence(sentence).tolist()):
            if said > 0:
                found[finding] = PRESENT
            elif said < 0:
                found.setdefault(finding, ABSENT)
    return _finish(found)


def labels_from_names(names: Iterable[str], *, others_absent: bool) -> Labels:
    """Labels from a list of what a film shows; the others are absent, or unknown."""
    present = {finding for name in names for finding in find_findings(name) if len(find_findings(name)) == 1}
    if not present:
        return UNKNOWN
    return tuple(PRESENT if finding in present else ABSENT if others_absent else None for finding in FINDINGS)


def merge_labels(*sources: Labels) -> Labels:
    """For each finding the first source that says anything."""
    return tuple(next((value for value in values if value is not None), None) for values in zip(*sources))


def _from_certainty(value: int | None) -> int | None:
    if value is None:
        return None
    return PRESENT if value >= POSSIBLY else ABSENT if value == 0 else UNCERTAIN


def _finish(found: dict[str, int]) -> Labels:
    """The fifteen in order; a film with any finding present is not a normal one."""
    if any(value == PRESENT for finding, value in found.items() if finding != FINDINGS[NORMAL]):
        found[FINDINGS[NORMAL]] = ABSENT
    return tuple(found.get(finding) for finding in FINDINGS)
