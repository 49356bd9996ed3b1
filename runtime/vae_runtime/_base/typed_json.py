"""JSON to frozen dataclasses and back, checked against their annotations.

Takes str, int, float, None, nested dataclasses, `tuple[T, ...]`, fixed tuples, `dict[str, T]` and
unions of these. Unknown keys are ignored; a missing key or a wrong type is a `ValueError` that
names the place, but a field with a default may be missing: earlier writers did not know it.
An int is taken where a float is expected; nothing else is converted.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast

LONGEST_LIST = 65_536  # entries, of anything but numbers
MOST_VALUES = 2**18  # of a document, where a list of numbers counts as one; of ours, some thousand
LONGEST_KEY = 60  # characters of it that an error prints

T = TypeVar("T")


def dumps(value: Any) -> str:
    """Dataclass or dict as readable JSON: two spaces an object, plain lists on one line."""
    plain = value if isinstance(value, dict) else dataclasses.asdict(value)
    return _pretty(plain, "") + "\n"


def parse(content: bytes) -> Any:
    """Reads the JSON document in these bytes; ValueError for anything else.

    NaN is not JSON; nor, as readers differ about which counts, is a key that stands twice.
    """
    try:
        return json.loads(
            content.decode(), parse_constant=_refuse_constant, object_pairs_hook=unique
        )
    except ValueError as error:
        raise ValueError(f"expected JSON. Received: {error}.") from error
    except RecursionError as error:
        raise ValueError("expected JSON. Received: something nested too deeply.") from error


def convert(kind: type[T], value: Any, where: str) -> T:
    """Converts `value`, parsed from JSON, to the dataclass `kind`; `where` names it in errors."""
    return cast(T, _convert(kind, value, where, iter(range(MOST_VALUES))))


def renamed(value: Any, names: Mapping[str, str], place: tuple[str, ...] = ()) -> Any:
    """Renames keys of the JSON object at `place`; without an object there it changes nothing.

    Args:
        value: as parsed.
        names: old to new.
        place: keys that lead to the object; "*" is every one of an object or a list.
    """
    first, rest = place[:1], place[1:]
    if isinstance(value, (list, tuple)) and first == ("*",):
        return [renamed(item, names, rest) for item in value]
    if not isinstance(value, dict):
        return value
    if not first:
        return {names.get(key, key): item for key, item in value.items()}
    return {
        key: renamed(item, names, rest) if first[0] in ("*", key) else item
        for key, item in value.items()
    }


class _TooManyValues(ValueError):
    """Ends the reading of a document, wherever it is."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Dict of the pairs of a JSON object; ValueError for a repeated key, as readers differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {_shown(twice)} twice in an object")
    return found


def _pretty(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{deeper}{json.dumps(k)}: {_pretty(v, deeper)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(deeper + _pretty(v, deeper) for v in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def _convert(kind: Any, value: Any, where: str, left: Iterator[int]) -> Any:
    """`value` as `kind`; `left` gives out one number for each value that there may still be."""
    if next(left, None) is None:
        raise _TooManyValues(f"{where}: expected {MOST_VALUES} values at most. Received: more.")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _convert_object(kind, value, where, left)
    if origin is types.UnionType:
        return _convert_union(kind, value, where, left)
    if kind == tuple[float, ...] and isinstance(value, list) and all(map(_is_number, value)):
        return tuple(map(float, value))  # may be a million: no place of each is put together
    if origin is tuple and isinstance(value, list):
        if len(value) > LONGEST_LIST and kind != tuple[float, ...]:
            raise ValueError(f"{where}: expected {LONGEST_LIST} entries. Received: {len(value)}.")
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            pairs = enumerate(zip(kinds, value, strict=True))
            return tuple(_convert(k, v, f"{where}[{i}]", left) for i, (k, v) in pairs)
    if origin is dict and isinstance(value, dict):
        return {
            key: _convert(arguments[1], v, f"{where}.{_shown(key)}", left)
            for key, v in value.items()
        }
    if kind is float and _is_number(value):
        return float(value)
    if kind in (str, int, bool, types.NoneType) and type(value) is kind:
        return value
    raise _wrong(kind, value, where)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _convert_object(kind: Any, value: Any, where: str, left: Iterator[int]) -> Any:
    if not isinstance(value, dict):
        raise _wrong(kind, value, where)
    hints = _hints(kind)
    for field in dataclasses.fields(kind):
        if field.name not in value and field.default is dataclasses.MISSING:
            raise ValueError(
                f"{where}: expected the key {field.name!r}. Received: "
                f"{', '.join(map(_shown, value))[:200]}."
            )
    known = {n: hint for n, hint in hints.items() if n in value}
    return kind(**{n: _convert(hint, value[n], f"{where}.{n}", left) for n, hint in known.items()})


def _convert_union(kind: Any, value: Any, where: str, left: Iterator[int]) -> Any:
    for alternative in typing.get_args(kind):
        try:
            return _convert(alternative, value, where, left)
        except _TooManyValues:
            raise
        except ValueError:
            continue  # the next alternative may fit; where none does, the error is below
    raise _wrong(kind, value, where)


def _is_number(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an int beyond any float
        return False


def _wrong(kind: Any, value: Any, where: str) -> ValueError:
    expected = kind.__name__ if isinstance(kind, type) else str(kind)
    try:
        received = json.dumps(value)[:60]
    except RecursionError:
        received = "something nested too deeply"
    return ValueError(f"{where}: expected {expected}. Received: {received}.")


def _shown(key: str) -> str:
    """Text of a key for an error."""
    return key if key.isprintable() and len(key) <= LONGEST_KEY else json.dumps(key)[:LONGEST_KEY]
