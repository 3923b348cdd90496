"""Reads JSON objects into frozen dataclasses, strictly: a wrong, missing or unknown field is named with its place."""

from __future__ import annotations

import dataclasses
import math
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from egma.errors import CheckpointError

T = TypeVar("T")
LEFT_OUT_AT_DEFAULT: dict[str, Any] = {"left_out_at_default": True}
"""Metadata of a field that came later: where it says nothing it is not written, so that files and hashes made before
it existed stay what they were."""
_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "an object"}


def read_object(kind: type[T], value: Any, where: str) -> T:
    """Build dataclass `kind` from the JSON object `value`; `where` is the field's place for the error's sentence."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise CheckpointError(f"{where}: unknown field {unknown[0][:60]!r}; the fields are {', '.join(fields)}")
    missing = [name for name, field in fields.items() if name not in value and _is_required(field)]
    if missing:
        raise CheckpointError(f"{where}: the field {missing[0]!r} is missing")
    return kind(**{name: read_value(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def read_value(kind: Any, value: Any, where: str) -> Any:
    """One JSON value as type `kind`: a plain type, Literal, tuple, dict, dataclass or a union of those with None."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return read_value(next(each for each in inner if each is not NoneType), value, where)
    if origin in _READERS:
        return _READERS[origin](inner, value, where)
    if dataclasses.is_dataclass(kind):
        return read_object(kind, value, where)  # type: ignore[arg-type]
    return value if kind is Any else _read_plain(kind, value, where)


def write_value(value: Any) -> Any:
    """The JSON value that `read_value` reads back: dataclasses as objects, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: write_value(item) for field, item in pairs if not _is_left_out(field, item)}
    if isinstance(value, (list, tuple)):
        return [write_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): write_value(item) for key, item in value.items()}
    return value


def _is_left_out(field: dataclasses.Field[Any], item: Any) -> bool:
    return "left_out_at_default" in field.metadata and item == field.default


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _read_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _wrong(where, f"a list of {len(kinds)}", value)
    return tuple(read_value(kind, item, f"{where}[{row}]") for row, (kind, item) in enumerate(zip(kinds, value)))


def _read_mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    return {key: read_value(kinds[1], item, f"{where}.{key[:60]}") for key, item in value.items()}


def _read_choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise _wrong(where, "one of " + ", ".join(map(str, choices)), value)
    return value


def _read_plain(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise _wrong(where, "a finite number", value)
        return float(value)
    if type(value) is not kind:
        raise _wrong(where, _NAMES.get(kind, kind.__name__), value)
    return value


_READERS = {Literal: _read_choice, tuple: _read_tuple, dict: _read_mapping}


def _wrong(where: str, wanted: str, value: Any) -> CheckpointError:
    return CheckpointError(f"{where}: wanted {wanted}, got {str(value)[:40]!r}")
