"""Reports in a CSV or TSV table, streamed; a row that is no report is named and passed over."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from egma.errors import EgmaError, LibraryError
from egma.index.records import SECTION_NAMES, read_id, read_record
from egma.index.sources import BrokenItem, SourceItem

MAX_CELL_CHARS = 32_000_000  # above it a quotation mark was not closed and the rest of the file is one cell
_HEAD_BYTES = 1 << 20
_MAX_COLUMNS = 2_000
# What a column may be called, in lower case without blanks and marks; the first that is there is taken.
_NAMES = {
    "id": ("id", "reportid", "studyid", "study", "uid", "accession", "accessionnumber", "imageid", "filename", "file"),
    "text": ("text", "report", "reporttext", "fulltext", "body", "content", "reports"),
    "findings": ("findings", "finding"),
    "impression": ("impression", "impressions", "conclusion"),
    "indication": ("indication", "history", "clinicalhistory"),
    "comparison": ("comparison",),
    "view": ("view", "viewposition", "projection"),
    "sex": ("sex", "gender", "patientsex", "patientgender"),
    "age": ("age", "patientage"),
    "date": ("date", "studydate", "examdate"),
    "source": ("source", "dataset", "institution"),
}  # fmt: skip
WORDS = ("text", *SECTION_NAMES)
_limit = threading.Lock()


class TableSource:
    """A table with a header row; columns that are not mapped are left out."""

    keeps_duplicates = False

    def __init__(
        self,
        path: Path,
        *,
        columns: dict[str, str] | None = None,
        encoding: str = "",
        source: str = "",
        guess_only: bool = False,
    ) -> None:
        self.path, self.name = path, path.name
        self._source = source or path.stem
        self._encoding = _check_encoding(path, encoding)
        self._delimiter = _read_delimiter(path, self._encoding)
        self.header = self._read_header()
        self.columns = map_columns(self.header, columns or {}, self.name, needs_text=not guess_only)
        with path.open("rb") as stream:
            facts = f"{path.name} {path.stat().st_size} {sorted(self.columns.items())}".encode()
            self.digest = sha256(facts + stream.read(_HEAD_BYTES)).hexdigest()[:32]

    def count(self) -> int:
        """Rows below the header; reads the whole table."""
        return sum(1 for _ in self.rows())

    def items(self, skip: int) -> Iterator[SourceItem | BrokenItem]:
        """Row by row; the first row below the header is row 2, as a spreadsheet counts."""
        for number, row in enumerate(self.rows(), start=2):
            if number - 2 >= skip:
                yield self._read(number, row)

    def preview(self, most: int = 5) -> list[dict[str, str]]:
        """The first rows as the columns are mapped, for a reader to check."""
        rows = [row for _, row in zip(range(most), self.rows())]
        return [
            {name: row[place][:300] if place < len(row) else "" for name, place in self.columns.items()} for row in rows
        ]

    def _read(self, number: int, row: list[str]) -> SourceItem | BrokenItem:
        place = f"row {number}"
        if len(row) < len(self.header) and any(at >= len(row) for at in self.columns.values()):
            return BrokenItem(place, f"{len(row)} cells, wanted {len(self.header)}")
        cells = {name: row[at].strip() for name, at in self.columns.items()}
        if any("\udc80" <= sign <= "\udcff" for cell in cells.values() for sign in cell[:100_000]):
            return BrokenItem(place, f"not {self._encoding} text; give --encoding, such as cp1252")
        if not any(cells.get(name) for name in WORDS):
            return BrokenItem(place, "no text")
        try:
            record = read_record(
                {"source": self._source, **{key: cell for key, cell in cells.items() if key != "id"}}, place
            )
            name = read_id(cells["id"]) if cells.get("id") else f"{self.path.stem}-{record.digest.hex()[:12]}"
        except EgmaError as error:
            return BrokenItem(place, str(error))
        return SourceItem(place, name, record)

    def _read_header(self) -> list[str]:
        with self.path.open(newline="", encoding=self._encoding, errors="surrogateescape") as stream:
            header = next(_reader(stream, self._delimiter, self.name), None)
        if not header or not any(cell.strip() for cell in header):
            raise LibraryError(f"{self.name!r} is empty; wanted a header row and a row for each report")
        if len(header) > _MAX_COLUMNS:
            raise LibraryError(f"{self.name!r} has {len(header):,} columns, at most {_MAX_COLUMNS:,} are read")
        return [cell.strip() for cell in header]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row below the header; empty lines are no rows."""
        with self.path.open(newline="", encoding=self._encoding, errors="surrogateescape") as stream:
            reader = _reader(stream, self._delimiter, self.name)
            next(reader, None)
            yield from (row for row in reader if row)


def map_columns(header: Sequence[str], wanted: dict[str, str], name: str, *, needs_text: bool = True) -> dict[str, int]:
    """Which column is what: as wanted, the rest by what columns are usually called."""
    unknown = [key for key in wanted if key not in _NAMES]
    if unknown:
        raise LibraryError(f"{unknown[0][:40]!r} is nothing a report has; wanted one of {', '.join(_NAMES)}")
    plain = [_plain(column) for column in header]
    places: dict[str, int] = {}
    for key, names in _NAMES.items():
        if key in wanted:
            if wanted[key] not in header:
                raise LibraryError(
                    f"{name!r} has no column {wanted[key][:60]!r}; its columns are {', '.join(header)[:300]}"
                )
            places[key] = header.index(wanted[key])
        elif found := [plain.index(each) for each in names if each in plain]:
            places[key] = found[0]
    if needs_text and not any(key in places for key in WORDS):
        raise LibraryError(
            f"{name!r} has no column of report text (text, report, findings or impression); its columns are "
            f"{', '.join(header)[:300]}: name one with --column text=NAME"
        )
    taken = {places[key] for key in wanted}
    return {key: place for key, place in places.items() if key in wanted or place not in taken}


def _reader(stream: object, delimiter: str, name: str) -> Iterator[list[str]]:
    with _limit:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))
    reader = csv.reader(stream, delimiter=delimiter)  # type: ignore[arg-type]
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise LibraryError(
                f"{name!r} cannot be read from line {reader.line_num} on ({error}); a quotation mark may not be closed"
            ) from None


def _check_encoding(path: Path, wanted: str) -> str:
    """The encoding that was asked for, or UTF-8 where nothing speaks against it."""
    if wanted:
        try:
            "".encode(wanted)
        except LookupError:
            raise LibraryError(f"{wanted[:40]!r} is no text encoding; try utf-8, utf-16, cp1252 or latin-1") from None
        return "utf-8-sig" if wanted.lower().replace("_", "-") in ("utf-8", "utf8") else wanted
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(b"\0") > len(head) // 4:
        raise LibraryError(f"{path.name!r} is UTF-16 text, wanted UTF-8; save it as UTF-8, or give --encoding utf-16")
    return "utf-8-sig"


def _read_delimiter(path: Path, encoding: str) -> str:
    """The sign that the header row holds most of: comma, semicolon or tab."""
    try:
        with path.open(newline="", encoding=encoding, errors="surrogateescape") as stream:
            line = stream.readline(1 << 20)
    except UnicodeError:
        raise LibraryError(f"{path.name!r} is not {encoding} text; give the right --encoding") from None
    return max(",;\t", key=line.count)


def _plain(column: str) -> str:
    return "".join(sign for sign in column.lower() if sign.isalnum())
