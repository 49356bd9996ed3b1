"""Chart of an evaluation along its rows: scores, alarms, labels, gaps, and the loudest features."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from matplotlib import dates
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from vae_keras._base.arrays import Array, Floats
from vae_runtime._base.printable import printable
from vae_runtime.rows.names.missing_names import some

from .axis import Axis
from .drawing import chart, compact, label, png, short, shorts, svg, ticks
from .episodes import Explained, bounds_of
from .figures import spread_out
from .findings import Findings, Scored
from .inks import ANOMALY, GRID, INK, MODEL, MUTED, NORMAL
from .thinning import PIXELS, peaks, spans, thin

WIDTH = 10.5  # inches
LOUDEST = 3
NAMED_BORDERS = 12  # recordings whose names are written above the chart
MOST_BORDERS = 200  # recordings that are told apart
DAY = 86_400.0  # seconds
FEW = 40  # rows that are drawn as dots too
SAMPLED = 600  # rows of which an expected value is drawn
DOTS = 400  # columns of dots, where rows are a sample


class Timeline(NamedTuple):
    """Chart as an SVG element and as a PNG, and the names of the features on it."""

    svg: str
    png: bytes
    features: tuple[str, ...]


def draw(findings: Findings, axis: Axis, explained: Explained | None) -> Timeline:
    """Draws scores over time, and below them the features that add most to them."""
    loud = [] if explained is None else explained.loudest(LOUDEST)
    names = () if explained is None else tuple(explained.names[i] for i in loud)
    with _panels(findings.scored, axis, len(loud)) as (handles, score, others):
        if others:
            handles += _features(others, findings, axis, dict(zip(names, loud, strict=True)))
        _legend(score, handles)
        said = f"{_said(findings.scored)[:-1]}; below them {some(names)}."
        return Timeline(svg(score, said if names else _said(findings.scored)), png(score), names)


def draw_scores(scored: Scored, axis: Axis) -> str:
    """Draws scores over time alone, as an SVG element."""
    with _panels(scored, axis) as (handles, score, _):
        _legend(score, handles)
        return svg(score, _said(scored))


@contextmanager
def _panels(
    scored: Scored, axis: Axis, features: int = 0
) -> Iterator[tuple[list[Artist], Axes, list[Axes]]]:
    """Context with a chart of scores: handles of its legend, its panel, panels for features."""
    size = WIDTH, 3.3 + 1.25 * features
    heights = [2.4, 0.32, *[1.0] * features]
    with chart(size, panels=len(heights), heights=heights) as (score, marks, *others):
        _backdrop((score, marks, *others), scored, axis)
        handles = _scores(score, scored, axis)
        _marks(marks, scored, axis)
        _horizontal((others or [marks])[-1], axis)
        yield handles, score, others


def _legend(score: Axes, handles: Sequence[Artist]) -> None:
    score.figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def _said(scored: Scored) -> str:
    """Sentence on a chart of scores, for screen readers."""
    alarms = int(scored.alarm.sum())
    return f"Scores of {len(scored.score):,} {scored.noun}s, {alarms:,} of them alarms."


def _backdrop(panels: Sequence[Axes], scored: Scored, axis: Axis) -> None:
    """Alarms and gaps behind all panels, borders of recordings, limits."""
    alarms = np.zeros(len(axis.x), bool)
    for first, last in zip(*bounds_of(scored.alarm, axis.broken), strict=True):
        alarms[first : last + 1] = True
    shaded = spans(axis.x, alarms, axis.broken, axis.half_step)
    for panel in panels:
        panel.set_xlim(*_shown(axis, np.array(axis.limits)))
        across = panel.get_xaxis_transform()
        _bars(panel, axis, shaded, (0, 1), transform=across, color=ANOMALY, alpha=0.14, lw=0)
        _bars(panel, axis, axis.gaps, (0, 1), transform=across, color=GRID, alpha=0.8, lw=1)
        if len(axis.borders) <= MOST_BORDERS:
            edges = [x - axis.half_step for x, _ in axis.borders[1:]]
            panel.vlines(_shown(axis, np.array(edges)), 0, 1, MUTED, lw=0.7, transform=across)


def _scores(panel: Axes, scored: Scored, axis: Axis) -> list[Artist]:
    """The line of scores with alarms and threshold; handles for the legend."""
    score, limit, (low, high) = _finite(scored.score), scored.threshold, scored.usual
    limits = min(float(score.min()), low), max(float(score.max()), high)
    spread_out(panel, "y", limits, (high - low) or 1.0)
    x, loud = _shown(axis, axis.x), peaks(axis.x, score, scored.alarm)
    handles = panel.plot(*_thin(axis, score), color=NORMAL, lw=1.0, **_marker(axis), label="score")
    dots: dict[str, Any] = {"linestyle": "", "marker": ".", "color": ANOMALY, "markersize": 4.5}
    handles += panel.plot(x[loud], score[loud], **dots, label="alarm")
    if limit is not None:
        said, dashed = f"threshold {limit:.4g}", (0, (4, 2))
        handles.append(panel.axhline(limit, color=INK, linestyle=dashed, lw=1.1, label=said))
    panel.set_ylabel("score, nats")
    if 1 < len(axis.borders) <= NAMED_BORDERS:
        for begin, name in axis.borders:
            _name(panel, _shown(axis, np.array([begin]))[0], name)
    return [*handles, *([Patch(color=GRID, label="gap")] if axis.gaps else [])]


def _name(panel: Axes, x: float, name: str) -> None:
    """Writes the name of a recording above the place where it begins."""
    panel.annotate(
        short(name, 14),
        (x, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(1, 2),
        textcoords="offset points",
        fontsize=7.5,
        color=MUTED,
    )


def _marks(panel: Axes, scored: Scored, axis: Axis) -> None:
    """Lanes of alarms and of labels."""
    panel.set_ylim(0, 2)
    for lane, mask, colour in ((1, scored.alarm, ANOMALY), (0, scored.y, MODEL)):
        found = spans(axis.x, mask, axis.broken, axis.half_step)
        _bars(panel, axis, found, (lane + 0.12, lane + 0.88), color=colour, lw=0.6)
    panel.set_yticks([1.5, 0.5], ["alarm", "label"])
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False)


def _features(
    panels: Sequence[Axes], findings: Findings, axis: Axis, loud: Mapping[str, int]
) -> list[Artist]:
    """Lines of features as received and as expected; handles for the legend."""
    everywhere, x = np.ones(len(axis.x), bool), _shown(axis, axis.x)
    rows = peaks(axis.x, _finite(findings.score), everywhere, pixels=SAMPLED)
    expected = findings.judge.expect(findings.dataset.x[rows])
    jumps = np.diff(np.cumsum(axis.broken)[rows], prepend=0) > 0
    said = "expected" if findings.judge.expects else "reconstructed"
    named = zip(shorts([*loud], 110), loud.values(), strict=True)
    for panel, (name, i) in zip(panels, named, strict=True):
        received = _thin(axis, _column(findings.dataset.x, i))
        dots = _marker(axis)
        handles = panel.plot(*received, color=INK, lw=0.9, label="received", **dots)
        model = thin(x[rows], _column(expected, i), jumps)
        handles += panel.plot(*model, color=MODEL, lw=1.1, label=said, **dots)
        label(panel, name)
        panel.yaxis.set_major_locator(MaxNLocator(4))
        panel.yaxis.set_major_formatter(ticks(compact))
    return list(handles)


def _thin(axis: Axis, values: Floats) -> tuple[Floats, ...]:
    """Points of a line over the whole axis; of a sample fewer, as each is a dot."""
    pixels = DOTS if axis.sampled else PIXELS
    return thin(_shown(axis, axis.x), values, axis.broken, pixels=pixels)


def _marker(axis: Axis) -> dict[str, Any]:
    """Style of a line: with dots for few rows, as a single row has no line; of a sample dots."""
    if axis.sampled:
        return {"marker": ".", "markersize": 3, "linestyle": ""}
    return {"marker": "o" if len(axis.x) <= FEW else "", "markersize": 3}


def _horizontal(panel: Axes, axis: Axis) -> None:
    """Ticks and title of the shared axis."""
    panel.set_xlabel(axis.title)
    if axis.kind == "date":
        untyped: Any = dates
        locator = untyped.AutoDateLocator(minticks=4, maxticks=9)
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
        return
    panel.xaxis.set_major_locator(MaxNLocator(7, integer=axis.kind == "row", min_n_ticks=1))
    if axis.said is None:
        whole = axis.kind == "row"
        panel.xaxis.set_major_formatter(ticks(lambda v: _number(v, whole)))
        return
    said, day = axis.said, _common_day(axis.said)
    if day:
        panel.set_xlabel(f"{axis.title}; {day.rstrip('T ')}")

    def write(place: float) -> str:
        inside = 0 <= place < len(said) and place == int(place)
        return _tick(said[int(place)], day) if inside else ""

    panel.xaxis.set_major_formatter(ticks(write))


def _bars(
    panel: Axes,
    axis: Axis,
    stretches: Sequence[tuple[float, float]],
    between: tuple[float, float],
    **style: Any,
) -> None:
    """Draws rectangles over stretches of the axis, as one shape, so that many take little room."""
    if not stretches:
        return
    low, high = between
    left, right = _shown(axis, np.array(stretches, np.float64)).T
    corners = [(left, low), (left, high), (right, high), (right, low), (left, low)]
    points = np.stack([np.stack(np.broadcast_arrays(x, y), axis=-1) for x, y in corners], axis=1)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    path = Path(points.reshape(-1, 2), np.tile(codes, len(stretches)))
    panel.add_patch(PathPatch(path, **style))


def _common_day(said: Array) -> str:
    """What all texts begin with up to the clock, as 2026-01-31T; empty where they differ."""
    first = str(said[0])
    day = first[: max(first.find("T"), first.find(" ")) + 1]
    return day if day and all(str(text).startswith(day) for text in said[::101]) else ""


def _number(place: float, whole: bool) -> str:
    return "" if whole and place != int(place) else f"{place:,.10g}"


def _tick(value: object, day: str) -> str:
    """Writes the time or the number of a row."""
    if isinstance(value, np.integer):
        return f"{int(value):,}"
    return printable(str(value).removeprefix(day)[:19])


def _column(x: Array, i: int) -> Floats:
    """Values of a feature: of windows, in the last row of each."""
    flat = x if x.ndim == 2 else x.reshape(len(x), -1, x.shape[-1])[:, -1]
    return np.asarray(flat[:, i], np.float64)


def _shown(axis: Axis, x: Floats) -> Floats:
    """Positions as matplotlib has them: dates are days."""
    return x / DAY if axis.kind == "date" else x


def _finite(score: Floats) -> Floats:
    """Scores with the highest finite one in place of those that are infinite or no number."""
    fine = score[np.isfinite(score)]
    top = float(fine.max()) if len(fine) else 0.0
    return np.where(np.isfinite(score), score, top).astype(np.float64)
