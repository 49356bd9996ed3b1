"""Plot of a column as SVG within a page: lowest and highest value of each stretch of rows."""

from html import escape

import numpy as np

from vae_keras._base.arrays import Array

WIDTH, HEIGHT = 320, 72
STRETCHES = 160


def plot(sample: Array, marks: Array | None, name: str) -> str:
    """A column's course, with anomalies shaded.

    Args:
        sample: (rows,), NaN where there is no value.
        marks: (rows,), 1 for anomalies; None where there are none.
        name: of the column, for screen readers.
    """
    if not len(sample) or np.isnan(sample).all():
        return ""
    low, high = float(np.nanmin(sample)), float(np.nanmax(sample))
    parts = np.array_split(np.arange(len(sample)), min(STRETCHES, len(sample)))
    across = WIDTH / len(parts)
    shaded = [] if marks is None else [i for i, p in enumerate(parts) if (marks[p] == 1).any()]
    shades = "".join(
        f'<rect x="{i * across:.1f}" y="0" width="{across:.1f}" height="{HEIGHT}"/>' for i in shaded
    )
    lines = "".join(
        _stretch(sample[p], low, high, i * across + across / 2) for i, p in enumerate(parts)
    )
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" preserveAspectRatio="none" '
        f'aria-label="{escape(name)} from {low:g} to {high:g}">'
        f'<g class="marks" shape-rendering="crispEdges">{shades}</g><path d="{lines}"/></svg>'
    )


def _stretch(values: Array, low: float, high: float, x: float) -> str:
    """A vertical line from the highest to the lowest value, through neighbours' ends."""
    values = values[~np.isnan(values)]
    if not len(values):
        return ""
    top, bottom = (_height(float(v), low, high) for v in (values.max(), values.min()))
    return f"M{x:.1f} {top:.1f}V{max(bottom, top + 1):.1f}"


def _height(value: float, low: float, high: float) -> float:
    share = 0.5 if low == high else (value - low) / (high - low)
    return 3 + (1 - share) * (HEIGHT - 6)
