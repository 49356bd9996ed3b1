"""Words and numbers as people read them: durations, shares, lists."""

import textwrap
from collections.abc import Sequence

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
SHOWN = 6  # names of a list
SMALLEST = 1e-4  # share that is told as a number


def duration(seconds: float) -> str:
    """Duration in its largest unit.

    >>> duration(1), duration(1800), duration(0.02)
    ('1 second', '30 minutes', '0.02 seconds')
    """
    for size, unit in UNITS:
        if seconds >= size:
            count = seconds / size
            return f"{count:.3g} {unit}{'' if f'{count:.3g}' == '1' else 's'}"
    return f"{seconds:.3g} seconds"


def share(part: int, whole: int) -> str:
    """Share in percent; "" for none.

    >>> share(1, 3), share(1, 10**6), share(0, 3)
    ('33%', '<0.01%', '')
    """
    if not part:
        return ""
    if part < SMALLEST * whole:
        return f"<{SMALLEST:.2%}"
    found = part / whole
    return f"{found:.0%}" if found >= 0.1 else f"{100 * found:.2g}%"


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Names with commas between, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def number(value: float) -> str:
    """Number in few characters.

    >>> number(1.5), number(20000.0), number(0.00001234)
    ('1.5', '20000', '1.234e-05')
    """
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e7 else f"{value:.5g}"


def counted(count: int, noun: str) -> str:
    """Count of things.

    >>> counted(1, "row"), counted(1500, "row")
    ('1 row', '1,500 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def wrapped(text: str, width: int = 100) -> list[str]:
    """A sentence in lines of so many characters, those after the first set in.

    >>> wrapped("one two three", width=9)
    ['- one two', '  three']
    """
    return textwrap.wrap(
        text, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
    )
