"""Errors for missing names, which stay short where there are hundreds."""

from collections.abc import Iterable, Sequence

SHOWN = 10  # names of a list
WANTED = 5  # names that are missing
LONGEST = 60  # characters of a name; longer ones are not compared


def some(names: Sequence[object], most: int = SHOWN) -> str:
    """Lists the first names, at most so many, and says how many more there are.

    >>> some(["flow", "speed", "load"], 2)
    'flow, speed and 1 more'
    """
    shown = ", ".join(f"{name!s:.{LONGEST}}" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def quoted(names: Sequence[object]) -> str:
    """Lists the first few names in quotes, and says how many more there are.

    >>> quoted(["flow", "speed"])
    "'flow', 'speed'"
    """
    return some([repr(str(name)) for name in names], WANTED)


def no_such(what: str, missing: Sequence[str], there: Sequence[str], wanted: Sequence[str]) -> str:
    """Text of the error for missing names: which, what is there, what may be meant.

    >>> no_such("column", ["flow"], ["Flow", "speed"], ["flow", "speed"])
    "expected the column 'flow'. Received: no such column in Flow, speed. Did you mean 'Flow'?"

    Args:
        what: each is: column.
        missing: names that are wanted and not there; one at least.
        there: all that are.
        wanted: all that are, with those that are missing.
    """
    kind = what if len(missing) == 1 else f"{what}s"
    return (
        f"expected the {kind} {quoted(missing)}. Received: no such {kind} in {some(there)}."
        f"{meant(missing, there, wanted)}"
    )


def meant(missing: Sequence[str], there: Iterable[str], wanted: Iterable[str]) -> str:
    """Question about the first missing names that resemble an unwanted one that is there.

    Each of two is then the nearest to the other: of sensor_1 and sensor_2, Sensor_2 is the latter.
    """
    known = set(wanted)
    others, lost = _folded(name for name in there if name not in known), _folded(missing)
    pairs = [(name, _nearest(name, others)) for name in missing[:WANTED]]
    told = [(name, near) for name, near in pairs if near and _nearest(near, lost) == name]
    if not told:
        return ""
    if len(missing) == 1:
        return f" Did you mean {told[0][1]!r}?"
    return f" Did you mean {', '.join(f'{near!r} for {name!r}' for name, near in told)}?"


def _folded(names: Iterable[str]) -> dict[str, str]:
    """Names by their lower case; without those too long to compare."""
    return {name.casefold(): name for name in names if len(name) <= LONGEST}


def _nearest(name: str, folded: dict[str, str]) -> str | None:
    """The nearest of names; None where none is close."""
    from difflib import get_close_matches  # takes time to import, and is needed for errors alone

    found = get_close_matches(name.casefold(), folded, n=1) if len(name) <= LONGEST else []
    return folded[found[0]] if found else None
