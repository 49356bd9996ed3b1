"""Order of day and month in written dates: 03/01/2026 is in March or in January.

A whole column mostly tells: a number above 12 is a day, and rows are in time order without holes.
Dots have the day first (DIN 5008). Else both are named.
"""

import math

import numpy as np

from .gaps import GAP
from .written_dates import FORMS, NAT, Instants, Text, describe, parse_form, parse_format


class TimeError(ValueError):
    """Error for times that cannot be read."""


def dates_of(text: Text, hint: str | None, where: str) -> tuple[Instants, str | None]:
    """Instants of dates without a given format, and the format that was found."""
    if hint is not None:
        known = parse_format(text, hint)
        if (known != NAT).all():
            return known, hint
    found = {}
    for form in FORMS:
        values = parse_form(text, form)
        if (values != NAT).all() and form.startswith("ymd"):
            return values, None if "-" in str(text[0])[:5] else describe(str(text[0]), form)
        found[form] = values
    most = max(int((values != NAT).sum()) for values in found.values())
    if not most:
        return found["ymd"], None
    best = [form for form, values in found.items() if int((values != NAT).sum()) == most]
    form = best[0] if len(best) == 1 else _told_apart(text, found, best, hint, where)
    values = found[form]
    example = str(text[int(np.argmax(values != NAT))])
    iso = form == "ymd" and "-" in example[:5]
    return values, None if iso else describe(example, form)


def _told_apart(
    text: Text, found: dict[str, Instants], forms: list[str], hint: str | None, where: str
) -> str:
    """Form of dates that several could be: the training's, by dots, or by the order of the rows."""
    example = str(text[int(np.argmax(found[forms[0]] != NAT))])
    formats = {form: describe(example, form) for form in forms}
    for form, format in formats.items():
        if hint is not None and date_of(format) == date_of(hint):
            return form
    left = first_by_order(example, {form: _breaks(found[form]) for form in forms})
    if len(left) == 1:
        return left[0]
    choices = " or ".join(f"--time-format '{format}'" for format in formats.values())
    raise TimeError(
        f"{begin_of(where)}expected dates that say which number is the day. Received: {example!r}, "
        f"and in no row a day above 12 or an order that tells. Give {choices}."
    )


def first_by_order(example: str, breaks: dict[str, int]) -> list[str]:
    """Forms that dates may have, once the order of rows and dots have told; one, if these do.

    Args:
        example: one of the dates.
        breaks: of each form, how many steps from row to row go back or are holes.

    >>> first_by_order("03/04/2026", {"dmy": 0, "mdy": 2})
    ['dmy']
    """
    left = [form for form, count in breaks.items() if count == min(breaks.values())]
    return ["dmy"] if "dmy" in left and "." in date_of(example) else left


def _breaks(values: Instants) -> int:
    """Number of steps that go back or are holes; dates that are read wrongly have more of them."""
    steps = np.diff(values[values != NAT])
    forward = steps[steps > 0]
    usual = np.sort(forward)[(len(forward) - 1) // 2] if len(forward) else math.inf
    return int(((steps < 0) | (steps > GAP * usual)).sum())


def date_of(text: str) -> str:
    """First word of a date or of a format of one."""
    return text.split(" ")[0].split("T")[0]


def begin_of(where: str) -> str:
    """Beginning of a message: the name of the file, where there is one."""
    return f"{where}: " if where else ""
