"""Charts as SVG within a page: the page's fonts, and colours for light and dark.

Text stays text, so that it can be read aloud, searched and copied, and has glyphs for any column
name. Each ink becomes a variable of the page's style sheet. The same chart is the same text.
"""

import base64
import html
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from vae_runtime._base.printable import printable

from .inks import GRID, INK, INKS, MUTED

DOTS = 150  # of a PNG, in an inch

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vae_keras",
    "text.parse_math": False,  # a column may well be called $x_1$
    "font.family": "DejaVu Sans",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 8.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.linewidth": 1.6,
}


@contextmanager
def chart(
    size: tuple[float, float], *, panels: int = 1, heights: Sequence[float] | None = None
) -> Iterator[list[Axes]]:
    """Context with axes below each other; `svg` and `png` make a picture of them within it.

    Args:
        size: width and height in inches; text is right for phones up to a width of 4.
        panels: how many axes.
        heights: how high each is, in proportion; they share the horizontal axis then.
    """
    with style.context(["default", STYLE]), warnings.catch_warnings():
        # the page's fonts will have what DejaVu has not
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        figure = Figure(size, layout="constrained")
        FigureCanvasSVG(figure)
        ratios = {} if heights is None else {"height_ratios": list(heights)}
        share = heights is not None
        yield list(figure.subplots(panels, squeeze=False, sharex=share, gridspec_kw=ratios)[:, 0])


def svg(axes: Axes, alt: str) -> str:
    """Chart of these axes as an element of an HTML page, with `alt` for screen readers."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with _laid_out(axes.figure) as canvas:
        canvas.print_svg(buffer, metadata=nothing)
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    view = re.search(r'viewBox="([^"]*)"', body)
    assert view is not None
    inner = re.sub(r"<metadata>.*?</metadata>", "", body[body.index(">") + 1 :], flags=re.S)
    inner = inner.replace("xlink:href", "href")
    for name, ink in INKS.items():
        inner = inner.replace(ink, f"var(--{name})")
    said = html.escape(printable(alt))
    return (
        f'<svg class="chart" viewBox="{view[1]}" role="img" aria-label="{said}">'
        f"{_with_own_ids(inner.strip())}"
    )


def png(axes: Axes) -> bytes:
    """Chart of these axes as a PNG on white."""
    buffer = io.BytesIO()
    axes.figure.canvas.print_figure(buffer, format="png", dpi=DOTS, facecolor="white")
    return buffer.getvalue()


def picture(png: bytes, alt: str) -> str:
    """PNG as an element of an HTML page."""
    data = base64.b64encode(png).decode()
    return f'<img class="chart" alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def ticks(write: Callable[[float], str]) -> FuncFormatter:
    """Formatter of tick labels; matplotlib's own for logarithmic axes are formulas."""
    return FuncFormatter(lambda value, _: write(value))


def compact(value: float) -> str:
    """Short form of a tick's value: 101k for 101000."""
    if abs(value) >= 1e8:
        return f"{value:.3g}"
    return f"{value / 1e3:,.6g}k" if abs(value) >= 1e4 else f"{value:.4g}"


def short(name: str, most: int = 26) -> str:
    """Short form of a name to fit above a chart: its begin and its end, which tell names apart."""
    name = printable(name)
    if len(name) <= most:
        return name
    head = most // 2
    return f"{name[:head]}…{name[head + 1 - most :]}"


def shorts(names: Sequence[str], most: int = 26) -> list[str]:
    """Short forms of names; of those that would be alike, what follows on their common begin.

    >>> shorts(["bearing temperature left, filtered", "bearing temperature right, filtered"], 18)
    ['…ature left, filt…', '…ature right, fil…']
    """
    found = [short(name, most) for name in names]
    for alike in [each for each, count in Counter(found).items() if count > 1]:
        rows = [i for i, each in enumerate(found) if each == alike and len(names[i]) > most]
        same = takewhile(
            lambda each: len(set(each)) == 1, zip(*(names[i] for i in rows), strict=False)
        )
        begin = max(len([*same]) - most // 3, 0)
        for i in rows:
            rest = printable(names[i][begin:])
            found[i] = f"…{rest}" if len(rest) < most else f"…{rest[: most - 2]}…"
    return found


def label(panel: Axes, name: str) -> None:
    """Writes a short name above the left end of a panel, where it has more room than beside it."""
    panel.set_title(name, fontsize=8.5, weight="normal", pad=3)


@contextmanager
def _laid_out(figure: Any) -> Iterator[Any]:
    """Context with the canvas of a figure whose axes are where its layout wants them.

    (`print_figure` draws everything once more to find that out, which takes as long as the file.)
    """
    engine, dpi = figure.get_layout_engine(), figure.dpi
    figure.dpi = 72  # of an SVG
    engine.execute(figure)
    figure.set_layout_engine("none")
    try:
        yield figure.canvas
    finally:
        figure.set_layout_engine(engine)
        figure.dpi = dpi


def _with_own_ids(text: str) -> str:
    """Removes unused ids: several charts on a page would share them.

    Those that remain are hashes of what they name, so that equal ids name equal things.
    """
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    return re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
