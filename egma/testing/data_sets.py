"""Small copies of published data sets, drawn by code in exactly the layout their owners hand out, to test readers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from egma.testing.dicom import write_dicom

FIVE = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion")
CHEXPERT = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
_PX = 64


def film_pixels(seed: int, px: int = _PX) -> NDArray[np.uint8]:
    """uint8 (px, px): noise over a gradient, another one for each seed."""
    noise = np.random.default_rng(seed).integers(0, 60, (px, px))
    return np.asarray(np.linspace(0, 190, px)[:, None] + noise, np.uint8)


def write_film(path: Path, seed: int, px: int = _PX) -> Path:
    """A JPEG or PNG film, by its ending; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(film_pixels(seed, px)).save(path)
    return path


def write_nih(root: Path, patients: int = 12) -> Path:
    """NIH ChestX-ray14: label table, test_list.txt, train_val_list.txt, BBox_List_2017.csv and images_001/."""
    labels = ("Cardiomegaly", "Effusion|Infiltration", "No Finding", "Pleural_Thickening")
    rows = []
    for patient in range(1, patients + 1):
        name = f"{patient:08}_000.png"
        write_film(root / "images_001" / "images" / name, patient)
        rows.append(
            [name, labels[patient % 4], 0, patient, 50 + patient, "MF"[patient % 2], "PA", 2500, 2048, 0.168, 0.168]
        )
    head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
    head += ",OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
    _write_raw(root / "Data_Entry_2017_v2020.csv", head, rows)
    names = [row[0] for row in rows]
    half = patients // 2
    (root / "test_list.txt").write_text("\n".join(names[:half]) + "\n", encoding="utf-8")
    (root / "train_val_list.txt").write_text("\n".join(names[half:]) + "\n", encoding="utf-8")
    boxes = [
        [names[0], "Cardiomegaly", 256.0, 512.0, 128.0, 64.5, "", "", ""],
        [names[1], "Infiltrate", 0, 0, 512, 512],
    ]
    _write_raw(root / "BBox_List_2017.csv", "Image Index,Finding Label,Bbox [x,y,w,h],,,", boxes)
    return root


def write_rsna(root: Path, patients: int = 40) -> Path:
    """RSNA: stage_2_train_labels.csv with a row a box, stage_2_train_images/ID.dcm."""
    rows = []
    (root / "stage_2_train_images").mkdir(parents=True)
    for patient in range(patients):
        name = f"{patient:04}cfab-14fd"
        write_dicom(root / "stage_2_train_images" / f"{name}.dcm", film_pixels(patient))
        if patient % 3:
            rows.append([name, "", "", "", "", 0])
        else:
            rows += [[name, 256.0, 128.0, 128.0, 256.0, 1], [name, 640.0, 128.0, 64.0, 64.0, 1]]
    _write_raw(root / "stage_2_train_labels.csv", "patientId,x,y,width,height,Target", rows)
    return root


def write_siim(root: Path, films: int = 40) -> Path:
    """SIIM-ACR: train-rle.csv with its blank before EncodedPixels, dicom-images-train/STUDY/SERIES/ID.dcm."""
    rows = []
    for film in range(films):
        name = f"1.2.276.0.7230010.3.1.4.8323329.{film}"
        folder = root / "dicom-images-train" / f"study{film}" / f"series{film}"
        folder.mkdir(parents=True)
        write_dicom(folder / f"{name}.dcm", film_pixels(film))
        rows.append([name, " -1" if film % 3 else " 102400 200 824 200"])
    _write_raw(root / "train-rle.csv", "ImageId, EncodedPixels", rows)
    return root


def write_chexpert(root: Path, patients: int = 8) -> Path:
    """CheXpert-v1.0-small: train.csv and valid.csv with all 14 labels, a frontal and a lateral of each patient."""
    top = root / "CheXpert-v1.0-small"
    head = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT]
    for split, first in (("train", 1), ("valid", 60001)):
        rows = []
        for patient in range(first, first + patients):
            for view in ("view1_frontal", "view2_lateral"):
                relative = f"CheXpert-v1.0-small/{split}/patient{patient:05}/study1/{view}.jpg"
                write_film(root / relative, patient)
                marks = [("1.0" if (patient + place) % 2 else "0.0") for place in range(len(CHEXPERT))]
                if split == "train" and patient % 3 == 0:
                    marks[CHEXPERT.index("Edema")] = "-1.0"
                side = "Frontal" if "frontal" in view else "Lateral"
                rows.append([relative, "Female", 60, side, "AP" if side == "Frontal" else "", *marks])
        _write_csv(top / f"{split}.csv", head, rows)
    return root


