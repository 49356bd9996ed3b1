"""Checks of texts that a device may print, and the words of their errors."""

import dataclasses
from typing import Any

from vae_runtime._base.printable import is_harmless

LONGEST_TEXT = 10_000  # characters
MOST_ENTRIES = 1_000  # of an object
LARGEST_WHOLE = 2**53  # beyond it JSON readers differ


def expect(holds: bool, expected: str, received: object) -> None:
    """Raises ValueError, with the start of what was received, for a check that fails."""
    if not holds:
        raise ValueError(f"{expected}. Received: {str(received)[:200]}.")


def check_texts(value: Any, where: str) -> None:
    """Checks that a terminal can print every text, and that all readers can hold every number."""
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, int):
        expect(abs(value) <= LARGEST_WHOLE, f"{where}: expected at most 2^53", "a larger number")
    elif isinstance(value, tuple) and not (value and isinstance(value[0], float)):
        for i, entry in enumerate(value):
            check_texts(entry, f"{where}[{i}]")
    elif isinstance(value, dict):
        expect(len(value) <= MOST_ENTRIES, f"{where}: expected {MOST_ENTRIES} keys", len(value))
        for key, entry in value.items():
            _check_text(key, where)
            check_texts(entry, f"{where}.{key}")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            check_texts(getattr(value, field.name), f"{where}.{field.name}")


def _check_text(text: str, where: str) -> None:
    expect(len(text) <= LONGEST_TEXT, f"{where}: expected {LONGEST_TEXT} characters", len(text))
    if text.isascii() and text.isprintable():
        return
    expect(
        all(map(is_harmless, set(text))),
        f"{where}: expected text without control characters",
        ascii(text),
    )
