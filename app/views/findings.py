"""Probabilities into bars: friendly names, an order, the prompts behind each, and a sentence on what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.calibration import is_calibrated, is_unsure

if TYPE_CHECKING:
    from egma.config import FindingConfig
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
    if not any(map(is_calibrated, engine.checkpoint.config.classify.values())):
        return (
            f"Research use only. {engine.checkpoint.name} weighs sentences for and against each finding. Its "
            "percentages are not calibrated: they order films, their size means nothing. "
            "Open a finding for the sentences behind it."
        )
    return (
        f"Research use only. {engine.checkpoint.name} weighs sentences for and against each finding; the percentage is "
        "its own estimate, calibrated on its validation films and true at their prevalence, not yours. "
        "The tick marks the threshold chosen there. Open a finding for the sentences behind it."
    )


def call_of(config: FindingConfig, probability: float) -> str:
    """What the threshold makes of a probability, in a word or two; "" for a model that has none of its own."""
    if not is_calibrated(config):
        return ""
    if is_unsure(config, probability):
        return "not sure"
    return "above" if probability >= config.threshold else "below"


def meaning_of_both(ours: Engine, theirs: Engine) -> str:
    """What the difference of two models' numbers means."""
    uncalibrated = [
        engine.checkpoint.name
        for engine in (ours, theirs)
        if not any(map(is_calibrated, engine.checkpoint.config.classify.values()))
    ]
    rule = "Difference: the second model's percentage minus the first's. Above and below: each model's own threshold."
    if not uncalibrated:
        return f"Research use only. {rule} A large difference says that the models disagree, not which is right."
    names = " and ".join(uncalibrated)
    are = "is" if len(uncalibrated) == 1 else "are"
    return f"Research use only. {rule} {names} {are} not calibrated: compare the order of findings, not the size."
