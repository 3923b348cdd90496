"""Films from files: DICOM, PNG, JPEG and TIFF as a reader sees them, read safely."""

from egma.imaging.load import load_study, study_from_array, warm_up

__all__ = ["load_study", "study_from_array", "warm_up"]
