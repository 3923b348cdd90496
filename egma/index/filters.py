"""What a search may be narrowed to, as SQL over the records' facts; values are always bound, never spliced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from egma.errors import LibraryError
from egma.findings import FINDINGS
from egma.index.records import read_date
from egma.index.sections import finding_bit


@dataclass(frozen=True)
class Filters:
    """Every filter that is given must hold; an empty one holds for all.

    Attributes:
        view, sex, source: wanted values (any of them), compared without case.
        age: (least, most) years, either None.
        date: (first, last) day "YYYY-MM-DD", either "".
        finding: findings that the report must name as present.
        without: findings that it must deny.
    """

    view: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    age: tuple[float | None, float | None] = (None, None)
    date: tuple[str, str] = ("", "")
    finding: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.finding, *self.without):
            if name.strip().lower() not in [finding.lower() for finding in FINDINGS]:
                raise LibraryError(f"{name[:40]!r} is no finding; wanted one of {', '.join(FINDINGS)}")
        for day in self.date:
            if day and not read_date(day):
                raise LibraryError(f"a date is written YYYY-MM-DD, got {day[:20]!r}")

    @property
    def present(self) -> int:
        """The mask of `finding`."""
        return sum({finding_bit(name) for name in self.finding})

    @property
    def absent(self) -> int:
        """The mask of `without`."""
        return sum({finding_bit(name) for name in self.without})

    def __bool__(self) -> bool:
        return self != Filters()

    def sql(self) -> tuple[str, list[Any]]:
        """A WHERE clause over `records` and its values; records not labelled yet pass it and are looked at later."""
        clauses: list[str] = []
        values: list[Any] = []
        for column in ("view", "sex", "source"):
            wanted = [str(value).strip().lower() for value in getattr(self, column)]
            if wanted:
                clauses.append(f"lower({column}) IN ({','.join('?' * len(wanted))})")
                values += wanted
        for column, bounds in (("age", self.age), ("date", tuple(read_date(day) for day in self.date))):
            for sign, bound in zip((">=", "<="), bounds):
                if bound not in (None, ""):
                    clauses.append(f"{column} {sign} ? AND {column} <> ''")
                    values.append(bound)
        for column, mask in (("present", self.present), ("absent", self.absent)):
            if mask:
                clauses.append(f"({column} IS NULL OR {column} & ? = ?)")
                values += [mask, mask]
        return " AND ".join(clauses) or "1", values
