"""Synthetic recordings on disk, in the exact layout of each data set, with the dirt of the real files where asked.

The gaze comes from `egma.gaze.simulate`, or from any `GazeTrack`; nobody was recorded.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from egma.gaze.regions import BoxRegion
from egma.gaze.simulate import Statement, simulate_reading
from egma.gaze.track import GazeTrack

RECTANGLES = [
    f"{e}_{w}" for w in ("shown_from_image", "in_screen_coordinates") for e in ("xmin", "ymin", "xmax", "ymax")
]
DEGREES = ["angular_resolution_x_pixels_per_degree", "angular_resolution_y_pixels_per_degree"]
REST = ["x_position", "y_position", "pupil_area_normalized", *DEGREES, "window_width", "window_level", *RECTANGLES]
REFLACX_FIXATIONS = ["timestamp_start_fixation", "timestamp_end_fixation", *REST]
REFLACX_GAZE = ["timestamp_sample", *REST]
REFLACX_METADATA = ["id", "split", "eye_tracking_data_discarded", "image", "dicom_id", "subject_id"]
REFLACX_METADATA += ["image_size_x", "image_size_y"]
REFLACX_LABELS = ["Atelectasis", "Consolidation", "Enlarged cardiac silhouette", "Pleural abnormality", "Pneumothorax"]
EYEGAZE_HEADER = (
    "SESSION_ID,MEDIA_ID,DICOM_ID,CNT,Time (in secs),TIMETICK(f=10000000),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV,BPOGX,"
    "BPOGY,BPOGV,LPCX,LPCY,LPD,LPS,LPV,RPCX,RPCY,RPD,RPS,RPV,BKID,BKDUR,BKPMIN,LPMM,LPMMV,RPMM,RPMMV,SACCADE_MAG,"
    "SACCADE_DIR,VID_FRAME,X_ORIGINAL,Y_ORIGINAL"
)
EYEGAZE = EYEGAZE_HEADER.split(",")
EYEGAZE_SCREEN = (1920, 1080)
TRUNCATED_ID = "1e4d4d01-657d797c-f09f7a14-cc14e092-909"
CALIBRATION_ID = "calibration"


def invented_dicom_id(number: int) -> str:
    """A DICOM id in the form of MIMIC-CXR's, of no film there is."""
    return "-".join(f"{(number * 2654435761 + part * 40503) % 2**32:08x}" for part in range(5))


