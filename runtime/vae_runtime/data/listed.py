"""Lists of names as they are typed, with commas between."""

import argparse


def listed(text: str, what: str = "names") -> tuple[str, ...]:
    """Names without spaces around; ArgumentTypeError where one is empty or there twice.

    >>> listed("flow, speed")
    ('flow', 'speed')
    """
    names = tuple(name.strip() for name in text.split(","))
    wrong = [repr(n) for n in dict.fromkeys(names) if names.count(n) > 1 or not n]
    if wrong:
        found = "an empty one" if "" in names else f"{', '.join(wrong)} several times"
        raise argparse.ArgumentTypeError(
            f"expected {what} with commas between, each once. Received: {found} in {text!r}."
        )
    return names