def write_5x200(root: Path, layout: str = "gloria", each: int = 2) -> Path:
    """CheXpert-5x200 in the layout of "gloria" (Path, frontal) or "medclip" (imgpath, with laterals)."""
    rows = []
    for column, label in enumerate(FIVE):
        for film in range(each):
            patient = 100 + column * each + film
            view = "view2_lateral" if layout == "medclip" and film else "view1_frontal"
            relative = f"train/patient{patient:05}/study1/{view}.jpg"
            write_film(root / "CheXpert-v1.0" / relative, patient)
            marks = [1.0 if name == label else 0.0 for name in CHEXPERT]
            if layout == "medclip":
                path = f"./data/CheXpert/data/CheXpert-v1.0-small/{relative}"
                rows.append([patient, path, f"patient{patient:05}-study1", *marks])
            else:
                rows.append([patient, f"CheXpert-v1.0/{relative}", "Male", 55, "Frontal", "AP", *marks])
    if layout == "medclip":
        _write_csv(root / "chexpert-5x200-val-meta.csv", ["", "imgpath", "subject_id", *CHEXPERT], rows)
    else:
        _write_csv(root / "chexpert_5x200.csv", ["", "Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT], rows)
    return root


def write_8x200(root: Path, each: int = 2) -> Path:
    """ConVIRT's text-retrieval/candidate.csv and the films it names."""
    classes = (
        "No Finding",
        "Cardiomegaly",
        "Edema",
        "Pneumonia",
        "Atelectasis",
        "Pneumothorax",
        "Pleural Effusion",
        "Fracture",
    )
    rows = []
    for column, label in enumerate(classes):
        for film in range(each):
            patient = 300 + column * each + film
            relative = f"CheXpert-v1.0-small/train/patient{patient:05}/study1/view1_frontal.jpg"
            write_film(root / relative, patient)
            rows.append([label, relative, *(1.0 if name == label else "" for name in CHEXPERT)])
    _write_csv(root / "text-retrieval" / "candidate.csv", ["Variable", "Path", *CHEXPERT], rows)
    return root


def write_chexlocalize(root: Path, px: int = _PX) -> Path:
    """CheXlocalize: gt_segmentations_val.json and _test.json in COCO's run lengths, films below valid and test."""
    from egma.evaluation.sets.rle import encode_coco

    mask = np.zeros((px, px), bool)
    mask[10:30, 20:50] = True
    for split, top, patient in (("val", "valid", 64541), ("test", "test", 64741)):
        key = f"patient{patient}_study1_view1_frontal"
        write_film(root / "CheXpert" / top / f"patient{patient}/study1/view1_frontal.jpg", patient, px)
        empty = {"size": [px, px], "counts": encode_coco(np.zeros((px, px), bool))}
        content = {key: {"Cardiomegaly": {"size": [px, px], "counts": encode_coco(mask)}, "Edema": empty}}
        (root / f"gt_segmentations_{split}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


def write_ms_cxr(root: Path) -> Path:
    """MS-CXR: MS_CXR_Local_Alignment_v1.1.0.csv and the MIMIC-CXR-JPG films that it names."""
    head = ["category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height", "dicom_id"]
    rows = []
    for patient in (10000032, 10000764):
        path = f"files/p10/p{patient}/s50414267/{patient:08x}-abc.jpg"
        write_film(root / path, patient)
        rows.append(["Pneumonia", "right basilar opacity", path, 8, 16, 16, 16, 64, 64, f"{patient:08x}-abc"])
        rows.append(["Pneumonia", "right basilar opacity", path, 40, 16, 8, 16, 64, 64, f"{patient:08x}-abc"])
    _write_csv(root / "MS_CXR_Local_Alignment_v1.1.0.csv", head, rows)
    return root


def write_vindr(root: Path) -> Path:
    """VinDr-CXR on PhysioNet: annotations/annotations_test.csv, test/ID.dicom."""
    (root / "test").mkdir(parents=True)
    rows = []
    for number in range(3):
        name = f"{number:032x}"
        write_dicom(root / "test" / f"{name}.dicom", film_pixels(number))
        rows.append([name, "Cardiomegaly", 10, 20, 40, 50] if number else [name, "No finding", "", "", "", ""])
    head = ["image_id", "class_name", "x_min", "y_min", "x_max", "y_max"]
    _write_csv(root / "annotations" / "annotations_test.csv", head, rows)
    return root


def write_mimic_5x200(root: Path, each: int = 2) -> Path:
    """mimic_5x200.csv with a report a film, and MIMIC-CXR-JPG's folders."""
    rows = []
    for column, label in enumerate(FIVE):
        for film in range(each):
            subject = 10000100 + column * each + film
            path = f"files/p10/p{subject}/s5/{subject}.jpg"
            write_film(root / path, subject)
            rows.append([subject, path, *(1 if name == label else 0 for name in FIVE), f"There is {label.lower()}."])
    _write_csv(root / "mimic_5x200.csv", ["subject_id", "path", *FIVE, "text"], rows)
    return root


def write_labels(root: Path, classes: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """labels.csv of rows (image, patient, split, a label a class); films are drawn where they are absent."""
    listed = [list(row) for row in rows]
    for number, row in enumerate(listed):
        if not (root / str(row[0])).exists():
            write_film(root / str(row[0]), number)
    _write_csv(root / "labels.csv", ["image", "patient", "split", *classes], listed)
    return root


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(rows)


def _write_raw(path: Path, head: str, rows: Iterable[Sequence[object]]) -> None:
    """A table whose header is written as its owners wrote it, quotes left out."""
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
