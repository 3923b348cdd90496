"""EyeGaze (EGD, egd-cxr 1.0.0): one radiologist's gaze on 1,083 MIMIC-CXR films, all recordings in one file.

Layout (Karargyris et al., Scientific Data 8:92, 2021): `fixations.csv` and the raw `eye_gaze.csv` share 37 columns of a
Gazepoint tracker; MIMIC-EYE puts an unnamed index column before them. FPOGX and FPOGY are fractions of a 1920 x 1080
screen; X_ORIGINAL and Y_ORIGINAL are pixels of the film, but negative for a look beside it. Such a look is put back
where it was by the recording's own straight line from screen to film, fitted to the looks that fell on the film.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.eyegaze_screen import FILM_POINT, SCREEN_POINT, Pads, find_frame, load_pads, place_on_film
from egma.gaze.formats.head import Head, read_head
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.spans import Key, Progress, Spans, find_spans
from egma.gaze.formats.table import Table, read_table
from egma.gaze.recordings import Entry, Recordings, Skipped, one_or_many
from egma.gaze.regions import BoxRegion, Region
from egma.gaze.track import GazeTrack, Word

KEY = ("SESSION_ID", "DICOM_ID")
EYES = (("LPMM", "LPMMV"), ("RPMM", "RPMMV"))
VALID = ("FPOGV", "BPOGV", "LPV", "RPV", "BKID")
TIME, START, DURATION = "Time (in secs)", "FPOGS", "FPOGD"
NUMBERS = (TIME, START, DURATION, *SCREEN_POINT, *FILM_POINT, *VALID, *(name for eye in EYES for name in eye))

DICOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
DICOM_ID_LENGTH = 44
SAMPLE_INTERVAL_S = 0.03  # the tracker runs at 60 Hz; two fixations cannot begin so close together
NO_DEGREE = "the recording does not say how large a degree is: 1/27 of the film's longer side is taken"


def matches(head: Head) -> bool:
    """Whether this is an EyeGaze `fixations.csv` or `eye_gaze.csv`, with or without MIMIC-EYE's index column."""
    return head.has(*KEY, *SCREEN_POINT, TIME)


def load(head: Head, on_progress: Progress | None = None) -> GazeTrack | Recordings:
    """Index the file; a file with one recording and nothing left out is that recording."""
    return one_or_many(index_file(head, on_progress))


def index_file(head: Head, on_progress: Progress | None = None) -> Recordings:
    """Find the recordings of one file, without keeping any."""
    for name in (*KEY, *NUMBERS):
        if name not in head.columns:
            raise GazeError(f"the recording: the column {name} is missing from EyeGaze's 37; export the file again")
    _refuse_other_text(head)
    places = [head.columns.index(name) for name in KEY]
    spans = find_spans(head.path, places, separator=head.separator, on_progress=on_progress)
    if not spans.ranges:
        check.check_rows(0, "fixation or sample")
    known = load_pads(head.path.parent / "master_sheet.csv")
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    sessions = Counter(key[1] for key in spans.ranges)
    for key in spans.ranges:
        session, dicom_id = key
        name = dicom_id if sessions[dicom_id] == 1 else f"{dicom_id} session {session}"
        reason = _reason_to_skip(dicom_id, known)
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            ids = {"dicom_id": dicom_id, "session_id": session}
            pads = None if known is None else known[dicom_id]
            entries.append(Entry(name, lambda key=key, pads=pads: _load_one(spans, key, head.separator, pads), ids))
    return Recordings(entries, skipped)


def _refuse_other_text(head: Head) -> None:
    """A file that is read piece by piece has to be plain: UTF-8, its header in the first line, line feeds."""
    first = head.data.split(b"\n", 1)[0]
    if b"\0" in head.data or b"\r" in first.rstrip(b"\r") or KEY[0].encode() not in first:
        raise GazeError(
            "an EyeGaze file is wanted as UTF-8 text with its header in the first line and line feeds; save it so again"
        )


def _reason_to_skip(dicom_id: str, known: dict[str, Pads] | None) -> str | None:
    """Why a recording cannot be joined to a film, or None. Ids are never completed or guessed."""
    if DICOM_ID.fullmatch(dicom_id):
        if known is not None and dicom_id not in known:
            return "its DICOM_ID is not in the master sheet"
        return None
    if len(dicom_id) < DICOM_ID_LENGTH and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{0,8}){1,4}", dicom_id):
        return "its DICOM_ID is cut off (an aborted recording)"
    return "its DICOM_ID is that of no film (a calibration image)"


