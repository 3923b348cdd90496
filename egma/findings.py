"""The fifteen findings of egma-mini, in the order a page shows them, and sentences that ask for each.

The keys are those of NIH ChestX-ray14 (Wang et al. 2017) with "No Finding" first. Positive sentences say the finding is
there in the words reports use; negative ones say it is not. A checkpoint carries its own prompts in config.json: these
are what a training starts from.
"""

from __future__ import annotations

from egma.config import FindingConfig

_SENTENCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "No Finding": (
        ("No acute cardiopulmonary abnormality.", "The lungs are clear.", "Normal chest radiograph."),
        (
            "The chest radiograph is abnormal.",
            "There is an abnormality in the lungs.",
            "Abnormal opacity in the chest.",
        ),
    ),
    "Atelectasis": (
        ("There is atelectasis.", "Bibasilar atelectasis.", "Linear opacity consistent with subsegmental atelectasis."),
        ("No atelectasis.", "The lungs are well expanded.", "The lungs are clear."),
    ),
    "Cardiomegaly": (
        ("Cardiomegaly.", "The heart is enlarged.", "The cardiac silhouette is enlarged."),
        ("No cardiomegaly.", "The heart size is normal.", "The cardiac silhouette is within normal limits."),
    ),
    "Consolidation": (
        ("There is consolidation.", "Focal airspace consolidation.", "Dense consolidation with air bronchograms."),
        ("No focal consolidation.", "No airspace consolidation.", "The lungs are clear."),
    ),
    "Edema": (
        ("Pulmonary edema.", "Interstitial edema with vascular congestion.", "Findings of congestive heart failure."),
        ("No pulmonary edema.", "No vascular congestion.", "The pulmonary vasculature is normal."),
    ),
    "Effusion": (
        (
            "There is a pleural effusion.",
            "Pleural fluid blunts the costophrenic angle.",
            "Bilateral pleural effusions.",
        ),
        ("No pleural effusion.", "The costophrenic angles are sharp.", "No pleural fluid."),
    ),
    "Emphysema": (
        ("Emphysema.", "Hyperinflated lungs with flattened diaphragms.", "Emphysematous changes in the upper lobes."),
        ("No emphysema.", "The lungs are normally inflated.", "No hyperinflation."),
    ),
    "Fibrosis": (
        (
            "Pulmonary fibrosis.",
            "Coarse reticular opacities of interstitial fibrosis.",
            "Fibrotic scarring in the lungs.",
        ),
        ("No pulmonary fibrosis.", "No interstitial scarring.", "The lungs are clear."),
    ),
    "Hernia": (
        ("Hiatal hernia.", "A large hiatal hernia lies behind the heart.", "Diaphragmatic hernia."),
        ("No hiatal hernia.", "No retrocardiac air-fluid level.", "The diaphragm is intact."),
    ),
    "Infiltration": (
        ("Pulmonary infiltrate.", "Patchy infiltrates in the lungs.", "Ill-defined opacity suggesting an infiltrate."),
        ("No infiltrate.", "No focal infiltrates.", "The lungs are clear."),
    ),
    "Mass": (
        ("There is a lung mass.", "A large rounded mass in the lung.", "Mass-like opacity suspicious for malignancy."),
        ("No lung mass.", "No suspicious mass.", "The lungs are clear."),
    ),
    "Nodule": (
        ("There is a pulmonary nodule.", "A small rounded nodule in the lung.", "Multiple pulmonary nodules."),
        ("No pulmonary nodule.", "No suspicious nodules.", "The lungs are clear."),
    ),
    "Pleural Thickening": (
        ("Pleural thickening.", "Apical pleural thickening.", "Thickened pleura along the lateral chest wall."),
        ("No pleural thickening.", "The pleura is normal.", "No pleural abnormality."),
    ),
    "Pneumonia": (
        ("Pneumonia.", "Airspace opacity consistent with pneumonia.", "Findings of lobar pneumonia."),
        ("No pneumonia.", "No evidence of pneumonia.", "The lungs are clear."),
    ),
    "Pneumothorax": (
        ("There is a pneumothorax.", "A visible pleural line with absent lung markings.", "Apical pneumothorax."),
        ("No pneumothorax.", "No pleural line.", "The lungs are fully expanded."),
    ),
}

FINDINGS: tuple[str, ...] = tuple(_SENTENCES)


def build_findings() -> dict[str, FindingConfig]:
    """The findings with these sentences and no calibration yet, for a config that is about to be trained."""
    return {name: FindingConfig(positive, negative) for name, (positive, negative) in _SENTENCES.items()}
