"""Checks of the fields of configurations, all with the same form of message."""

import numbers

LARGEST_NUMBER = 10**9  # rows, epochs and the like: beyond that a number is mistyped
LARGEST_SEED = 2**32 - 1  # that Keras takes
LARGEST_SIDE = 16_384  # pixels of an image


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


def check_image_size(image_size: tuple[int, int]) -> None:
    """Raises ValueError for a (height, width) that no image has; says it as WIDTH x HEIGHT."""
    height, width = image_size
    for side in (width, height):
        check_is_whole("width and height", side)
    received = f"{width} x {height} (width x height)"
    for bound, fits in (
        ("1 or more", min(image_size) >= 1),
        (f"{LARGEST_SIDE:,} at most", max(image_size) <= LARGEST_SIDE),
    ):
        check(f"width and height of {bound}", received, fits)
