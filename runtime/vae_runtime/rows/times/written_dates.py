"""Parser of written dates, a whole column at once, by the layout of their characters.

Rows of one layout ("0000-00-00 00:00:00", a 0 for each digit) have their fields at the same places:
a regular expression finds the fields once, numpy reads them in all rows of that layout.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .months import month_of

Text = NDArray[np.str_]
Instants = NDArray[np.int64]  # nanoseconds since 1970-01-01 in UTC
NAT = np.iinfo(np.int64).min  # of a text that is no such date

BLOCK = 65_536  # texts at a time, which bounds the memory
MOST_LAYOUTS = 100  # of a block that are searched for in all of it; the rest is read one by one
FIRST_YEAR, LAST_YEAR = 1700, 2261  # that int64 nanoseconds hold
CENTURY = 69  # of two digits, from here on 19xx, as strptime has it

_CLOCK = (
    r"(?:(?:t| *,? +| - )(?P<H>00?)(?::?(?P<M>00)(?::?(?P<S>00)(?:[.,:](?P<f>0+))?)?)?"
    r"(?: ?(?P<p>[ap]\.?m\.?))?(?: ?(?P<z>z|utc|gmt|[+-]00(?::?00)?))?)?"
)
_NAME = r"(?P<b>[^\W\d_]{3,10}\.?)"
# Dates that are recognised without a format, by the order of their parts.
FORMS = {
    "ymd": r"(?P<Y>0000)(?P<s>[-/.])(?P<m>00?)(?P=s)(?P<d>00?)",
    "ymd compact": r"(?P<Y>0000)(?P<m>00)(?P<d>00)(?=[t ])",
    "dmy": r"(?P<d>00?)(?P<s>[-/.])(?P<m>00?)(?P=s)(?P<Y>0000|00)",
    "mdy": r"(?P<m>00?)(?P<s>[-/.])(?P<d>00?)(?P=s)(?P<Y>0000|00)",
    "yymd": r"(?P<Y>00)(?P<s>[-/.])(?P<m>00?)(?P=s)(?P<d>00?)",
    "d month y": rf"(?P<d>00?)(?:[-/. ]|\. )(?:de )?{_NAME},?(?: de)?[-/. ]*(?P<Y>0000|00)",
    "month d y": rf"{_NAME}[-/. ](?P<d>00?),?[-/. ]+(?P<Y>0000)",
}
CODES = {
    "Y": "(?P<Y>0000)",
    "y": "(?P<Y>00)",
    "m": "(?P<m>00?)",
    "d": "(?P<d>00?)",
    "j": "(?P<j>0{1,3})",
    "b": _NAME,
    "B": _NAME,
    "H": "(?P<H>00?)",
    "I": "(?P<H>00?)",
    "M": "(?P<M>00?)",
    "S": "(?P<S>00?)(?:[.,](?P<f>0+))?",
    "f": "(?P<f>0+)",
    "p": r"(?P<p>[ap]\.?m\.?)",
    "z": "(?P<z>z|utc|gmt|[+-]00(?::?00)?)",
    "a": r"[^\W\d_]{2,4}\.?",
    "A": r"[^\W\d_]{3,13}",
    "%": "%",
}
SHORT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_WRITTEN = {"H": "%H", "M": "%M", "S": "%S", "f": "%f", "p": "%p", "z": "%z", "m": "%m", "d": "%d"}


class Layout(NamedTuple):
    """Texts of one layout: their numbers, their characters' codes (texts, width), the layout."""

    rows: NDArray[np.int64]
    codes: NDArray[np.uint32]
    layout: str


def parse_form(texts: Text, form: str) -> Instants:
    """Instants of texts that are written in one of `FORMS`; `NAT` for the others.

    >>> int(parse_form(np.array(["1970-01-01 00:00:01"]), "ymd")[0])
    1000000000
    """
    return _parse(texts, _pattern_of_form(form))


def parse_format(texts: Text, format: str) -> Instants:
    """Instants of texts in a format of strftime codes; `NAT` for the others.

    Raises:
        ValueError: the format has a code that is not known.

    >>> int(parse_format(np.array(["1 Jan 1970, 00h01"]), "%d %b %Y, %Hh%M")[0])
    60000000000
    """
    return _parse(texts, _pattern_of_format(format))


def describe(text: str, form: str) -> str:
    """Format of strftime codes of a text that is written in one of `FORMS`.

    >>> describe("03/01/2026 8:00 PM", "mdy")
    '%m/%d/%Y %I:%M %p'
    """
    found = _pattern_of_form(form).fullmatch(_layout_of(text))
    if found is None:
        raise ValueError(f"expected a date of the form {form}. Received: {text!r:.60}.")
    written, end = text, len(text)
    names = [(found.span(name), name) for name, part in found.groupdict().items() if part]
    for (start, end), name in sorted(names, reverse=True):
        if name == "s":
            continue
        code = _WRITTEN.get(name) or ("%Y" if end - start == 4 else "%y")
        if name == "b":
            code = "%b" if end - start == 3 else "%B"
        if name == "H" and found["p"]:
            code = "%I"
        written = written[:start] + code + written[end:]
    return written


@lru_cache(maxsize=64)
def _pattern_of_form(form: str) -> re.Pattern[str]:
    return re.compile(FORMS[form] + _CLOCK)