def build_track(seed: int = 0, shape: tuple[int, int] = (800, 700), sentences: Sequence[str] = ()) -> GazeTrack:
    """A simulated reading of a few sentences on a film of `shape`."""
    spoken = sentences or ("Small left pleural effusion", "The heart is not enlarged")
    region = np.zeros(shape, np.bool_)
    region[shape[0] * 5 // 8 : shape[0] * 7 // 8, shape[1] * 5 // 8 : shape[1] * 7 // 8] = True
    statements = [Statement(text, region if row == 0 else None) for row, text in enumerate(spoken)]
    return simulate_reading(statements, shape, seed=seed)


def write_reflacx(root: Path, tracks: Mapping[str, GazeTrack], *, discarded: Iterable[str] = ()) -> Path:
    """A REFLACX root: main_data with phase 3's metadata and a folder a reading; names are ids such as P300R000001."""
    rows = []
    for number, name in enumerate([*tracks, *discarded]):
        track = tracks.get(name)
        height, width = (100, 100) if track is None or track.frame_hw is None else track.frame_hw
        film = invented_dicom_id(number)
        image = f"physionet.org/files/mimic-cxr/2.0.0/files/p18/p18000000/s50000000/{film}.dcm"
        start = [name, "train", str(track is None), image, film, 18000000 + number, width, height]
        rows.append([*start, *[0] * len(REFLACX_LABELS)])
        if track is not None:
            write_reflacx_reading(root / "main_data" / name, track)
    write_csv(root / "main_data" / "metadata_phase_3.csv", [*REFLACX_METADATA, *REFLACX_LABELS], rows)
    return root


def write_reflacx_reading(folder: Path, track: GazeTrack) -> Path:
    """One reading's folder: fixations, transcription, ellipses and chest box. Returns its `fixations.csv`."""
    write_csv(folder / "fixations.csv", REFLACX_FIXATIONS, reflacx_rows(track, with_end=True))
    words = [[word.text, f"{word.start_s:.2f}", f"{word.end_s:.2f}"] for word in track.words]
    write_csv(folder / "timestamps_transcription.csv", ["word", "timestamp_start_word", "timestamp_end_word"], words)
    (folder / "transcription.txt").write_text(" ".join(word.text for word in track.words), "utf-8")
    ellipses = [each for each in track.regions if isinstance(each, BoxRegion) and each.outline == "ellipse"]
    lines = [
        [*each.box_px, each.certainty or 3, *(label in each.name.split(", ") for label in REFLACX_LABELS)]
        for each in ellipses
    ]
    edges = ["xmin", "ymin", "xmax", "ymax"]
    write_csv(folder / "anomaly_location_ellipses.csv", [*edges, "certainty", *REFLACX_LABELS], lines)
    height, width = track.frame_hw or (100, 100)
    write_csv(folder / "chest_bounding_box.csv", edges, [[-3, 5, width - 5, height + 4]])
    return folder / "fixations.csv"


def write_reflacx_gaze(folder: Path, samples: GazeTrack) -> Path:
    """A reading's raw samples, `gaze_data/<ID>/gaze.csv`, blinks as blank cells."""
    write_csv(folder / "gaze.csv", REFLACX_GAZE, reflacx_rows(samples, with_end=False))
    return folder / "gaze.csv"


def reflacx_rows(track: GazeTrack, *, with_end: bool) -> list[list[object]]:
    """The cells of a track in REFLACX's order and number of decimals."""
    height, width = track.frame_hw or (1000, 1000)
    whole = [0.0, 0.0, float(width), float(height)]
    rows: list[list[object]] = []
    for row in range(len(track)):
        blink = not np.isfinite(track.xy_px[row]).all()
        xy = ["", ""] if blink else [_trim(value) for value in track.xy_px[row]]
        pupil = "" if blink else f"{1.0 if track.pupil is None else track.pupil[row]:.3f}"
        degree = [94.0, 94.0] if track.pixels_per_degree is None else track.pixels_per_degree[row]
        window = [1.0, 0.5] if track.window is None else track.window[row]
        shown = whole if track.shown_px is None else track.shown_px[row]
        screen = [661, 0, 3180, 2160] if track.screen_px is None else track.screen_px[row]
        ends = [f"{track.end_s[row]:.3f}"] if with_end else []
        angles = ["", ""] if blink else [_trim(value) for value in degree]
        fractions = [f"{value:.5f}" for value in window]
        cells = [*xy, pupil, *angles, *fractions, *map(_trim, shown), *map(_trim, screen)]
        rows.append([f"{track.start_s[row]:.3f}", *ends, *cells])
    return rows


def write_eyegaze(
    root: Path,
    tracks: Mapping[str, GazeTrack],
    *,
    dirty: bool = True,
    index_column: bool = False,
    samples: bool = False,
) -> Path:
    """An EyeGaze root: fixations.csv (or eye_gaze.csv), master sheet, boxes and transcripts; keys are DICOM ids.

    Args:
        dirty: adds a recording with a cut-off id and one of a calibration image.
        index_column: puts MIMIC-EYE's unnamed column first.
        samples: the tracks are raw samples.
    """
    rows: list[list[object]] = []
    for session, (dicom_id, track) in enumerate(tracks.items(), 1):
        rows += eyegaze_rows(track, dicom_id, session)
        transcript = root / "audio_segmentation_transcripts" / dicom_id / "transcript.json"
        transcript.parent.mkdir(parents=True, exist_ok=True)
        transcript.write_text(json.dumps(_eyegaze_transcript(track)), "utf-8")
    if dirty and tracks:
        first = next(iter(tracks.values()))
        for session, broken in ((90, TRUNCATED_ID), (91, CALIBRATION_ID)):
            rows += eyegaze_rows(first.select(slice(0, 3)), broken, session)
    header = EYEGAZE
    if index_column:
        header, rows = ["", *EYEGAZE], [[number, *row] for number, row in enumerate(rows)]
    write_csv(root / ("eye_gaze.csv" if samples else "fixations.csv"), header, rows)
    pads = ["dicom_id", *(f"image_{side}_pad" for side in ("top", "bottom", "left", "right")), "cxr_exam_indication"]
    # Free text with line breaks, as in the real sheet.
    sheet = [[each, *map(str, eyegaze_pads(track)), "cough,\nfever"] for each, track in tracks.items()]
    write_csv(root / "master_sheet.csv", pads, sheet)
    boxes = [[each, "left lung", 10, 60, 20, 90] for each in tracks]
    write_csv(root / "bounding_boxes.csv", ["dicom_id", "bbox_name", "x1", "x2", "y1", "y2"], boxes)
    return root


def eyegaze_pads(track: GazeTrack) -> tuple[float, float, float, float]:
    """(top, bottom, left, right) screen pixels beside a film drawn as large as the screen allows."""
    height, width = track.frame_hw or (1000, 1000)
    scale = min(EYEGAZE_SCREEN[0] / width, EYEGAZE_SCREEN[1] / height)
    side, top = (EYEGAZE_SCREEN[0] - width * scale) / 2, (EYEGAZE_SCREEN[1] - height * scale) / 2
    return top, top, side, side


def eyegaze_rows(track: GazeTrack, dicom_id: str, session: int) -> list[list[object]]:
    """The 37 cells of each fixation or sample; a look beside the film gets negative X_ORIGINAL and Y_ORIGINAL."""
    height, width = track.frame_hw or (1000, 1000)
    top, _, left, right = eyegaze_pads(track)
    scale = (EYEGAZE_SCREEN[0] - left - right) / width
    on_film = track.on_image((height, width))
    rows: list[list[object]] = []
    for row in range(len(track)):
        blink = not np.isfinite(track.xy_px[row]).all()
        x, y = (0.0, 0.0) if blink else track.xy_px[row]
        screen = [f"{(left + x * scale) / EYEGAZE_SCREEN[0]:.6f}", f"{(top + y * scale) / EYEGAZE_SCREEN[1]:.6f}"]
        film = [int(x), int(y)] if on_film[row] else [-abs(int(x)) - 1, -abs(int(y)) - 1]
        valid, end = int(not blink), f"{track.end_s[row] if track.kind == 'fixations' else track.start_s[row]:.5f}"
        lasting = [f"{track.start_s[row]:.5f}", f"{track.duration_s[row]:.5f}", row + 1, valid]
        eye = [0.4, 0.6, 18.3, 1.05, valid]
        row_start = [session, 0, dicom_id, row, end, "696216388878.0", *screen, *lasting, *screen, valid, *eye, *eye]
        rows.append([*row_start, 0, "0.0", 20, 3.5, valid, 3.7, valid, "0.0", "0.0", 0, *film])
    return rows


def _eyegaze_transcript(track: GazeTrack) -> dict[str, object]:
    """Marks belong to the word before them there."""
    timed: list[dict[str, object]] = []
    for word in track.words:
        if word.text in (".", ",") and timed:
            timed[-1]["phrase"] = f"{timed[-1]['phrase']}{word.text}"
        else:
            timed.append({"phrase": word.text, "begin_time": word.start_s, "end_time": word.end_s})
    return {"full_text": " ".join(str(each["phrase"]) for each in timed), "time_stamped_text": timed}


def write_mimic_eye(root: Path, tracks: Sequence[GazeTrack]) -> Path:
    """A MIMIC-EYE root: each track as one patient's REFLACX reading and EyeGaze recording."""
    for number, track in enumerate(tracks):
        patient = root / f"patient_{18000000 + number}"
        write_reflacx(patient / "REFLACX", {f"P300R00000{number}": track})
        metadata = patient / "REFLACX" / "main_data" / "metadata_phase_3.csv"
        metadata.rename(patient / "REFLACX" / "metadata.csv")
        write_eyegaze(patient / "EyeGaze", {invented_dicom_id(number): track}, dirty=False, index_column=True)
    return root


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A comma-separated file with a header, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _trim(value: float) -> str:
    """A number as REFLACX writes it: whole numbers with one decimal."""
    return f"{value:.1f}" if float(value).is_integer() else f"{value:.3f}"
