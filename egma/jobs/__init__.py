"""Long work as a folder and a detached process, never lost when a page closes, a server dies or a machine reboots.

From a page or a terminal: `launch`, `stop`, `resume`, `duplicate`, `delete_job`, `list_jobs`, `find_job`. In the
process itself: `running`. What a folder says: `JobFolder`. Everything is on disk, so any process may ask.
"""

from egma.jobs.child import JobStoppedError, RunningJob, running
from egma.jobs.files import EventLog, EventsRead, read_events, write_json
from egma.jobs.folder import JOB_ID, JobFolder, delete_job, find_job, list_jobs, new_job_folder
from egma.jobs.launch import command_of, duplicate, egma_argv, launch, resume, stop
from egma.jobs.state import CAUSES, JobState

__all__ = [
    "CAUSES",
    "JOB_ID",
    "EventLog",
    "EventsRead",
    "JobFolder",
    "JobState",
    "JobStoppedError",
    "RunningJob",
    "command_of",
    "delete_job",
    "duplicate",
    "egma_argv",
    "find_job",
    "launch",
    "list_jobs",
    "new_job_folder",
    "read_events",
    "resume",
    "running",
    "stop",
    "write_json",
]
