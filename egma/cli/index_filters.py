"""The filter options of `egma index search`, as a `Filters`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from egma.errors import SettingsError

if TYPE_CHECKING:
    from egma.index import Filters

_MANY = ("view", "sex", "source", "finding", "without")


def add_options(parser: argparse.ArgumentParser) -> None:
    """One option a filter."""
    group = parser.add_argument_group("filters", "every one that is given must hold; several of one kind: any of them")
    group.add_argument("--view", action="append", metavar="NAME")
    group.add_argument("--sex", action="append", metavar="M|F|O")
    group.add_argument("--source", action="append", metavar="NAME")
    group.add_argument(
        "--finding", action="append", metavar="NAME", help="the report must name it as present (all of them)"
    )
    group.add_argument("--without", action="append", metavar="NAME", help="the report must deny it (all of them)")
    group.add_argument("--age", metavar="LEAST-MOST", help="years: 40-65, 40- or -65")
    group.add_argument("--from", dest="first", default="", metavar="YYYY-MM-DD")
    group.add_argument("--to", dest="last", default="", metavar="YYYY-MM-DD")


def read_filters(arguments: argparse.Namespace) -> Filters:
    """The filters that were given."""
    from egma.index import Filters

    many = {name: tuple(getattr(arguments, name) or ()) for name in _MANY}
    return Filters(age=_read_ages(arguments.age), date=(arguments.first, arguments.last), **many)


def _read_ages(text: str | None) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    least, sign, most = text.strip().partition("-")
    try:
        bounds = tuple(float(bound) if bound.strip() else None for bound in (least, most if sign else least))
    except ValueError:
        raise SettingsError(f"--age wants years such as 40-65, 40- or -65, got {text[:20]!r}") from None
    return bounds[0], bounds[1]
