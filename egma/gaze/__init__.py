"""Where a reader looked: recordings in every format, maps of them, and how well a model's map agrees."""

from egma.gaze import metrics
from egma.gaze.formats import load_gaze
from egma.gaze.recordings import Recordings, Skipped
from egma.gaze.track import GazeTrack, Word

__all__ = ["GazeTrack", "Recordings", "Skipped", "Word", "load_gaze", "metrics"]
