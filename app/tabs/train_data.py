"""What the Train tab says of a data set before a run: counts, classes, a few films, and its problems by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from app.panels.data import MessageData, NoticesData, RowsData
from egma.data.opening import Examination
from egma.errors import DataError, EgmaError
from egma.finetune.rules import PHANTOMS
from egma.finetune.settings import FinetuneSettings

_THUMBNAIL_PX = 160
_CLASS_HEAD = ["", "present", "absent", "uncertain", "unknown"]


class DataView(NamedTuple):
    """What a data set holds, in wiring order."""

    table: Any
    counts: Any
    films: Any
    problems: Any
    said: Any


def refuse_data(sentence: str) -> DataView:
    """The data cannot be looked at; the sentence says why."""
    return DataView(RowsData(), RowsData(), _gallery([]), NoticesData(), MessageData(text=sentence))


def view_phantoms() -> DataView:
    """What phantoms are, and three of them."""
    from egma.testing.phantoms import build_phantoms

    built = list(build_phantoms(3, seed=0, size=(_THUMBNAIL_PX, _THUMBNAIL_PX)))
    films = [(np.rint(each.study.pixels * 255).astype(np.uint8), each.sentences[0]) for each in built]
    said = "Synthetic films with known lesions and simulated gaze, built when the run starts. Ready to train on."
    return DataView(RowsData(), RowsData(), _gallery(films), NoticesData(), MessageData(text=said, kind="wait"))


def view_data(path: str, images: str) -> DataView:
    """Open a few films of the data, count it, and name its problems by row."""
    from egma.data.opening import examine_data
    from egma.finetune.examples import build_reading

    found = examine_data(path, build_reading(FinetuneSettings(data=path, images=images)))
    ready = "Ready to train on." if found.ready else "Not ready: mend what is named below."
    return DataView(
        _class_rows(found),
        _count_rows(found),
        _gallery([_thumbnail(sample) for sample in found.opened]),
        NoticesData(title="Before this data is trained on", sentences=[each.sentence for each in found.problems]),
        MessageData(text=ready, kind="wait" if found.ready else "alert"),
    )


def check_data(settings: FinetuneSettings) -> None:
    """Refuse data with problems before a job starts. A gaze data set's root takes minutes: its job checks it.

    Raises:
        DataError: one sentence with what is wrong, by row.
    """
    from egma.data.build import Source
    from egma.data.opening import examine_data
    from egma.finetune.examples import build_reading, check_ready

    if settings.data != PHANTOMS and not Source(Path(settings.data)).kind:
        check_ready(examine_data(settings.data, build_reading(settings)))


def _class_rows(found: Examination) -> RowsData:
    """Films by finding; nothing where no film has a label."""
    rows = [[name, *(f"{count:,}" for count in row)] for name, row in found.classes.items()]
    has_labels = any(any(row[:3]) for row in found.classes.values())
    return RowsData(caption="Findings", head=_CLASS_HEAD, rows=rows if has_labels else [])


def _count_rows(found: Examination) -> RowsData:
    rows = [[split, f"{found.counts[split]:,}", f"{found.with_gaze[split]:,}"] for split in found.counts]
    all_said, with_gaze = found.sentences
    caption = f"{all_said:,} sentences, {with_gaze:,} with gaze"
    return RowsData(caption=caption, head=["Split", "films", "with gaze"], rows=rows)


def _gallery(films: list[Any]) -> Any:
    return gr.update(value=films, visible=bool(films))


def _thumbnail(sample: Any) -> tuple[np.ndarray, str]:
    """A small picture of a film, and its name on the list; the film's own text is not shown."""
    from PIL import Image

    from egma.imaging import load_study

    if sample.image_path is None:
        raise DataError(f"the film of {sample.id[:60]!r} is missing")
    try:
        study = load_study(sample.image_path)
    except EgmaError as error:
        raise DataError(f"the film of {sample.id[:60]!r} cannot be opened: {error}") from None
    picture = Image.fromarray(np.rint(study.pixels * 255).astype(np.uint8))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.asarray(picture), sample.split
