"""Errors of other people's code, in one line."""

LONGEST = 200  # characters

# Keras puts the config before what went wrong, or where it was called.
BEFORE = ("Exception encountered: ", ".call().", "Error encountered:")
COLOURS = ("\x1b[1m", "\x1b[0m")
AFTER = "Arguments received by"


def reason(error: Exception) -> str:
    """What an error says, without what Keras puts around it; its class where it says nothing."""
    said = str(error).partition(AFTER)[0]
    for mark in BEFORE:
        said = said.rpartition(mark)[2]
    for code in COLOURS:
        said = said.replace(code, "")
    return " ".join(said.split())[:LONGEST] or type(error).__name__
