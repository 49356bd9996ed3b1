"""Checks of the fields of configurations, all with the same form of message."""

import numbers

LARGEST_NUMBER = 10**9  # rows, epochs and the like: beyond that a number is mistyped
LARGEST_SEED = 2**32 - 1  # that Keras takes


def check(expected: str, received: object, holds: bool) -> None:
    """Raises ValueError "expected a ... Received: ..." where a condition does not hold."""
    if not holds:
        raise ValueError(f"expected a {expected}. Received: {received}.")


def check_whole(
    name: str, received: int, *, least: int = 1, most: int = LARGEST_NUMBER, noun: str = ""
) -> None:
    """Raises ValueError where a value is not a whole number within the bounds."""
    check_is_whole(name, received)
    check(f"{name} of {least}{noun} or more", received, received >= least)
    check(f"{name} of {most:,} at most", received, received <= most)


def check_is_whole(name: str, received: object) -> None:
    """Raises ValueError where a value is not a whole number; True and False are not."""
    if not isinstance(received, numbers.Integral) or isinstance(received, bool):
        raise ValueError(f"expected a whole number as {name}. Received: {received!r:.60}.")
