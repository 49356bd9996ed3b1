"""Charts of scores: their histogram, and what each threshold would find."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from vae_keras._base.arrays import Array

from .curves import roc
from .drawing import chart, svg, ticks
from .inks import ANOMALY, INK, MUTED, NORMAL

SIZE = 3.7, 3.1
BINS = 48
MOST_TICKS = 7  # of a logarithmic axis through zero
MOST_DECADES = 3.0  # of an axis of which labels are finer than powers of ten
LOG_AXIS_RATIO = 12.0  # times the normal rows' range: beyond it an axis is logarithmic


def scores(normal: Array, anomalies: Array, threshold: float, *, noun: str = "row") -> str:
    """Histogram of the scores of normal rows and anomalies, with the threshold."""
    with chart(SIZE) as (axes,):
        everything = np.concatenate([normal, anomalies, [threshold]])
        bins = _bins(axes, everything, normal)
        kinds = [(f"normal {noun}s", normal, NORMAL), ("anomalies", anomalies, ANOMALY)]
        for name, score, colour in kinds:
            if len(score):
                weights = np.full(len(score), 100.0 / len(score))
                axes.hist(
                    score, bins.tolist(), weights=weights, color=colour, alpha=0.55, label=name
                )
        axes.axvline(threshold, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
        top = axes.get_ylim()[1] * 1.22
        axes.set_ylim(0, top)
        shown = axes.transData + axes.transAxes.inverted()
        right = shown.transform((threshold, top))[0] > 0.55
        axes.annotate(
            f"alarm above {threshold:.4g}",
            (threshold, top),
            xytext=(-4 if right else 4, -2),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
        )
        axes.set(xlabel="score, nats", ylabel=f"share of {noun}s, %")
        if len(anomalies):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
        said = f"Scores of {len(normal)} normal {noun}s"
        said += f" and {len(anomalies)} anomalies" if len(anomalies) else ""
        return svg(axes, f"{said}; the alarm begins at {threshold:.4g} nats.")


def operating(
    score: Array, y: Array, rates: tuple[float, float], area: float, *, noun: str = "row"
) -> str:
    """ROC curve, and the point on it where the bundle alarms."""
    with chart(SIZE) as (axes,):
        false, true = roc(score, y)
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, linestyle=(0, (4, 2)))
        axes.plot(false, true, color=NORMAL, drawstyle="steps-post", clip_on=False)
        said = f"alarms as calibrated:\n{rates[1]:.1%} found, {rates[0]:.1%} false"
        axes.plot(*rates, "o", color=ANOMALY, clip_on=False, zorder=3, markersize=6, label=said)
        axes.set(xlabel=f"normal {noun}s that alarm", ylabel="anomalies found")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticks(lambda share: f"{100 * share:.0f} %"))
        axes.legend(loc="lower right", title=f"AUROC {area:.4f}", alignment="left")
        return svg(axes, f"ROC curve; area {area:.4f}.")


def logarithmic(axis: Axis, *, percent: bool = False) -> None:
    """Sets ticks at 1, 2 and 5; at powers of ten alone where the axis has many of them."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low) if 0 < low < high else 0.0
    write = (lambda v: f"{100 * v:.3g} %") if percent else (lambda v: f"{v:,.4g}")
    axis.set_major_locator(LogLocator(subs=_subs(decades), numticks=8))
    axis.set_major_formatter(ticks(write))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _subs(decades: float) -> tuple[float, ...]:
    """Multiples of a power of ten that have a label, so that labels do not overlap."""
    if decades > MOST_DECADES:
        return (1.0,)
    return (1.0, 3.0) if decades > MOST_DECADES / 2 else (1.0, 2.0, 5.0)


def spread_out(axes: Axes, which: str, limits: tuple[float, float], spread: float) -> None:
    """Makes an axis logarithmic where the limits are further apart than normal rows' spread.

    Args:
        axes: of the chart.
        which: "x" or "y".
        limits: lowest and highest value.
        spread: of normal rows.
    """
    low, high = limits
    if high - low <= LOG_AXIS_RATIO * spread:
        return
    axis, scale = (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)
    if low > 0:
        scale("log")
        (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
        logarithmic(axis)
        return
    scale("symlog", linthresh=spread)
    powers = 10.0 ** np.arange(np.ceil(np.log10(spread)), 39)  # up to the largest float32
    places = np.array([v for v in (*-powers[::-1], 0.0, *powers) if low <= v <= high])
    axis.set_ticks(places[:: -(-len(places) // MOST_TICKS)])
    axis.set_major_formatter(ticks(lambda v: f"{v:,.6g}"))
    axis.set_minor_locator(NullLocator())


def _bins(axes: Axes, everything: Array, normal: Array) -> Array:
    """Edges of bins for scores; makes the axis logarithmic where scores are far apart."""
    everything = everything[np.isfinite(everything)]
    low, high = float(everything.min()), float(everything.max())
    spread = (float(np.ptp(normal)) if len(normal) else high - low) or 1.0
    spread_out(axes, "x", (low, high), spread)
    transform, end = axes.xaxis.get_transform(), high + 1e-6 * (abs(high) + spread)
    first, last = map(float, transform.transform(np.array([low, end])))
    return np.asarray(transform.inverted().transform(np.linspace(first, last, BINS + 1)))
