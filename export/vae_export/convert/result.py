"""Result of a converter, good or bad; the gates examine it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conversion:
    """Converted graph: the file's bytes, and complaints.

    Args:
        content: its bytes; empty where the converter gave up.
        complaints: what the converter logged or raised as an error; a file with any is refused.
        recipe: how it was quantised, for people.
        nodes_before: the graph's nodes before it was tidied up, where that is done.
    """

    content: bytes
    complaints: tuple[str, ...] = ()
    recipe: str = ""
    nodes_before: int | None = None
