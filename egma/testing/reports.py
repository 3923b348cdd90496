"""The sentences a radiologist would write about a phantom: what, how much, which side, which zone."""

from __future__ import annotations

from numpy.random import Generator

from egma.testing.scene import Lesion, Request

# {size}: small, moderate, large. {grade}: mild, moderate, severe. {side} and {zone} as the lesion has them.
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Atelectasis": (
        "There is {grade} {side} basilar atelectasis.",
        "Plate-like atelectasis at the {side} lung base with elevation of the {side} hemidiaphragm.",
        "Linear opacities at the {side} base are consistent with subsegmental atelectasis.",
    ),
    "Cardiomegaly": (
        "The heart is {grade} enlarged.",
        "There is {grade} cardiomegaly.",
        "The cardiac silhouette is enlarged.",
    ),
    "Consolidation": (
        "There is a dense consolidation in the {side} {zone} lung zone.",
        "Focal airspace consolidation with air bronchograms in the {side} {zone} zone.",
        "{Side} {zone} zone consolidation.",
    ),
    "Edema": (
        "There is {grade} pulmonary edema.",
        "Bilateral perihilar haze with vascular congestion is consistent with {grade} pulmonary edema.",
        "Interstitial edema with septal lines in both lungs.",
    ),
    "Effusion": (
        "There is a {size} {side} pleural effusion.",
        "{Size} {side} pleural effusion with blunting of the {side} costophrenic angle.",
        "Pleural fluid at the {side} base.",
    ),
    "Emphysema": (
        "The lungs are hyperinflated with flattened diaphragms, consistent with {grade} emphysema.",
        "There is {grade} emphysema.",
        "Hyperlucent lungs with attenuated vessels in keeping with emphysema.",
    ),
    "Fibrosis": (
        "There are coarse reticular opacities at both lung bases, consistent with {grade} fibrosis.",
        "Bibasilar pulmonary fibrosis.",
        "Peripheral interstitial fibrosis with reduced lung volumes.",
    ),
    "Hernia": (
        "There is a {size} hiatal hernia behind the heart.",
        "Retrocardiac opacity with an air-fluid level, consistent with a hiatal hernia.",
        "{Size} hiatal hernia.",
    ),
    "Infiltration": (
        "There are patchy infiltrates in the {side} {zone} lung zone.",
        "Ill-defined opacities in the {side} {zone} zone suggest an infiltrate.",
        "{Grade} infiltrate in the {side} {zone} lung.",
    ),
    "Mass": (
        "There is a {size} mass in the {side} {zone} lung zone.",
        "{Side} {zone} zone lung mass.",
        "A lobulated mass projects over the {side} {zone} lung.",
    ),
    "Nodule": (
        "There is a {form} pulmonary nodule in the {side} {zone} lung zone.",
        "{Form} nodule in the {side} {zone} zone.",
        "A {size} {form} nodule projects over the {side} {zone} lung.",
    ),
    "Pleural Thickening": (
        "There is {side} {form} pleural thickening.",
        "Pleural thickening along the {side} {form} chest wall.",
        "{Grade} {side} {form} pleural thickening.",
    ),
    "Pneumonia": (
        "There is an airspace opacity in the {side} {zone} lung zone, consistent with pneumonia.",
        "{Side} {zone} zone pneumonia.",
        "Patchy opacity in the {side} {zone} lung is suspicious for pneumonia.",
    ),
    "Pneumothorax": (
        "There is a {size} {side} pneumothorax.",
        "{Size} {side} apical pneumothorax with a visible pleural line.",
        "A pleural line at the {side} apex indicates a pneumothorax.",
    ),
}
_NORMAL: tuple[tuple[str, ...], ...] = (
    ("The lungs are clear.", "Both lungs are clear.", "There is no focal airspace opacity."),
    ("The heart size is normal.", "The cardiac silhouette is within normal limits."),
    ("There is no pleural effusion or pneumothorax.", "The costophrenic angles are sharp."),
)
_SIZES = ("small", "moderate", "large")
_GRADES = ("mild", "moderate", "severe")
_ADVERBS = {"mild": "mildly", "moderate": "moderately", "severe": "severely"}


def write_sentence(request: Request, lesion: Lesion, rng: Generator) -> str:
    """One sentence that is true of a drawn lesion."""
    step = min(int(request.severity * 3), 2)
    words = {
        "size": _SIZES[step],
        "grade": _ADVERBS[_GRADES[step]] if request.finding == "Cardiomegaly" else _GRADES[step],
        "side": request.side,
        "zone": lesion.zone,
        "form": lesion.form,
    }
    template = str(rng.choice(_TEMPLATES[request.finding]))
    if "{grade} cardiomegaly" in template:
        words["grade"] = _GRADES[step]
    capitals = {name.capitalize(): word.capitalize() for name, word in words.items()}
    sentence = " ".join(template.format(**words, **capitals).split())
    return sentence[0].upper() + sentence[1:]


def write_normal(rng: Generator) -> tuple[str, ...]:
    """The sentences of a film without findings."""
    return tuple(str(rng.choice(choices)) for choices in _NORMAL)
