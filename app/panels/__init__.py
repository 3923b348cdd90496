"""The page's own panels: bars, warnings, sentences and the patch table, accessible and built from text alone."""

from app.panels.data import (
    BarData,
    FilmData,
    FindingsData,
    MatchRow,
    MessageData,
    NoticesData,
    PatchData,
    SentencesData,
)
from app.panels.panels import FilmPanel, FindingsPanel, MessagePanel, NoticesPanel, PatchPanel, SentencesPanel

__all__ = [
    "BarData",
    "FilmData",
    "FilmPanel",
    "FindingsData",
    "FindingsPanel",
    "MatchRow",
    "MessageData",
    "MessagePanel",
    "NoticesData",
    "NoticesPanel",
    "PatchData",
    "PatchPanel",
    "SentencesData",
    "SentencesPanel",
]