def _load_one(spans: Spans, key: Key, separator: str, pads: Pads | None) -> GazeTrack:
    session, dicom_id = key
    table = read_table(spans.read(key), f"recording {dicom_id[:8]}", numbers=NUMBERS, separator=separator)
    folder = spans.path.absolute().parent
    time_s = table.numbers(TIME)
    with np.errstate(invalid="ignore"):  # infinite times are refused later, by their row
        steps = np.diff(time_s)
    steps = steps[np.isfinite(steps)]
    samples = len(steps) > 0 and float(np.median(steps)) <= SAMPLE_INTERVAL_S
    start_s = time_s if samples else table.numbers(START)
    end_s = sample_ends(start_s) if samples else start_s + table.numbers(DURATION)
    check.check_times(start_s, end_s)
    check.check_lengths(start_s, end_s)
    blink = _blinks(table, samples)
    xy_px, on_film, lines = place_on_film(table, blink)
    check.check_positions(xy_px)
    notes = [*table.notes, NO_DEGREE]
    if (~on_film & ~blink).any():
        notes.append(
            f"{(~on_film & ~blink).sum()} looks beside the film are put back by the recording's own screen line"
        )
    return GazeTrack(
        xy_px=xy_px,
        start_s=start_s,
        duration_s=end_s - start_s,
        kind="samples" if samples else "fixations",
        pupil=_pupil(table),
        pupil_unit="mm",
        words=load_transcript(folder / "audio_segmentation_transcripts" / dicom_id / "transcript.json"),
        regions=load_boxes(folder / "bounding_boxes.csv", dicom_id),
        frame_hw=find_frame(lines, pads),
        source="eyegaze",
        ids={"dicom_id": dicom_id, "session_id": session},
        notes=tuple(notes),
    )


def _blinks(table: Table, samples: bool) -> np.ndarray:
    """bool (F,), rows without gaze: the point is invalid, or neither eye was found, or the tracker saw a blink."""
    if not samples:
        return table.numbers("FPOGV") == 0
    no_eye = (table.numbers("LPV") == 0) & (table.numbers("RPV") == 0)
    return no_eye | (table.numbers("BPOGV") == 0) | (table.numbers("BKID") > 0)


def _pupil(table: Table) -> np.ndarray:
    """float64 (F,), millimetres, the mean of the valid eyes. LPD and RPD are camera pixels and are not used."""
    sizes = np.column_stack([np.where(table.numbers(valid) == 1, table.numbers(size), np.nan) for size, valid in EYES])
    count = np.isfinite(sizes).sum(axis=1)
    return np.where(count > 0, np.nansum(sizes, axis=1) / np.maximum(count, 1), np.nan)


def load_transcript(path: Path) -> tuple[Word, ...]:
    """The dictation of `transcript.json`; a phrase of several words shares its time among them by length."""
    if not path.is_file():
        return ()
    try:
        phrases = json.loads(path.read_text("utf-8"))["time_stamped_text"]
        timed = [(str(each["phrase"]), float(each["begin_time"]), float(each["end_time"])) for each in phrases]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise GazeError(
            'transcript.json wants "time_stamped_text", a list of {"phrase", "begin_time", "end_time"}'
        ) from None
    if not np.isfinite([times for _, *times in timed]).all():
        raise GazeError("transcript.json has a phrase without a time; mend or remove it")
    return tuple(word for phrase in timed for word in _split_phrase(*phrase))


def _split_phrase(phrase: str, begin_s: float, end_s: float) -> list[Word]:
    tokens = phrase.split()
    edges = np.cumsum([0, *(len(token) for token in tokens)]) / max(sum(map(len, tokens)), 1)
    times = begin_s + edges * (end_s - begin_s)
    return [Word(token, float(a), float(b)) for token, a, b in zip(tokens, times[:-1], times[1:])]


def load_boxes(path: Path, dicom_id: str) -> tuple[Region, ...]:
    """The anatomy boxes of one film from `bounding_boxes.csv`, whose order is x1, x2, y1, y2."""
    return _read_boxes(path, path.stat().st_mtime_ns).get(dicom_id, ()) if path.is_file() else ()


@lru_cache(maxsize=4)
def _read_boxes(path: Path, _changed_ns: int) -> dict[str, tuple[Region, ...]]:
    """All films' boxes: 18,405 rows, read once for the thousand recordings beside them."""
    edges = ("x1", "y1", "x2", "y2")
    table = read_table(path, "bounding_boxes.csv", texts=("dicom_id", "bbox_name"), numbers=edges)
    found: dict[str, list[Region]] = {}
    for dicom_id, name, (x0, y0, x1, y1) in zip(
        table.texts("dicom_id"), table.texts("bbox_name"), table.stack(edges).tolist()
    ):
        found.setdefault(dicom_id, []).append(BoxRegion(name, (x0, y0, x1, y1)))
    return {dicom_id: tuple(boxes) for dicom_id, boxes in found.items()}


def index(root: Path, on_progress: Progress | None = None) -> Recordings:
    """The fixations of an EyeGaze folder; its raw samples where it has no fixations."""
    path = next((root / name for name in ("fixations.csv", "eye_gaze.csv") if (root / name).is_file()), None)
    if path is None:
        raise GazeError("the EyeGaze folder has neither fixations.csv nor eye_gaze.csv; choose the data set's root")
    return index_file(read_head(path), on_progress)
