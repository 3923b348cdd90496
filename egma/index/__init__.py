"""The report library: add, search, filter and delete reports in one folder that can be moved with `cp -r`.

SQLite holds the records, the words and the vectors and is the truth; the FAISS files beside it are derived and are
built again whenever they do not fit.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Filters": "egma.index.filters",
    "Hit": "egma.index.records",
    "IndexPolicy": "egma.index.policy",
    "IndexStats": "egma.index.stats",
    "ReportIndex": "egma.index.store",
    "ReportRecord": "egma.index.records",
    "SpaceStats": "egma.index.stats",
}

__all__ = ["Filters", "Hit", "IndexPolicy", "IndexStats", "ReportIndex", "ReportRecord", "SpaceStats"]

if TYPE_CHECKING:
    from egma.index.filters import Filters
    from egma.index.policy import IndexPolicy
    from egma.index.records import Hit, ReportRecord
    from egma.index.stats import IndexStats, SpaceStats
    from egma.index.store import ReportIndex


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'egma.index' has no attribute {name!r}")