@lru_cache(maxsize=64)
def _pattern_of_format(format: str) -> re.Pattern[str]:
    for short, long in SHORT.items():
        format = format.replace(short, long)
    pattern, seen = "", set[str]()
    for code, mark in re.findall(r"%(.?)|([^%])", format):
        if mark:
            pattern += re.escape("0" if mark.isdecimal() else mark.lower())
            continue
        part = CODES.get(code, "") if not (code == "S" and "%f" in format) else "(?P<S>00?)"
        names = set(re.findall(r"\?P<(\w)>", part))
        if not part or names & seen:
            raise ValueError(
                f"expected a format of strftime codes, each once: %{', %'.join(CODES)}. Received: "
                f"{'%' + code!r} in {format!r:.60}, as in --time-format '%d.%m.%Y %H:%M:%S'."
            )
        seen |= names
        pattern += part
    if not seen:
        raise ValueError(
            f"expected a format as '%d.%m.%Y %H:%M:%S'. Received: {format!r:.60}, without a code."
        )
    return re.compile(pattern)


def _parse(texts: Text, pattern: re.Pattern[str]) -> Instants:
    found = np.full(len(texts), NAT)
    for start in range(0, len(texts), BLOCK):
        for rows, codes, layout in _layouts(texts[start : start + BLOCK]):
            match = pattern.fullmatch(layout)
            if match is not None:
                found[start + rows] = _instants(codes, match)
    return found


def _layouts(texts: Text) -> Iterator[Layout]:
    """Groups texts by their layout."""
    if not texts.dtype.itemsize or not len(texts):
        return
    codes = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), -1)
    zero = np.uint32(ord("0"))
    masked = np.where((codes >= zero) & (codes <= zero + 9), zero, codes)
    left = np.arange(len(texts))
    for _ in range(MOST_LAYOUTS):  # a pass for each layout, of which a file has few
        if not len(left):
            return
        alike = (masked[left] == masked[left[0]]).all(axis=1)
        rows = left[alike]
        yield Layout(rows, codes[rows], _layout_of(str(texts[rows[0]])))
        left = left[~alike]
    for row in left:
        yield Layout(np.array([row]), codes[[row]], _layout_of(str(texts[row])))


def _layout_of(text: str) -> str:
    return re.sub("[0-9]", "0", text.lower())


def _instants(codes: NDArray[np.uint32], match: re.Match[str]) -> Instants:
    """Instants of texts of one layout."""

    def field(name: str, default: int = 0) -> NDArray[np.int64]:
        if match.groupdict().get(name) is None:
            return np.full(len(codes), default)
        return _number(codes, *match.span(name))

    year, month, day = field("Y", 1970), field("m", 1), field("d", 1)
    if len(match.groupdict().get("Y") or "0000") == 2:
        year += np.where(year < CENTURY, 2000, 1900)
    if match.groupdict().get("b"):
        month[:] = month_of(match["b"])
    hour, minute, second = field("H"), field("M"), field("S")
    holds = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    holds &= (day >= 1) & (minute <= 59) & (second <= 59)
    if match.groupdict().get("p"):
        holds &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + (12 if match["p"].startswith("p") else 0)
    holds &= (hour <= 23) | ((hour == 24) & (minute == 0) & (second == 0))  # the day's end
    months = (np.where(holds, year, 1970) - 1970) * 12 + np.where(holds, month, 1) - 1
    first = months.astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (day - 1)
    holds &= date.astype("datetime64[M]") == first
    if match.groupdict().get("j"):
        date = date + (field("j") - 1)
        holds &= (field("j") >= 1) & (date.astype("datetime64[Y]") == first.astype("datetime64[Y]"))
    seconds = date.astype("datetime64[D]").astype(np.int64) * 86_400
    seconds += hour * 3_600 + minute * 60 + second - _offset(codes, match)
    return np.where(holds, seconds * 10**9 + _fraction(codes, match), NAT)


def _number(codes: NDArray[np.uint32], start: int, end: int) -> NDArray[np.int64]:
    powers = 10 ** np.arange(end - start - 1, -1, -1)
    found: NDArray[np.int64] = (codes[:, start:end].astype(np.int64) - ord("0")) @ powers
    return found


def _fraction(codes: NDArray[np.uint32], match: re.Match[str]) -> NDArray[np.int64]:
    """Nanoseconds of a fraction of a second, of which nine digits count."""
    if not match.groupdict().get("f"):
        return np.zeros(len(codes), np.int64)
    start, end = match.span("f")
    end = min(end, start + 9)
    found: NDArray[np.int64] = _number(codes, start, end) * 10 ** (9 - (end - start))
    return found


def _offset(codes: NDArray[np.uint32], match: re.Match[str]) -> NDArray[np.int64]:
    """Seconds that a zone is ahead of UTC."""
    zone = match.groupdict().get("z") or "z"
    if zone[0] not in "+-":
        return np.zeros(len(codes), np.int64)
    start, end = match.span("z")
    minutes: NDArray[np.int64] = _number(codes, start + 1, start + 3) * 60
    if end - start > 3:
        minutes += _number(codes, end - 2, end)
    return minutes * (-60 if zone[0] == "-" else 60)
