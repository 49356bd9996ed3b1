"""Errors of other people's code, in one line."""

MOST_CHARACTERS = 200  # characters

# Keras puts the config before what went wrong, or where it was called.
MARKS_BEFORE = ("Exception encountered: ", ".call().", "Error encountered:")
COLOUR_CODES = ("\x1b[1m", "\x1b[0m")
MARK_AFTER = "Arguments received by"


def reason(error: Exception) -> str:
    """Message of an error without the text that Keras adds; its class where it has no message."""
    message = str(error).partition(MARK_AFTER)[0]
    for mark in MARKS_BEFORE:
        message = message.rpartition(mark)[2]
    for code in COLOUR_CODES:
        message = message.replace(code, "")
    return " ".join(message.split())[:MOST_CHARACTERS] or type(error).__name__
