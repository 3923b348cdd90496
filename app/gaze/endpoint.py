"""`/gaze` for scripts: where a recording's reader looked. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.alerts import alerting
from app.films import load_upload
from app.gaze.opening import read_recordings, take_uploads
from app.services import Services
from egma.errors import GazeError
from egma.gaze.describe import describe_recording
from egma.gaze.formats import guess_mapping, load_gaze, read_head
from egma.gaze.recordings import Recordings
from egma.gaze.track import GazeTrack

MOST_TRIED = 5000
_CHOOSE = "send a file with the rows of one recording, or use `python -m egma gaze FILE --recording NAME`"


@dataclass(frozen=True, eq=False)
class GazeEndpoint:
    """What a script may ask of a recording."""

    services: Services

    @alerting
    def gaze(self, recording: str, film: str | None = None) -> dict[str, Any]:
        """A recording in numbers: {"fixations", "duration_s", "density": rows of at most 64 x 64 cells, sum 1}.

        With a film the recording is checked against it, and of a file with many the one that fits it is described.
        """
        shape = self._film_shape(film) if film else None
        if not recording:
            raise GazeError("there is no recording; send one as the first argument, as a file")
        handed = take_uploads([recording], self.services.folder.uploads)
        try:
            table = handed.table
            mapping = None if table is None else guess_mapping(read_head(table))
            found = load_gaze(table) if table is not None and mapping is None else read_recordings(handed, mapping)[0]
            track = found if isinstance(found, GazeTrack) else choose_track(found, shape)
            if shape is not None:
                track.for_film(shape)
            return describe_recording(track, shape).as_json()
        finally:
            handed.discard()

    def _film_shape(self, film: str) -> tuple[int, int]:
        from egma.imaging import load_study

        return load_upload(film, self.services.folder.uploads, load_study).shape


def choose_track(recordings: Recordings, shape: tuple[int, int] | None) -> GazeTrack:
    """The one recording of many that can be of a film of `shape`.

    Raises:
        GazeError: there is no film to go by, or none or several recordings fit it.
    """
    if len(recordings) == 1:
        return recordings[0]
    if shape is None:
        raise GazeError(f"the file holds {len(recordings)} recordings: {_CHOOSE}, or send the film of one along")
    fitting: list[GazeTrack] = []
    for track in recordings[:MOST_TRIED].readable(lambda skipped: None):
        try:
            track.for_film(shape)
        except GazeError:
            continue
        fitting.append(track)
        if len(fitting) > 1:
            raise GazeError(f"several of the file's {len(recordings)} recordings fit the film's size: {_CHOOSE}")
    if not fitting:
        raise GazeError(f"none of the file's {len(recordings)} recordings is of this film: {_CHOOSE}")
    return fitting[0]
