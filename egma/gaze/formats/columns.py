"""Which column of a lab's table is what: guessed from the header, and changed by the user where that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from egma.errors import GazeError
from egma.gaze.formats.head import Head

Frame = Literal["image", "screen", "fraction"]
Unit = Literal["s", "ms", "us", "ns"]

# Names in use, without case, spaces, marks and units; the first that is in the header wins.
NAMES: dict[str, tuple[str, ...]] = {
    part: tuple(names.split())
    for part, names in {
        "x": "x xpx xpos xposition posx positionx gazex xgaze fixationx fixx xfix meanx avgx xmean xavg currentfixx "
        "gazepointx fixationpointx porx normposx locationx imagex screenx ximage xscreen "
        "xcoordinate xcoord coordx xfraction xnormalized",
        "start": "start starts starttime starttimestamp timestampstart timestampstartfixation onset begin begintime "
        "tstart fixationstart currentfixstart",
        "end": "end ends endtime endtimestamp timestampend timestampendfixation offset finish tend stop stoptime "
        "fixationend currentfixend",
        "duration": "duration dur fixationduration fixduration durationtime dwell length gazeeventduration "
        "currentfixduration",
        "time": "time timestamp t timestampsample sampletime recordingtimestamp gazetimestamp systemtime",
        "pupil": "pupil pupilsize pupildiameter pupilarea diameter pupilareanormalized avgpupil meanpupil "
        "currentfixpupil",
        "label": "label event eventtype eyemovementtype fixationtype category aoi",
        "recording": "recording recordingid recordingname trial trialid image imageid dicomid stimulus film filmid "
        "session",
    }.items()
}
UNITS: dict[str, Unit] = {
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "µs", "μs", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), "ns"),
}


@dataclass(frozen=True)
class ColumnMapping:
    """Which column holds what, the frame of the positions and the unit of the times.

    Attributes:
        x, y: columns of the position.
        start, end, duration: columns of fixations: start with end or duration. None where the table has none.
        time: the column of samples' moments (or of fixations' starts, with a duration). None where there are fixations.
        pupil, label, recording: optional columns; `recording` tells several recordings in one file apart.
        frame: "image" pixels, "screen" pixels (the table then has REFLACX's eight rectangle columns) or "fraction".
        unit: of all times; None decides by their size.
        duration_unit: of the durations, where it is another (Tobii: microseconds and milliseconds); None: `unit`.
    """

    x: str
    y: str
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    time: str | None = None
    pupil: str | None = None
    label: str | None = None
    recording: str | None = None
    frame: Frame | None = None
    unit: Unit | None = None
    duration_unit: Unit | None = None

    @property
    def is_of_events(self) -> bool:
        """Whether each row is an event with a length, not one sample."""
        return bool(self.duration or (self.start and self.end))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold numbers."""
        names = (self.x, self.y, self.start, self.end, self.duration, self.time, self.pupil)
        return tuple(name for name in names if name)


def guess_mapping(head: Head) -> ColumnMapping | None:
    """The mapping that a header's names suggest, for the user to confirm; None where it has no position or time."""
    found = guess_parts(head)
    if found["x"] is None:
        return None
    y = _partner(found["x"], head.columns)
    if y is None or not (found["start"] or found["time"] or found["duration"]):
        return None
    if found["start"] and (found["end"] or found["duration"]):
        found["time"] = None
    elif found["time"] and found["start"]:
        found["start"] = None
    timed = next(found[part] for part in ("start", "time", "duration") if found[part])
    mapping = ColumnMapping(**{**found, "y": y})  # type: ignore[arg-type]
    lasting = _unit(found["duration"]) if found["duration"] and (found["start"] or found["time"]) else None
    return replace(mapping, unit=_unit(timed or ""), duration_unit=lasting, frame=_named_frame(found["x"]))


def guess_parts(head: Head) -> dict[str, str | None]:
    """The column that each part of NAMES is taken to be in, each by itself; None where no name is known."""
    plain = {_plain(name): name for name in reversed(head.columns) if name}
    return {part: next((plain[each] for each in names if each in plain), None) for part, names in NAMES.items()}


def check_mapping(mapping: ColumnMapping, head: Head) -> None:
    """Refuse a mapping onto columns that are not there, or without any time."""
    for part in ("x", "y", "start", "end", "duration", "time", "pupil", "label", "recording"):
        name = getattr(mapping, part)
        if name is not None and name not in head.columns:
            raise GazeError(
                f"the mapping's {part} is the column {name[:40]!r}, which the file has not; "
                f"it has {', '.join(head.columns)[:200]}"
            )
    if mapping.x == mapping.y:
        raise GazeError(f"the mapping takes the column {mapping.x[:40]!r} for both x and y; choose one for each")
    if not (mapping.time or mapping.duration or (mapping.start and mapping.end)):
        raise GazeError("the mapping has no time: choose start and end, or a duration, or the moment of each sample")


def _plain(name: str) -> str:
    """A header's name without case, brackets' content, unit at the end, spaces and marks."""
    name = re.sub(r"[\[(].*?[\])]", "", name).strip().lower()
    words = [word for word in re.split(r"[^a-z0-9µμ]+", name) if word]
    if len(words) > 1 and words[-1] in {*UNITS, "px", "pix", "pixels", "norm"}:
        words = words[:-1]
    return "".join(words)


def _partner(x: str, columns: tuple[str, ...]) -> str | None:
    """The y column that is named as the x column is, an x for a y."""
    wanted = {_swap(x[:at], x[at], x[at + 1 :]) for at in range(len(x)) if x[at] in "xX"}
    return next((name for name in columns if name in wanted), None)


def _swap(before: str, letter: str, after: str) -> str:
    return before + ("y" if letter == "x" else "Y") + after


def _unit(name: str) -> Unit | None:
    for word in re.split(r"[^a-z0-9µμ]+", name.lower()):
        if word in UNITS and word != name.lower():
            return UNITS[word]
    return None


def _named_frame(name: str) -> Frame | None:
    low = name.lower()
    if "norm" in low or "frac" in low:
        return "fraction"
    if "screen" in low or "dacs" in low:
        return "screen"
    return "image" if "image" in low else None
