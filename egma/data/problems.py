"""What is wrong with a data set, collected by row and said once: ten thousand missing images are one sentence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from egma.data.sample import Dropped, Problem

FIRST_FEW = 3
_NAME_CHARS = 60
_REASON_CHARS = 240
_MOST_REASONS = 8


@dataclass(frozen=True)
class Wording:
    """How one kind of problem is said.

    Attributes:
        one, many: the subject, for one row and for several; `{n}` is the count.
        mend: what to do about it.
        blocking: nothing sound can be trained before it is mended.
    """

    one: str
    many: str
    mend: str
    blocking: bool = True


WORDINGS: dict[str, Wording] = {
    "outside": Wording(
        "one image lies outside the data's folder",
        "{n} images lie outside the data's folder",
        "name files below the folder, or choose the folder that holds them all",
    ),
    "link out": Wording(
        "one image is a symbolic link that leads out of the data's folder",
        "{n} images are symbolic links that lead out of the data's folder",
        "copy the files into the folder",
    ),
    "missing image": Wording(
        "one image is not there",
        "{n} images are not there",
        "put them below the folder, or leave their rows out",
        blocking=False,
    ),
    "no file": Wording(
        "one image is no ordinary file", "{n} images are no ordinary files", "name image files", blocking=False
    ),
    "no image named": Wording("one row names no image", "{n} rows name no image", "fill the image column in"),
    "duplicate id": Wording(
        "one row repeats a film that is there already and is left out",
        "{n} rows repeat a film that is there already and are left out",
        "keep one row for each film",
        blocking=False,
    ),
    "unknown split": Wording(
        "one split is none of train, val and test",
        "{n} splits are none of train, val and test",
        "mend the split column",
    ),
    "two splits": Wording(
        "one patient is in two splits",
        "{n} patients are in two splits",
        "give all films of a patient one split, or leave the split column out",
    ),
    "label": Wording(
        "one label is not understood",
        "{n} labels are not understood",
        "write 1, 0, -1 or nothing in a finding's column",
    ),
    "finding": Wording(
        "one label names a finding that is not among the fifteen and is not used",
        "{n} labels name findings that are not among the fifteen and are not used",
        "rename them if they are other spellings",
        blocking=False,
    ),
    "text": Wording(
        "one report is not used, as it is too long or no text",
        "{n} reports are not used, as they are too long or no text",
        "shorten them",
        blocking=False,
    ),
    "unreadable": Wording("one film cannot be opened", "{n} films cannot be opened", "mend or leave it out"),
}


@dataclass
class ProblemLog:
    """Collects problems by kind, keeping counts and the first few rows, so that it stays small on any table."""

    _counts: dict[str, int] = field(default_factory=dict)
    _first: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def note(self, kind: str, row: int, name: str = "") -> None:
        """One more row (the header is row 1) with a problem of this kind; `name` is what the row says."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        first = self._first.setdefault(kind, [])
        if len(first) < FIRST_FEW:
            first.append((row, name))

    def problems(self) -> tuple[Problem, ...]:
        """One problem a kind, blocking ones first."""
        found = [self._say(kind, count) for kind, count in self._counts.items()]
        return tuple(sorted(found, key=lambda problem: not problem.blocking))

    def _say(self, kind: str, count: int) -> Problem:
        wording, first = WORDINGS[kind], self._first[kind]
        subject = wording.one if count == 1 else wording.many.format(n=f"{count:,}")
        places = ", ".join(f"row {row}" + (f" ({plain(name)})" if name else "") for row, name in first)
        more = ", ..." if count > len(first) else ""
        sentence = f"{subject}: {places}{more}; {wording.mend}"
        return Problem(kind, sentence, count, tuple(row for row, _ in first), wording.blocking)


def explain_dropped(dropped: Iterable[Dropped]) -> tuple[Problem, ...]:
    """One sentence a reason for which recordings are left out or used in part, the most frequent first."""
    groups: dict[str, list[Dropped]] = defaultdict(list)
    for each in dropped:
        groups[re.sub(r"[0-9]+", "", each.reason)].append(each)  # a row's number or a count makes no other reason
    ordered = sorted(groups.values(), key=len, reverse=True)
    rest = sum(map(len, ordered[_MOST_REASONS:]))
    more = (Problem("left out", f"{rest:,} more are left out for other reasons", rest, (), False),) if rest else ()
    return (*map(_explain_group, ordered[:_MOST_REASONS]), *more)


def _explain_group(group: list[Dropped]) -> Problem:
    names = ", ".join(plain(each.name) for each in group[:FIRST_FEW]) + (", ..." if len(group) > FIRST_FEW else "")
    reason = plain(group[0].reason, _REASON_CHARS)[1:-1]
    subject = "one recording is" if len(group) == 1 else f"{len(group):,} recordings are"
    return Problem("left out", f"{subject} left out or used in part ({names}): {reason}", len(group), (), False)


def plain(name: str, most: int = _NAME_CHARS) -> str:
    """A name from a file as it may stand in a sentence: one line, nothing unprintable, cut where it is long."""
    cleaned = "".join(character if character.isprintable() else "?" for character in name[: most + 1])
    return repr(cleaned if len(cleaned) <= most else cleaned[:most] + "...")
