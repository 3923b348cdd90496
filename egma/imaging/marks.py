"""What a DICOM header says about geometry and kind, as spacing and as sentences a reader should see."""

from __future__ import annotations

from egma.imaging.header import Tags

# In the order of trust: at the patient, at the detector, at the scanner's plate (PS3.3 10.7.1.3, C.8.11.4).
SPACING_KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
SQUARE_TOLERANCE = 0.01

# Modalities (PS3.3 C.7.3.1.1.1) whose pictures are not projection radiographs of a patient.
_OTHER_MODALITIES = frozenset(
    ("CT", "MR", "PT", "NM", "US", "MG", "ECG", "IVUS", "OCT", "OP", "OPT", "OPM", "ES", "GM", "SM", "XC", "BMD")
)
_LATERAL_VIEWS = frozenset(("LL", "RL", "LLD", "RLD", "LATERAL", "LLO", "RLO", "ML", "LM"))
_CHEST_PARTS = frozenset(
    ("CHEST", "THORAX", "LUNG", "LUNGS", "RIB", "RIBS", "HEART", "TSPINE", "CHESTABDOMEN", "PORTCHEST", "WHOLEBODY")
)


def read_spacing(tags: Tags) -> tuple[tuple[float, float] | None, list[str]]:
    """Distance between pixel centres.

    Returns:
        (row, column) spacing in mm, or None where the file does not say, and sentences for the reader.
    """
    warnings: list[str] = []
    given = [tags.numbers(keyword) for keyword in SPACING_KEYWORDS if tags.raw(keyword) is not None]
    spacing = next(((one[0], one[1]) for one in given if len(one) == 2 and min(one) > 0), None)
    if given and spacing is None:
        warnings.append("The film's pixel spacing is not valid and was left out; lengths may not be measured.")
    ratio = spacing[0] / spacing[1] if spacing else _aspect_ratio(tags)
    if abs(ratio - 1.0) > SQUARE_TOLERANCE:
        warnings.append("The film's pixels are not square: shapes look stretched, and the model sees them so.")
    return spacing, warnings


def _aspect_ratio(tags: Tags) -> float:
    """Vertical over horizontal size of a pixel by Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7); 1 where absent."""
    values = tags.numbers("PixelAspectRatio")
    return values[0] / values[1] if len(values) == 2 and min(values) > 0 else 1.0


def warn_of_header(tags: Tags) -> list[str]:
    """Sentences for a film whose own header says it may not be an upright frontal chest X-ray, ready to show."""
    warnings: list[str] = []
    if tags.code("Modality") in _OTHER_MODALITIES:
        warnings.append(
            "By its header this is another modality than plain radiography: scores and maps are made for chest X-rays."
        )
    if tags.code("ViewPosition") in _LATERAL_VIEWS:
        warnings.append("By its header this is a lateral view: scores and maps are made for frontal chest X-rays.")
    part = "".join(tags.code("BodyPartExamined").split())
    if part and part not in _CHEST_PARTS:
        warnings.append("By its header this shows another part of the body than the chest.")
    if tags.code("PresentationIntentType") == "FOR PROCESSING":
        warnings.append("By its header this is raw detector data, not processed for display: its tones may mislead.")
    if _stored_turned(tags):
        warnings.append("By its header this film is stored mirrored or turned: left and right may be swapped.")
    return warnings


def _stored_turned(tags: Tags) -> bool:
    """Whether Patient Orientation (PS3.3 C.7.6.1.1.1) names other directions than left along a row and foot down.

    Only a film along the patient's left-right and head-foot axes is judged; a lateral has its own sentence.
    """
    value = tags.raw("PatientOrientation")
    if value is None or isinstance(value, str) or len(value) != 2:
        return False
    row, column = (str(one).strip().upper()[:1] for one in value)
    return {row, column} <= set("LRHF") and (row, column) != ("L", "F")
