"""Numbers in JSON, as live streams and files of lines take them.

Text that reads as a number is one, as in a table; true and false are not numbers.
"""

import json
from typing import Any

from vae_runtime._base.typed_json import unique

DECODER = json.JSONDecoder(object_pairs_hook=unique)  # made once: to make one costs as much
LONGEST = 60  # characters of a wrong value that an error repeats


def parse_json(line: str | bytes) -> Any:
    """Value of a line of JSON; ValueError for other text, or for a repeated key."""
    try:
        return DECODER.decode(line if isinstance(line, str) else line.decode())
    except (ValueError, RecursionError) as error:
        text = line if isinstance(line, str) else line.decode(errors="replace")
        raise ValueError(f"expected JSON. Received: {short(text)} ({error}).") from error


def number(value: Any, name: str | None = None) -> float:
    """`value` as a number; ValueError, which says `name`, for anything else."""
    if type(value) in (str, int, float) and is_number(str(value)):
        return float(str(value))  # of a whole number of 400 digits, float itself is an error
    place = "" if name is None else f" for {name!r}"
    raise ValueError(f"expected a number{place}. Received: {short(value)}.")


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
