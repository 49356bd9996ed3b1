"""The one exception class of exporting."""


class ExportError(Exception):
    """An export that was refused: names the graph, the reason, and what to do. Nothing is left."""
