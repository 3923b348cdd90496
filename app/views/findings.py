"""Probabilities into bars: friendly names, an order, the prompts behind each, and a sentence on what they mean."""

from __future__ import annotations

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


def friendly_name(finding: str) -> str:
    """How the page calls a finding of the model."""
    return FRIENDLY_NAMES.get(finding, finding)


def finding_phrase(finding: str) -> str:
    """The words that ask for a finding: "Effusion" -> "pleural effusion"."""
    return _PHRASES.get(finding, friendly_name(finding).lower())


def meaning_of(engine: Engine) -> str:
    """What the numbers mean, and what they do not."""
    return (
        f"Research use only. {engine.checkpoint.name} weighs sentences for and against each finding; the percentage is "
        "its own estimate, calibrated on its validation films and true at their prevalence, not yours. "
        "The tick marks the threshold chosen there. Open a finding for the sentences behind it."
    )
