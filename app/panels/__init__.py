"""The page's own panels: bars, warnings, sentences and the patch table, accessible and built from text alone."""

from app.panels.data import (
    BarData,
    ComparisonData,
    ComparisonRow,
    FilmData,
    FindingsData,
    MatchRow,
    MessageData,
    NoticesData,
    PatchData,
    ScoreData,
    SentencesData,
)
from app.panels.panels import (
    ComparisonPanel,
    FilmPanel,
    FindingsPanel,
    MessagePanel,
    NoticesPanel,
    PatchPanel,
    SentencesPanel,
)

__all__ = [
    "BarData",
    "ComparisonData",
    "ComparisonPanel",
    "ComparisonRow",
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
    "ScoreData",
    "SentencesData",
    "SentencesPanel",
]
