"""What goes into a library and what comes out: a report with what is known of it, and a hit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from egma.errors import LibraryError
from egma.inference.prompts import MAX_REPORT_CHARS

MAX_ID_CHARS = 200
MAX_EXTRA_CHARS = 20_000
_SHORT_CHARS = 200
SECTION_NAMES = ("indication", "history", "technique", "comparison", "findings", "impression")
_PLAIN = ("view", "sex", "source")
_KNOWN = frozenset(("text", "age", "date", *_PLAIN))
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*(Y|M|W|D|years?)?", re.IGNORECASE)
_YEARS = {"m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
_DROPPED_SIGNS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # no place in a database


@dataclass(frozen=True)
class ReportRecord:
    """One report and what is known of it; everything but the words may be unknown.

    Attributes:
        text: the whole report, section headings ("FINDINGS:") included.
        view, sex, source: "" where unknown; sex is "M", "F" or "O".
        age: years, or None.
        date: "YYYY-MM-DD" or "".
        extra: whatever else came with it, JSON values.
    """

    text: str = ""
    view: str = ""
    sex: str = ""
    age: float | None = None
    date: str = ""
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """16 bytes that name the content: equal words and equal facts have equal digests."""
        extra = json.dumps(self.extra, sort_keys=True) if self.extra else ""
        facts = (" ".join(self.text.split()), self.view, self.sex, repr(self.age), self.date, self.source, extra)
        return sha256("\x1f".join(facts).encode()).digest()[:16]

    @property
    def facets(self) -> tuple[str, str, float | None, str, str]:
        """(view, sex, age, date, source), in the database's order."""
        return (self.view, self.sex, self.age, self.date, self.source)


@dataclass(frozen=True)
class Hit:
    """One report that was found.

    Attributes:
        id: the report's id.
        score: of `search`, the cosine similarity in [-1, 1]; of `search_text`, how near the first place of both
            rankings (meaning and words) it came, in (0, 1]; a report that says the opposite gets a tenth.
        sentence: the sentence that matched, "" where the report has none.
        text: the whole report.
        record: the report with what is known of it.
        cosine: similarity of the matched sentence (or the report) to the question; None where only words were compared.
        place: (by meaning, by words), the place in each ranking from 1, None where it is not in it.
        stance: "agrees", "contradicts" or "" - what the report says of the findings that the question names.
        findings: the findings the report's sentences name as present, read by rules from the text.
    """

    id: str
    score: float
    sentence: str
    text: str
    record: ReportRecord
    cosine: float | None = None
    place: tuple[int | None, int | None] = (None, None)
    stance: str = ""
    findings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What the command line and the endpoints give away."""
        return {"id": self.id, "score": round(self.score, 6), "sentence": self.sentence, "text": self.text}


def read_id(value: Any) -> str:
    """An id fit to store: 1 to 200 printable characters."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise LibraryError(f"an id is a text or a whole number, got {type(value).__name__}; give every record one")
    text = str(value).strip()
    if not text or len(text) > MAX_ID_CHARS or not text.isprintable():
        raise LibraryError(f"an id is 1 to {MAX_ID_CHARS} printable characters, got {text[:40]!r}; choose another")
    return text


def read_record(value: Any, name: str) -> ReportRecord:
    """A record from a `ReportRecord`, a mapping or a text; `name` is for the error's sentence.

    Of a mapping, `text` (or the sections `findings`, `impression`, ... ) becomes the words, `view`, `sex`, `age`,
    `date` and `source` what can be filtered by; all other keys are kept in `extra`.
    """
    if isinstance(value, ReportRecord):
        value = {**value.extra, "text": value.text, **dict(zip((*_PLAIN[:2], "age", "date", "source"), value.facets))}
    if value is None or isinstance(value, str):
        value = {"text": value or ""}
    if not isinstance(value, Mapping):
        raise LibraryError(f"record {name}: wanted a text, a mapping or a ReportRecord, got {type(value).__name__}")
    sections = [] if value.get("text") else [key for key in SECTION_NAMES if value.get(key)]
    rest = {str(key): item for key, item in value.items() if key not in _KNOWN and key not in sections}
    text = value.get("text") or "\n".join(f"{key.upper()}: {value[key]}" for key in sections)
    plain = {key: _read_short(value.get(key), key, name) for key in _PLAIN}
    plain["sex"] = _SEX.get(plain["sex"].lower(), "")
    return ReportRecord(
        text=_read_text(text, name),
        age=read_age(value.get("age")),
        date=read_date(value.get("date")),
        extra=_read_extra(rest, name),
        **plain,
    )


def read_age(value: Any) -> float | None:
    """Years from a number, "63", "063Y" or "18M"; None where it is none of these."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and 0 <= value <= 150 else None
    match = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    years = float(match[1]) * _YEARS.get((match[2] or "y")[0].lower(), 1.0)
    return years if years <= 150 else None


def read_date(value: Any) -> str:
    """ "YYYY-MM-DD" from "2013-08-01", "20130801" or a date and time; "" where it is no date."""
    match = _DATE.fullmatch(str(value).strip()) if value is not None else None
    if match is None or not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
        return ""
    return "-".join(match.groups())


def _read_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise LibraryError(f"record {name}: the text of a report is a text, got {type(value).__name__}")
    if len(value) > MAX_REPORT_CHARS:
        raise LibraryError(
            f"record {name}: the report has {len(value):,} characters, at most {MAX_REPORT_CHARS:,} are read; cut it"
        )
    return _DROPPED_SIGNS.sub(" ", value).strip()


def _read_short(value: Any, key: str, name: str) -> str:
    if not value or value != value:  # noqa: PLR0124 - NaN is a table's empty cell
        return ""
    text = str(value).strip()
    if len(text) > _SHORT_CHARS:
        raise LibraryError(f"record {name}: {key} has {len(text):,} characters, wanted at most {_SHORT_CHARS}")
    return _DROPPED_SIGNS.sub(" ", text)


def _read_extra(rest: dict[str, Any], name: str) -> dict[str, Any]:
    if not rest:
        return {}
    try:
        text = json.dumps(rest, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError):
        raise LibraryError(
            f"record {name}: {', '.join(rest)[:80]}: wanted JSON values (finite numbers, texts, lists)"
        ) from None
    if len(text) > MAX_EXTRA_CHARS:
        raise LibraryError(f"record {name}: more than {MAX_EXTRA_CHARS:,} characters beside the text; keep them apart")
    return json.loads(text)
