"""The page's own panels: bars, warnings, sentences and the patch table, accessible and built from text alone."""

from app.panels.panels import (
    FilmData,
    FilmPanel,
    FindingsData,
    FindingsPanel,
    MatchRow,
    NoticesData,
    NoticesPanel,
    PatchData,
    PatchPanel,
    SentencesData,
    SentencesPanel,
)

__all__ = [
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
