"""The page's own panels: bars, warnings, sentences and the patch table, accessible and built from text alone."""

from app.panels.data import BarData, FilmData, FindingsData, MatchRow, NoticesData, PatchData, SentencesData
from app.panels.panels import FilmPanel, FindingsPanel, NoticesPanel, PatchPanel, SentencesPanel

__all__ = [
    "BarData",
    "FilmData",
    "FilmPanel",
    "FindingsData",
    "FindingsPanel",
    "MatchRow",
    "NoticesData",
    "NoticesPanel",
    "PatchData",
    "PatchPanel",
    "SentencesData",
    "SentencesPanel",
]
