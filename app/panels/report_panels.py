"""The Reports tab's panels: results, an open report, films like this one, a draft, and the job that fills a library."""

from __future__ import annotations

from app.panels.panels import Panel
from app.panels.report_data import DownloadData, DraftData, HitsData, JobData, ReportData, StripData

_HELPERS = ("dom.js", "copy.js")
_STYLES = ("panels.css", "reports.css")


class HitsPanel(Panel):
    """Result cards; sends `open_hit` {id}, `more_like` {id} and `export_hits` {hits: [{id, score, matched}]}."""

    data_model = HitsData
    script = "hits.js"
    helpers = _HELPERS
    styles = _STYLES


class ReportPanel(Panel):
    """A whole report by sections; sends `choose_sentence` {index} and `close_report`."""

    data_model = ReportData
    script = "report.js"
    helpers = _HELPERS
    styles = _STYLES


class StripPanel(Panel):
    """Thumbnails in a row; sends `open_archived` {id}."""

    data_model = StripData
    script = "strip.js"
    helpers = _HELPERS
    styles = _STYLES


class DraftPanel(Panel):
    """A draft that a reader accepts sentence by sentence; sends `choose_sentence` {index} and `open_hit` {id}."""

    data_model = DraftData
    script = "draft.js"
    helpers = _HELPERS
    styles = _STYLES


class JobPanel(Panel):
    """Progress of a job; sends `stop_job` {id}, `resume_job` {id} and `dismiss_job` {id}."""

    data_model = JobData
    script = "job.js"
    styles = _STYLES


class DownloadPanel(Panel):
    """Saves a text as a file in the browser; shows nothing."""

    data_model = DownloadData
    script = "download.js"
    kind = "egma-hidden"
