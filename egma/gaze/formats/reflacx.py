"""REFLACX 1.0.0: readings of MIMIC-CXR films by five radiologists, in image pixels, timed from the start of dictation.

Layout (Bigolin Lanfredi et al., Scientific Data 9:350, 2022, and its generator):
    main_data/metadata_phase_{1,2,3}.csv
    main_data/<ID>/{fixations,timestamps_transcription,anomaly_location_ellipses,chest_bounding_box}.csv
    gaze_data/<ID>/gaze.csv
MIMIC-EYE holds the same below patient_*/REFLACX, with one metadata.csv for all phases. Positions may lie off the image
and times before zero; the shown rectangle and the degree change with the reader's zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from egma.errors import GazeError
from egma.gaze import check
from egma.gaze.formats.head import Head
from egma.gaze.formats.table import Table, read_table
from egma.gaze.recordings import Entry, Recordings, Skipped
from egma.gaze.regions import BoxRegion, Region
from egma.gaze.track import GazeTrack, Word

POSITION = ("x_position", "y_position")
DEGREE = ("angular_resolution_x_pixels_per_degree", "angular_resolution_y_pixels_per_degree")
WINDOW = ("window_width", "window_level")
SHOWN = tuple(f"{edge}_shown_from_image" for edge in ("xmin", "ymin", "xmax", "ymax"))
SCREEN = tuple(f"{edge}_in_screen_coordinates" for edge in ("xmin", "ymin", "xmax", "ymax"))
PUPIL = "pupil_area_normalized"
START, END, SAMPLE = "timestamp_start_fixation", "timestamp_end_fixation", "timestamp_sample"
COLUMNS = (*POSITION, PUPIL, *DEGREE, *WINDOW, *SHOWN, *SCREEN)
MIN_CERTAINTY = 1


@dataclass(frozen=True)
class Reading:
    """One row of the metadata: whose film, how large, and whether the tracking was thrown away."""

    reflacx_id: str
    dicom_id: str
    subject_id: str
    image_hw: tuple[int, int] | None
    discarded: bool


def matches(head: Head) -> bool:
    """Whether this is a REFLACX `fixations.csv` or `gaze.csv`."""
    return head.has(*POSITION, *SHOWN) and (START in head.columns or SAMPLE in head.columns)


def load(head: Head) -> GazeTrack:
    """Read one file of fixations or samples, with the dictation, regions and metadata found beside it."""
    folder = head.path.absolute().parent
    reading = find_reading(folder)
    if reading is not None and reading.discarded:
        raise GazeError(
            f"the eye tracking of reading {reading.reflacx_id} was discarded by its authors; choose another"
        )
    samples = SAMPLE in head.columns
    times = (SAMPLE,) if samples else (START, END)
    table = read_table(head.path, "the recording", numbers=(*times, *COLUMNS), separator=head.separator)
    check.check_rows(len(table), "sample" if samples else "fixation")
    start_s = table.numbers(times[0])
    end_s = sample_ends(start_s) if samples else table.numbers(END)
    main = folder.parents[1] / "main_data" / folder.name if samples and len(folder.parents) > 1 else folder
    ids = {"reflacx_id": folder.name} if reading is None else _ids(reading)
    return _build(
        table,
        start_s,
        end_s,
        kind="samples" if samples else "fixations",
        words=load_words(main / "timestamps_transcription.csv"),
        regions=load_regions(main),
        frame_hw=None if reading is None else reading.image_hw,
        ids=ids,
        notes=table.notes,
    )


def sample_ends(start_s: np.ndarray) -> np.ndarray:
    """float64 (S,), when each sample ends: at the next one, the last after the typical interval."""
    if len(start_s) < 2:
        return start_s.copy()
    steps = np.diff(start_s)
    return np.r_[start_s[1:], start_s[-1] + max(float(np.nanmedian(steps)), 0.0)]


def _build(table: Table, start_s: np.ndarray, end_s: np.ndarray, **words: object) -> GazeTrack:
    check.check_times(start_s, end_s)
    check.check_lengths(start_s, end_s)
    xy_px, shown = table.stack(POSITION), table.stack(SHOWN)
    window, degree = table.stack(WINDOW), table.stack(DEGREE)
    check.check_positions(xy_px)
    check.check_shown(xy_px, shown)
    for axis in (0, 1):
        check.check_range(window[:, axis], WINDOW[axis], 0, 10, "a share of the full range")
        check.check_range(degree[:, axis], DEGREE[axis], 2, 5000, "image pixels in one degree")
    return GazeTrack(
        xy_px=xy_px,
        start_s=start_s,
        duration_s=end_s - start_s,
        pupil=table.numbers(PUPIL),
        pupil_unit="calibration mean",
        pixels_per_degree=degree,
        shown_px=shown,
        screen_px=table.stack(SCREEN),
        window=window,
        source="reflacx",
        **words,  # type: ignore[arg-type]
    )


def load_words(path: Path) -> tuple[Word, ...]:
    """The dictation of `timestamps_transcription.csv`; empty where there is no such file."""
    if not path.is_file():
        return ()
    times = ("timestamp_start_word", "timestamp_end_word")
    table = read_table(path, "the transcription", texts=("word",), numbers=times)
    start_s, end_s = (table.numbers(name) for name in times)
    if not (np.isfinite(start_s) & np.isfinite(end_s)).all():
        raise GazeError("the transcription has a word without a time; mend or remove its line")
    return tuple(Word(text, float(begin), float(end)) for text, begin, end in zip(table.texts("word"), start_s, end_s))


def load_regions(folder: Path) -> tuple[Region, ...]:
    """The chest box and the ellipses that the reader drew, where their files are there; labels from the header."""
    regions: list[Region] = []
    edges = ("xmin", "ymin", "xmax", "ymax")
    box = folder / "chest_bounding_box.csv"
    if box.is_file():
        rows = read_table(box, "the chest box", numbers=edges).stack(edges)
        regions += [BoxRegion("chest", _box(row)) for row in rows]
    ellipses = folder / "anomaly_location_ellipses.csv"
    if ellipses.is_file():
        regions += _ellipses(ellipses, edges)
    return tuple(regions)


def _ellipses(path: Path, edges: tuple[str, ...]) -> list[Region]:
    columns = [name for name in path.read_text("utf-8-sig", "replace").partition("\n")[0].strip().split(",") if name]
    labels = [name for name in columns if name not in (*edges, "certainty")]
    table = read_table(path, "the ellipses", numbers=(*edges, "certainty"), texts=labels)
    named = {label: table.flags(label) for label in labels}
    certainty = table.numbers("certainty")
    regions: list[Region] = []
    for row, box in enumerate(table.stack(edges)):
        name = ", ".join(label for label in labels if named[label][row]) or "unlabelled"
        known = np.isfinite(certainty[row]) and certainty[row] >= MIN_CERTAINTY
        regions.append(BoxRegion(name, _box(box), "ellipse", int(certainty[row]) if known else None))
    return regions


def _box(row: np.ndarray) -> tuple[float, float, float, float]:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def find_reading(folder: Path) -> Reading | None:
    """The metadata of the reading in `main_data/<ID>` or `gaze_data/<ID>`, where a metadata file lies near."""
    for place in metadata_files(folder):
        reading = read_metadata(place).get(folder.name)
        if reading is not None:
            return reading
    return None


def metadata_files(folder: Path) -> list[Path]:
    """Metadata files of the data set that a reading's folder belongs to."""
    near = [folder.parent, *(parent for parent in folder.parents[1:2])]
    near += [parent / "main_data" for parent in folder.parents[1:2]]
    return [path for place in near if place.is_dir() for path in sorted(place.glob("metadata*.csv")) if path.is_file()]


