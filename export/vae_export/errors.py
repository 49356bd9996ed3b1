"""Exception class of exporting, and its subclass for losses that a user may allow."""


class ExportError(Exception):
    """Refused export: names the graph, the reason, and what to do. Nothing is written."""


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
