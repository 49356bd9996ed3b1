"""Numbers in JSON, as live streams and files of lines take them.

Text means what it means in a cell of a table; true and false are 1 and 0, null is no value.
"""

import json
from typing import Any

from vae_runtime._base.typed_json import unique

from .cells import PLAIN, CellFormat, NoValue, no_value

DECODER = json.JSONDecoder(object_pairs_hook=unique)  # made once: to make one costs as much
LONGEST = 60  # characters of a wrong value that an error repeats


def parse_json(line: str | bytes) -> Any:
    """Value of a line of JSON; ValueError for other text, or for a repeated key."""
    try:
        return DECODER.decode(line if isinstance(line, str) else line.decode())
    except (ValueError, RecursionError) as error:
        text = line if isinstance(line, str) else line.decode(errors="replace")
        raise ValueError(f"expected JSON. Received: {short(text)} ({error}).") from error


def number(value: Any, name: str | None = None, format: CellFormat = PLAIN) -> float:
    """`value` as a number, 1 or 0 of a truth.

    Args:
        value: of JSON, or the text of a cell.
        name: of its column or key, for errors.
        format: how text writes numbers, and what means "no value".

    Raises:
        NoValue: there is none.
        ValueError: it is no number.
    """
    place = "" if name is None else f" in column {name!r}"
    try:
        if value is None or type(value) in (str, bool, int, float):
            return format.number("" if value is None else _cell(value, format))
    except NoValue as error:
        raise NoValue("no value." if name is None else no_value(name, value)) from error
    except ValueError:
        pass  # text, told below
    raise ValueError(f"expected a number{place}. Received: {short(value)}.")


def _cell(value: Any, format: CellFormat) -> str:
    """Text of a value as a cell has it; a number of JSON has a point in any dialect."""
    return value if isinstance(value, str) else str(value).replace(".", format.decimal)


def is_number(text: str) -> bool:
    """True for text that reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # 1_000 is a number in Python, but not in a table


def short(value: Any) -> str:
    """Text of a value for an error."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
