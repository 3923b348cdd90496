"""One recording of where a reader looked on one film, whatever tracker and file it came from.

Every loader converts to the same frame: image pixels of the film, origin at the top left corner, (x, y) order, pixel
(0, 0) covering [0, 1) x [0, 1); seconds from the recording's own zero (REFLACX counts from the start of the dictation,
so that times before it are negative). A look beside the film keeps its coordinates; a blink is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.errors import GazeError
from egma.gaze.density import fixation_density
from egma.gaze.regions import Region
from egma.types import Float32

Float64 = NDArray[np.float64]
Kind = Literal["fixations", "samples"]

# How far a film's size may differ from the recording's own words about it: viewers round the shown rectangle.
SIZE_TOLERANCE_PX = 2


@dataclass(frozen=True)
class Word:
    """One dictated word (or a lone "." or ","), with its times in seconds on the recording's clock."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class GazeTrack:
    """Where one reader looked on one film, in time order.

    Attributes:
        xy_px: float64 (F, 2), (x, y) in image pixels; beyond the film for a look beside it, NaN in a blink.
        start_s: float64 (F,), when each fixation (or sample) begins, never decreasing.
        duration_s: float64 (F,), at least 0.
        kind: "fixations", or "samples" for a raw recording: then each row is one sample, lasting until the next.
        pupil: float64 (F,) in `pupil_unit`, or None.
        pupil_unit: "calibration mean" (REFLACX), "mm" (EyeGaze), "tracker units", or "" without pupil.
        pixels_per_degree: float64 (F, 2), image pixels in one degree of visual angle along x and y at that moment's
            zoom, or None where the recording does not say.
        shown_px: float64 (F, 4), the part (x0, y0, x1, y1) of the film that was on the screen, or None.
        screen_px: float64 (F, 4), where on the screen that part was drawn, or None.
        window: float64 (F, 2), the reader's window width and level as shares of the full range, or None.
        words: the dictation, in time order; empty where none was recorded.
        regions: boxes and ellipses that came with the recording.
        frame_hw: (H, W) of the picture whose pixels `xy_px` counts, or None where the recording does not say.
        stretched: the recording was made on a copy of the film resized to `frame_hw` without letterbox.
        source: the format: "reflacx", "eyegaze", "scanpath", "generic", "eyelink", "tobii", "simulated".
        ids: the source's own identifiers, such as {"reflacx_id": ..., "dicom_id": ...}.
        notes: sentences a reader should see before trusting the recording.
        simulated: made by a program, not recorded from a person.
    """

    xy_px: Float64
    start_s: Float64
    duration_s: Float64
    kind: Kind = "fixations"
    pupil: Float64 | None = None
    pupil_unit: str = ""
    pixels_per_degree: Float64 | None = None
    shown_px: Float64 | None = None
    screen_px: Float64 | None = None
    window: Float64 | None = None
    words: tuple[Word, ...] = ()
    regions: tuple[Region, ...] = ()
    frame_hw: tuple[int, int] | None = None
    stretched: bool = False
    source: str = "generic"
    ids: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def end_s(self) -> Float64:
        """float64 (F,), when each fixation or sample ends."""
        return self.start_s + self.duration_s

    @property
    def span_s(self) -> tuple[float, float]:
        """(first, last) moment of gaze or speech on the recording's clock; (0, 0) when there is neither."""
        moments = [*self.start_s[:1], *self.end_s[-1:]]
        moments += [word.start_s for word in self.words[:1]] + [word.end_s for word in self.words[-1:]]
        return (float(min(moments)), float(max(moments))) if moments else (0.0, 0.0)

    @property
    def name(self) -> str:
        """A short name for lists and file names: the source's own id, or the format."""
        return next(
            (self.ids[key] for key in ("reflacx_id", "dicom_id", "recording") if self.ids.get(key)), self.source
        )

    def on_image(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """bool (F,), which rows fall on a film of `shape` (H, W). Blinks do not."""
        x, y = self.xy_px[:, 0], self.xy_px[:, 1]
        return (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])  # comparisons with NaN are False

    def select(self, rows: ArrayLike | slice) -> GazeTrack:
        """The rows chosen by a boolean mask, indices or a slice, everything else unchanged."""
        chosen = rows if isinstance(rows, slice) else np.asarray(rows)
        names = ("xy_px", "start_s", "duration_s", "pupil", "pixels_per_degree", "shown_px", "screen_px", "window")
        values = {name: getattr(self, name) for name in names}
        return replace(self, **{name: None if value is None else value[chosen] for name, value in values.items()})

    def between(self, start_s: float, end_s: float) -> GazeTrack:
        """The rows that begin in [start_s, end_s)."""
        return self.select((self.start_s >= start_s) & (self.start_s < end_s))

    def fixations(self, method: Literal["ivt", "idt"] = "ivt") -> GazeTrack:
        """This track when it holds fixations already; else those detected in its samples (see `egma.gaze.events`)."""
        if self.kind == "fixations":
            return self
        from egma.gaze.events import detect_fixations

        return detect_fixations(self, method)

    def for_film(self, shape: tuple[int, int], *, dicom_id: str | None = None) -> GazeTrack:
        """This track in the pixels of a film of `shape` (H, W), refused where it belongs to another film.

        Raises:
            GazeError: the film's id or size is not the recording's, or hardly a look falls on the film.
        """
        from egma.gaze.frame import check_film

        check_film(self, shape, dicom_id)
        return self.in_frame(shape)

    def in_frame(self, shape: tuple[int, int]) -> GazeTrack:
        """This track in the pixels of `shape`: rescaled if it was made on a resized copy, unchanged otherwise.

        Raises:
            GazeError: the recording says that its film has another size.
        """
        if self.frame_hw is None:
            return self
        height, width = self.frame_hw
        if not self.stretched:
            if abs(height - shape[0]) > SIZE_TOLERANCE_PX or abs(width - shape[1]) > SIZE_TOLERANCE_PX:
                raise GazeError(
                    f"the recording is of a film of {height} x {width} pixels (rows x columns), this film has "
                    f"{shape[0]} x {shape[1]}; choose the film it was recorded on"
                )
            return self
        if (height, width) == tuple(shape):
            return self
        scale = np.array([shape[1] / width, shape[0] / height])
        degree = None if self.pixels_per_degree is None else self.pixels_per_degree * scale
        return replace(self, xy_px=self.xy_px * scale, pixels_per_degree=degree, frame_hw=(shape[0], shape[1]))

    def density(self, shape: tuple[int, int]) -> Float32:
        """Where the reader looked on a film of `shape` (H, W): float32 (H, W), sums to 1.

        One Gaussian a fixation, sigma one degree of visual angle, weighted by duration, cut to the part of the film
        that was shown (see `egma.gaze.density`). All zero when there is no fixation on the image.
        """
        track = self.in_frame(shape)
        return fixation_density(
            track.xy_px,
            track.duration_s,
            shape,
            pixels_per_degree=track.pixels_per_degree,
            shown_px=track.shown_px,
        )