def read_metadata(path: Path) -> dict[str, Reading]:
    """All readings of one metadata file, by their id."""
    return _read_metadata(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_metadata(path: Path, _changed_ns: int) -> dict[str, Reading]:
    size = ("image_size_x", "image_size_y")
    names = ("id", "eye_tracking_data_discarded", "dicom_id", "subject_id")
    table = read_table(path, path.name, texts=names, optional=size)
    ids, dicom_ids, subject_ids = (table.texts(name) for name in ("id", "dicom_id", "subject_id"))
    discarded = table.flags("eye_tracking_data_discarded")
    unknown = np.full(len(table), np.nan)
    width, height = (table.numbers(name) if name in table else unknown for name in size)
    readings: dict[str, Reading] = {}
    for row, name in enumerate(ids):
        known = np.isfinite(width[row]) and np.isfinite(height[row])
        hw = (int(height[row]), int(width[row])) if known else None
        readings[name] = Reading(name, dicom_ids[row], subject_ids[row], hw, bool(discarded[row]))
    return readings


def index(root: Path) -> Recordings:
    """Every reading below a REFLACX root (or its main_data, or a MIMIC-EYE patient's REFLACX folder), lazily."""
    from egma.gaze.formats.head import read_head

    main = root / "main_data" if (root / "main_data").is_dir() else root
    readings: dict[str, Reading] = {}
    for place in (*sorted(main.glob("metadata*.csv")), *sorted(root.glob("metadata*.csv"))):
        readings.update(read_metadata(place))
    folders = {folder.name: folder for folder in sorted(main.iterdir()) if folder.is_dir()}
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for name in dict.fromkeys([*readings, *folders]):
        reading = readings.get(name)
        path = main / name / "fixations.csv"
        if reading is not None and reading.discarded:
            skipped.append(Skipped(name, "its eye tracking was discarded by the authors"))
        elif not path.is_file():
            skipped.append(Skipped(name, "its fixations.csv is not there"))
        else:
            ids = {"reflacx_id": name} if reading is None else _ids(reading)
            entries.append(Entry(name, lambda path=path: load(read_head(path)), ids))
    return Recordings(entries, skipped)


def _ids(reading: Reading) -> dict[str, str]:
    return {"reflacx_id": reading.reflacx_id, "dicom_id": reading.dicom_id, "subject_id": reading.subject_id}
