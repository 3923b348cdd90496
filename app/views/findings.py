"""Probabilities into bars: friendly names, an order, the prompts behind each, and a sentence on what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.inference.engine import Engine

FRIENDLY_NAMES = {
    "No Finding": "No finding",
    "Edema": "Pulmonary edema",
    "Effusion": "Pleural effusion",
    "Fibrosis": "Fibrosis",
    "Hernia": "Hiatal hernia",
    "Infiltration": "Infiltrate",
    "Mass": "Lung mass",
    "Nodule": "Lung nodule",
    "Pleural Thickening": "Pleural thickening",
}
_PHRASES = {"No Finding": "no acute cardiopulmonary abnormality"}


@dataclass(frozen=True)
class FindingRow:
    """One bar.

    Attributes:
        finding: the model's key.
        name: how the page calls it.
        probability: in [0, 1].
        positive, negative: the prompts it was asked with.
    """

    finding: str
    name: str
    probability: float
    positive: tuple[str, ...]
    negative: tuple[str, ...]


def friendly_name(finding: str) -> str:
    """How the page calls a finding of the model."""
    return FRIENDLY_NAMES.get(finding, finding)


def finding_phrase(finding: str) -> str:
    """The words that ask for a finding: "Effusion" -> "pleural effusion"."""
    return _PHRASES.get(finding, friendly_name(finding).lower())


def meaning_of(engine: Engine) -> str:
    """What the numbers mean, and what they do not."""
    name = engine.checkpoint.name
    return (
        f"Research use only. {name} compares sentences for and against each finding; the percentage is its own estimate, "
        "calibrated on its validation films, and holds at their prevalence, not yours. The tick is the threshold chosen there."
    )
