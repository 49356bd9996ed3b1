"""Errors of other people's code, in one line."""

LONGEST = 200  # characters

# Keras puts the config before what went wrong, or where it was called.
BEFORE = ("Exception encountered: ", ".call().", "Error encountered:")
COLOURS = ("\x1b[1m", "\x1b[0m")
AFTER = "Arguments received by"


def reason(error: Exception) -> str:
    """Message of an error without the text that Keras adds; its class where it has no message."""
    said = str(error).partition(AFTER)[0]
    for mark in BEFORE:
        said = said.rpartition(mark)[2]
    for code in COLOURS:
        said = said.replace(code, "")
    return " ".join(said.split())[:LONGEST] or type(error).__name__
