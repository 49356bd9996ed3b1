"""Text that is safe for a terminal; needs no import that could fail."""

import unicodedata
from typing import TextIO

_DANGEROUS = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators
_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # show text out of order
_MARKS = {"\u061c", "\u200e", "\u200f"}  # the same of what has no direction; names may have them


def printable(text: object) -> str:
    """Text in one line, with characters that control a terminal escaped.

    >>> printable("flow" + chr(27)) == "flow" + chr(92) + "x1b"
    True
    """
    found = str(text)
    if found.isascii() and found.isprintable():
        return found
    return "".join(c if is_harmless(c) and c not in _MARKS else ascii(c)[1:-1] for c in found)


def say(text: object, file: TextIO | None = None) -> None:
    """Prints a text in one line; by default to standard output, as `print` does."""
    print(printable(text), file=file, flush=True)


def is_harmless(c: str) -> bool:
    """True for a character that neither controls a terminal nor turns text around."""
    dangerous = unicodedata.category(c) in _DANGEROUS or unicodedata.bidirectional(c) in _BIDI
    return not dangerous
