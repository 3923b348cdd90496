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
from pathlib import Path

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.head import Head, read_head
from egma.gaze.formats.reflacx import sample_ends
from egma.gaze.formats.spans import Key, Progress, Spans, find_spans
from egma.gaze.formats.table import Table, read_table
from egma.gaze.recordings import Entry, Recordings, Skipped, one_or_many
from egma.gaze.regions import BoxRegion, Region
from egma.gaze.track import GazeTrack, Word

KEY = ("SESSION_ID", "DICOM_ID")
SCREEN_POINT = ("FPOGX", "FPOGY")
FILM_POINT = ("X_ORIGINAL", "Y_ORIGINAL")
EYES = (("LPMM", "LPMMV"), ("RPMM", "RPMMV"))
VALID = ("FPOGV", "BPOGV", "LPV", "RPV", "BKID")
TIME, START, DURATION = "Time (in secs)", "FPOGS", "FPOGD"
NUMBERS = (TIME, START, DURATION, *SCREEN_POINT, *FILM_POINT, *VALID, *(name for eye in EYES for name in eye))

DICOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
DICOM_ID_LENGTH = 44
SAMPLE_INTERVAL_S = 0.03  # the tracker runs at 60 Hz; two fixations cannot begin so close together
LINE_POINTS = 8
LINE_RESIDUAL_PX = 2.0
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
    sheet = head.path.parent / "master_sheet.csv"
    known = (
        set(read_table(sheet, "master_sheet.csv", texts=("dicom_id",)).texts("dicom_id")) if sheet.is_file() else None
    )
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
            entries.append(Entry(name, lambda key=key: _load_one(spans, key, head.separator), ids))
    return Recordings(entries, skipped)


def _refuse_other_text(head: Head) -> None:
    """A file that is read piece by piece has to be plain: UTF-8, its header in the first line, line feeds."""
    first = head.data.split(b"\n", 1)[0]
    if b"\0" in head.data or b"\r" in first.rstrip(b"\r") or KEY[0].encode() not in first:
        raise GazeError(
            "an EyeGaze file is wanted as UTF-8 text with its header in the first line and line feeds; save it so again"
        )


def _reason_to_skip(dicom_id: str, known: set[str] | None) -> str | None:
    """Why a recording cannot be joined to a film, or None. Ids are never completed or guessed."""
    if DICOM_ID.fullmatch(dicom_id):
        if known is not None and dicom_id not in known:
            return "its DICOM_ID is not in the master sheet"
        return None
    if len(dicom_id) < DICOM_ID_LENGTH and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{0,8}){1,4}", dicom_id):
        return "its DICOM_ID is cut off (an aborted recording)"
    return "its DICOM_ID is that of no film (a calibration image)"


def _load_one(spans: Spans, key: Key, separator: str) -> GazeTrack:
    session, dicom_id = key
    table = read_table(spans.read(key), f"recording {dicom_id[:8]}", numbers=NUMBERS, separator=separator)
    folder = spans.path.absolute().parent
    time_s = table.numbers(TIME)
    samples = len(time_s) > 1 and float(np.nanmedian(np.diff(time_s))) <= SAMPLE_INTERVAL_S
    start_s = time_s if samples else table.numbers(START)
    end_s = sample_ends(start_s) if samples else start_s + table.numbers(DURATION)
    check.check_times(start_s, end_s)
    check.check_lengths(start_s, end_s)
    blink = _blinks(table, samples)
    xy_px, on_film = _positions(table, blink)
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


def _positions(table: Table, blink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 (F, 2) in film pixels, and bool (F,), which rows the file itself places on the film."""
    film, screen = table.stack(FILM_POINT), table.stack(SCREEN_POINT)
    on_film = np.all(film >= 0, axis=1)
    _refuse_exchanged(film[on_film & ~blink], screen[on_film & ~blink])
    xy_px = film.copy()
    lines = [_fit_line(screen[on_film & ~blink, axis], film[on_film & ~blink, axis]) for axis in (0, 1)]
    if lines[0] is not None and lines[1] is not None:
        slope, offset = np.array(lines).T
        xy_px[~on_film] = screen[~on_film] * slope + offset
    xy_px[blink] = np.nan
    return xy_px, on_film


def _fit_line(screen: np.ndarray, film: np.ndarray) -> tuple[float, float] | None:
    """Slope and offset from screen fraction to film pixel; None where the points do not lie on one line."""
    known = np.isfinite(screen) & np.isfinite(film)
    screen, film = screen[known], film[known]
    if len(screen) < LINE_POINTS or np.ptp(screen) < 0.01:
        return None
    slope, offset = np.polyfit(screen, film, 1)
    fits = np.abs(slope * screen + offset - film).max() <= LINE_RESIDUAL_PX
    return (float(slope), float(offset)) if fits and slope > 0 else None


def _refuse_exchanged(film: np.ndarray, screen: np.ndarray) -> None:
    known = np.isfinite(film).all(axis=1) & np.isfinite(screen).all(axis=1)
    film, screen = film[known], screen[known]
    if len(film) < LINE_POINTS or min(np.ptp(film, axis=0).min(), np.ptp(screen, axis=0).min()) <= 0:
        return
    table = np.corrcoef(film.T, screen.T)[:2, 2:]
    if min(table[0, 1], table[1, 0]) > 0.99 and max(table[0, 0], table[1, 1]) < 0.9:
        raise GazeError(
            "the columns of x and y are mixed up: X_ORIGINAL follows FPOGY and Y_ORIGINAL follows FPOGX; exchange two"
        )


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
    if not path.is_file():
        return ()
    edges = ("x1", "y1", "x2", "y2")
    table = read_table(path, "bounding_boxes.csv", texts=("dicom_id", "bbox_name"), numbers=edges)
    boxes, names = table.stack(edges), table.texts("bbox_name")
    rows = [row for row, each in enumerate(table.texts("dicom_id")) if each == dicom_id]
    return tuple(BoxRegion(names[row], tuple(map(float, boxes[row]))) for row in rows)  # type: ignore[arg-type]


def index(root: Path, on_progress: Progress | None = None) -> Recordings:
    """The fixations of an EyeGaze folder; its raw samples where it has no fixations."""
    path = next((root / name for name in ("fixations.csv", "eye_gaze.csv") if (root / name).is_file()), None)
    if path is None:
        raise GazeError("the EyeGaze folder has neither fixations.csv nor eye_gaze.csv; choose the data set's root")
    return index_file(read_head(path), on_progress)
