"""The one exception class of exporting, and its kind that a user may overrule."""


class ExportError(Exception):
    """An export that was refused: names the graph, the reason, and what to do. Nothing is left."""


class Degraded(ExportError):
    """A file of lower precision that loses more accuracy than it may; `figures` say how much."""

    def __init__(self, message: str, figures: dict[str, float]) -> None:
        super().__init__(message)
        self.figures = figures
