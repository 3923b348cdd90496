"""Every failure a reader may see, as one small tree.

    EgmaError                 fit to show: name, what was wanted, what came, what to do next
    ├── FilmError             a film that cannot be read, or not safely
    │   ├── FilmTooLargeError     declared or real size above the budget
    │   └── FilmDecodeError       the decoder failed, ran out of time or out of memory
    ├── GazeError             a gaze recording that cannot be read, or does not belong to its film
    ├── PromptError           words that cannot be asked: empty, too long, too many
    ├── CheckpointError       a checkpoint that is missing, incomplete or does not fit
    ├── DataError             a manifest, table or data set that is not as wanted
    ├── JobError              a job that cannot be started, found, stopped, resumed or deleted
    │   └── JobFailedError        a job that ended without its result, with the cause named
    ├── LibraryError          a report library that cannot be opened, written or searched
    └── SettingsError         a command line or environment setting out of range

Anything else that is raised is a bug and keeps its traceback.
"""


class EgmaError(Exception):
    """A sentence for the reader. Says name, wanted, got and the next step; carries no patient data."""


class FilmError(EgmaError):
    """A film that cannot be read, or not safely."""


class FilmTooLargeError(FilmError):
    """A film whose declared or real size is above the budget."""


class FilmDecodeError(FilmError):
    """The decoder failed, ran out of time or out of memory."""


class GazeError(EgmaError):
    """A gaze recording that cannot be read, or does not belong to its film."""


class PromptError(EgmaError):
    """Words that cannot be asked: empty, too long or too many."""


class CheckpointError(EgmaError):
    """A checkpoint that is missing, incomplete or does not fit its model."""


class DataError(EgmaError):
    """A manifest, table or data set that is not as wanted."""


class LibraryError(EgmaError):
    """A report library that cannot be opened, written or searched as asked."""


class SettingsError(EgmaError):
    """A command line or environment setting that is out of range."""


class JobError(EgmaError):
    """A job that cannot be started, found, stopped, resumed or deleted."""


class JobFailedError(JobError):
    """A job that ended without its result.

    Attributes:
        cause: one of `egma.jobs.CAUSES`: what a list of jobs shows.
    """

    def __init__(self, cause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause
