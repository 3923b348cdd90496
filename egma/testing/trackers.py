"""Synthetic files as trackers and scan-path data sets export them: JSON, EyeLink `.asc` and Tobii TSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egma.gaze.track import GazeTrack


def write_scanpaths(path: Path, tracks: Sequence[GazeTrack], *, unit_s: float = 1.0, side: int = 224) -> Path:
    """GazeSearch's JSON (T in seconds, 224 x 224); `unit_s` 0.001 gives COCO-Search18's milliseconds."""
    found = []
    for number, track in enumerate(tracks):
        height, width = track.frame_hw or (side, side)
        found.append(
            {
                "name": f"film{number}.jpg",
                "subject": 1,
                "task": "pleural effusion",
                "condition": "present",
                "bbox": [0, 0, 0, 0],
                "X": (track.xy_px[:6, 0] * side / width).tolist(),
                "Y": (track.xy_px[:6, 1] * side / height).tolist(),
                "T": (track.duration_s[:6] / unit_s).tolist(),
                "length": len(track.xy_px[:6]),
                "correct": 1,
                "split": "train",
            }
        )
    path.write_text(json.dumps(found), "utf-8")
    return path


def write_eyelink(path: Path, track: GazeTrack, *, screen: tuple[int, int] = (1920, 1080), events: bool = True) -> Path:
    """An EyeLink `.asc` file: the tracker's fixations, or raw samples."""
    last = 0 if not len(track) else round(track.end_s[-1] * 1000)
    lines = [
        "** CONVERTED FROM demo.edf using edfapi 3.1 on Mon Jan  1 00:00:00 2024",
        "** DATE: Mon Jan  1 00:00:00 2024",
        "** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED",
        "** VERSION: EYELINK II 1",
        "** SOURCE: EYELINK CL",
        "** EYELINK II CL v5.12 May 12 2017",
        "** CAMERA: Eyelink GL Version 1.2 Sensor=AH7",
        "**",
        f"MSG\t1000 DISPLAY_COORDS 0 0 {screen[0] - 1} {screen[1] - 1}",
        "MSG\t1000 RECCFG CR 1000 2 1 L",
        "MSG\t1000 ELCLCFG MTABLER",
        f"MSG\t1000 GAZE_COORDS 0.00 0.00 {screen[0] - 1}.00 {screen[1] - 1}.00",
        "START\t1000 \tLEFT\tSAMPLES\tEVENTS",
        "PRESCALER\t1",
        "VPRESCALER\t1",
        "PUPIL\tAREA",
        "EVENTS\tGAZE\tLEFT\tRATE\t1000.00\tTRACKING\tCR\tFILTER\t2",
        "SAMPLES\tGAZE\tLEFT\tRATE\t1000.00\tTRACKING\tCR\tFILTER\t2",
    ]
    for row in range(len(track)):
        (x, y), start, stop = track.xy_px[row], 1000 + track.start_s[row] * 1000, 1000 + track.end_s[row] * 1000
        if events:
            lines.append(f"SFIX L   {start:.0f}")
            lines.append(f"EFIX L   {start:.0f}\t{stop:.0f}\t{stop - start:.0f}\t{x:7.1f}\t{y:7.1f}\t   1024")
        else:
            point = "   .\t   ." if not np.isfinite([x, y]).all() else f"{x:7.1f}\t{y:7.1f}"
            lines.append(f"{start:.0f}\t{point}\t 1024.0\t...")
    lines.append(f"END\t{1000 + last} \tSAMPLES\tEVENTS\tRES\t  38.54\t  31.12")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_tobii(path: Path, samples: GazeTrack) -> Path:
    """A Tobii Pro Lab export: UTF-16, tab-separated, with rows of other sensors between the samples."""
    header = ["Recording timestamp [μs]", "Sensor", "Gaze point X [MCS px]", "Gaze point Y [MCS px]"]
    header += ["Pupil diameter left [mm]", "Pupil diameter right [mm]"]
    lines = ["\t".join(header), "0\tMouse\t\t\t\t"]
    for row in range(len(samples)):
        point = ["", ""] if not np.isfinite(samples.xy_px[row]).all() else [f"{v:.2f}" for v in samples.xy_px[row]]
        lines.append("\t".join([f"{samples.start_s[row] * 1e6:.0f}", "Eye Tracker", *point, "3.1", "3.3"]))
    path.write_text("\n".join(lines) + "\n", "utf-16")
    return path
