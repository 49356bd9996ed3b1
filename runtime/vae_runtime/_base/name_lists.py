"""Lists of names in one text: commas between, quotes around a name that holds a comma."""

import csv
from collections.abc import Sequence


def split_names(text: str) -> tuple[str, ...]:
    """Names in a list, without blanks around; of more than one line, quotes mean nothing.

    >>> split_names('flow, "temp, outside"')
    ('flow', 'temp, outside')
    """
    is_line = '"' in text and len(text.splitlines()) == 1
    found = next(csv.reader([text], skipinitialspace=True)) if is_line else text.split(",")
    return tuple(name.strip() for name in found)


def joined_names(names: Sequence[str]) -> str:
    """Names as a list that `split_names` reads.

    >>> joined_names(["flow", "temp, outside"])
    'flow,"temp, outside"'
    """
    return ",".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    if "," in name or name.startswith('"'):
        doubled = name.replace('"', '""')
        return f'"{doubled}"'
    return name
