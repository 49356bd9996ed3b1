"""Exception class of exporting, its subclass for losses, and messages of others' errors."""

MOST_CHARACTERS = 200  # of the message of an error of other people's code

# Keras puts the config before what went wrong, or where it was called.
MARKS_BEFORE = ("Exception encountered: ", ".call().", "Error encountered:")
COLOUR_CODES = ("\x1b[1m", "\x1b[0m")
MARK_AFTER = "Arguments received by"


class ExportError(Exception):
    """An export that was refused: names the graph, the reason, and what to do. Nothing is left.

    >>> encoder, decoder = mlp_pair((6,), latent_dim=2)
    >>> decoder.set_weights([weight * np.nan for weight in decoder.get_weights()])
    >>> broken = Models(encoder, decoder, likelihood="gaussian", calibration=normal, test=x)
    >>> export(broken, "artifacts/broken")
    Traceback (most recent call last):
    vae_export.errors.ExportError: calibration: expected finite scores from the model. ...
    """


class Degraded(ExportError):
    """File of lower precision that loses more accuracy than it may.

    Args:
        loss: what it loses, a sentence or two; the manifest has it where the user allows that.
        figures: how much.
        advice: what to do where it is refused.
    """

    def __init__(self, loss: str, figures: dict[str, float], advice: str) -> None:
        super().__init__(f"{loss} {advice}")
        self.loss, self.figures = loss, figures


def reason(error: Exception) -> str:
    """Message of an error without the text that Keras adds; its class where it has no message."""
    message = str(error).partition(MARK_AFTER)[0]
    for mark in MARKS_BEFORE:
        message = message.rpartition(mark)[2]
    for code in COLOUR_CODES:
        message = message.replace(code, "")
    return " ".join(message.split())[:MOST_CHARACTERS] or type(error).__name__
