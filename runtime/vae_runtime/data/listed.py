"""Lists of names as they are typed, with commas between."""

import argparse


def listed(text: str, what: str = "names") -> tuple[str, ...]:
    """The names in a text.

    Args:
        text: as it was typed.
        what: they are, for errors.

    Raises:
        ArgumentTypeError: one is empty, or there twice.

    >>> listed("flow, speed")
    ('flow', 'speed')
    """
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        place = names.index("") + 1
        raise argparse.ArgumentTypeError(
            f"expected {what} with commas between. Received: {text!r}, of which name {place} is "
            "empty."
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise argparse.ArgumentTypeError(
            f"expected each name once. Received: {', '.join(map(repr, twice))} several times in "
            f"{text!r}."
        )
    return names
