"""Charts of a model's learning, its scores and its latents."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from vae_export.graphs.functions import Array
from vae_keras.data.labels import UNKNOWN

from .curves import FalseAlarms, plane, roc
from .drawing import (
    ANOMALY,
    INK,
    MODEL,
    MUTED,
    NORMAL,
    chart,
    short,
    svg,
    ticks,
)
from .rows import Rows

SIZE = 3.7, 3.1
BINS = 48
LOG_AXIS_RATIO = 12.0  # times the normal rows' range: beyond it an axis is logarithmic

# Of classes, in turn; each shows on white and on black.
CLASSES = [
    "#4e8fd0", "#e0803a", "#4fa66a", "#c9566b", "#9277c9", "#a8795c", "#d07fb8", "#8d949b",
    "#a9a43a", "#3fa9b5",
]  # fmt: skip


def losses(history: dict[str, list[float]]) -> str:
    """Chart of the loss and its parts over the epochs, on training and validation rows."""
    parts = [name for name in ("loss", "nll", "kl") if name in history]
    with chart(SIZE, panels=len(parts)) as axes:
        for panel, name in zip(axes, parts, strict=True):
            epochs = np.arange(1, len(history[name]) + 1)
            marker = "o" if len(epochs) == 1 else ""
            panel.plot(epochs, history[name], color=NORMAL, marker=marker, label="training")
            if f"val_{name}" in history:
                validation = history[f"val_{name}"]
                panel.plot(epochs, validation, color=MODEL, marker=marker, label="validation")
            _fit_to_tail(panel, [history[name], history.get(f"val_{name}", [])])
            panel.set_ylabel(f"{name}, nats")
            panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        for panel in axes[:-1]:
            panel.tick_params(labelbottom=False)
        axes[0].figure.legend(handles=axes[0].lines, loc="outside upper center", ncols=2)
        axes[-1].set_xlabel("epoch")
        last = ", ".join(f"{name} {history[name][-1]:.4g}" for name in parts)
        return svg(axes[0], f"{', '.join(parts)} by epoch, in nats; at the end {last}.")


def scores(normal: Array, anomalies: Array, threshold: float) -> str:
    """Histogram of the scores of normal rows and anomalies, with the threshold."""
    with chart(SIZE) as (axes,):
        everything = np.concatenate([normal, anomalies, [threshold]])
        bins = _bins(axes, everything, normal)
        kinds = [("normal rows", normal, NORMAL), ("anomalies", anomalies, ANOMALY)]
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
        axes.set(xlabel="score, nats", ylabel="share of rows, %")
        if len(anomalies):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
        said = f"Scores of {len(normal)} normal rows"
        said += f" and {len(anomalies)} anomalies" if len(anomalies) else ""
        return svg(axes, f"{said}; the alarm begins at {threshold:.4g} nats.")


def calibration(curve: FalseAlarms, alpha: float) -> str:
    """Chart of alarm levels asked for against the share of normal rows that alarmed."""
    with chart(SIZE) as (axes,):
        lowest = 0.6 * curve.nominal[0]  # where a rate of none at all is drawn
        nominal = np.array(curve.nominal)
        low, realised, high = (
            np.maximum(v, lowest) for v in (curve.low, curve.realised, curve.high)
        )
        axes.fill_between(
            nominal, low, high, color=NORMAL, alpha=0.18, lw=0, label="95 % by chance"
        )
        axes.plot(nominal, nominal, color=MUTED, lw=1, linestyle=(0, (4, 2)), label="as promised")
        axes.plot(nominal, realised, color=NORMAL, marker="o", markersize=3, label="test rows")
        axes.axvline(alpha, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(
            "alpha", (alpha, 0.72), xytext=(-4, 0), textcoords="offset points", ha="right"
        )
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            _logarithmic(axis, percent=True)
        axes.set_xlim(nominal[0] * 0.9, nominal[-1] * 1.1)
        axes.set_ylim(lowest, 1)
        axes.set(xlabel="alarm level asked for", ylabel="normal rows that alarmed")
        axes.legend(loc="lower right")
        inside = np.mean((curve.realised >= low * 0.999) & (np.array(curve.realised) <= curve.high))
        return svg(axes, f"False-alarm rate by alarm level; {inside:.0%} of it is in the band.")


def operating(score: Array, y: Array, rates: tuple[float, float], area: float) -> str:
    """ROC curve, and the point on it where the bundle alarms."""
    with chart(SIZE) as (axes,):
        false, true = roc(score, y)
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, linestyle=(0, (4, 2)))
        axes.plot(false, true, color=NORMAL, drawstyle="steps-post", clip_on=False)
        said = f"alarms as exported:\n{rates[1]:.1%} found, {rates[0]:.1%} false"
        axes.plot(*rates, "o", color=ANOMALY, clip_on=False, zorder=3, markersize=6, label=said)
        axes.set(xlabel="normal rows that alarm", ylabel="anomalies found")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticks(lambda share: f"{100 * share:.0f} %"))
        axes.legend(loc="lower right", title=f"AUROC {area:.4f}", alignment="left")
        return svg(axes, f"ROC curve; area {area:.4f}.")


def latents(normal: Rows, anomalies: Rows, classes: tuple[str, ...] | None) -> str:
    """Scatter of latent means on their two principal axes, of rows that training never saw."""
    with chart(SIZE) as (axes,):
        points, names = _positions(normal, anomalies)
        inside, outside = np.split(points, [len(normal.x)])
        low, high = inside.min(0), inside.max(0)
        margin = 0.25 * (high - low) + 1e-9
        outside = np.clip(outside, low - margin, high + margin)
        for name, chosen, colour in _kinds(normal, classes):
            x, y = inside[chosen].T
            alpha = 0.3 if colour == MUTED else 0.8
            axes.scatter(x, y, s=9, color=colour, alpha=alpha, lw=0, label=name)
        if len(outside):
            x, y = outside.T
            axes.scatter(x, y, s=14, marker="x", color=ANOMALY, linewidths=0.9, label="anomaly")
        axes.set(xlabel=names[0], ylabel=names[1])
        if classes or len(outside):
            handles = len(axes.get_legend_handles_labels()[0])
            axes.figure.legend(loc="outside upper center", ncols=min(handles, 3), markerscale=1.6)
        return svg(axes, f"Latent means of {len(inside)} normal rows and {len(outside)} anomalies.")


def _positions(normal: Rows, anomalies: Rows) -> tuple[Array, tuple[str, str]]:
    """Coordinates of all rows and names of the axes; a single latent is drawn against the score."""
    if normal.z_mean.shape[1] > 1:
        found = plane(normal.z_mean, anomalies.z_mean)
        first, second = (f"principal axis, {share:.0%} of variance" for share in found.shares)
        return found.points, (f"first {first}", f"second {second}")
    z = np.concatenate([normal.z_mean[:, 0], anomalies.z_mean[:, 0]])
    score = np.concatenate([normal.score, anomalies.score])
    return np.stack([z, score], axis=1), ("the latent", "score, nats")


def _kinds(normal: Rows, classes: tuple[str, ...] | None) -> list[tuple[str, Array, str]]:
    """Name, mask and colour of each class of normal rows, or of all rows together."""
    if classes is None or normal.labels is None:
        return [("normal", np.ones(len(normal.x), bool), NORMAL)]
    known = [
        (short(name, 18), normal.labels == i, CLASSES[i % len(CLASSES)])
        for i, name in enumerate(classes)
    ]
    unknown = normal.labels == UNKNOWN
    return [("class not known", unknown, MUTED)] * bool(unknown.any()) + known


def _fit_to_tail(panel: Axes, curves: list[list[float]]) -> None:
    """Limits the y axis to the later epochs, as the first ones may be far off."""
    values = np.array([v for c in curves for v in c[len(c) // 20 :]])
    values = values[np.isfinite(values)]
    if len(values) > 1 and np.ptp(values) > 0:
        margin = 0.08 * np.ptp(values)
        panel.set_ylim(values.min() - margin, values.max() + margin)


def _bins(axes: Axes, everything: Array, normal: Array) -> Array:
    """Edges of bins for scores; makes the axis logarithmic where scores are far apart."""
    everything = everything[np.isfinite(everything)]
    low, high = float(everything.min()), float(everything.max())
    spread = float(np.ptp(normal)) or 1.0
    if high - low <= LOG_AXIS_RATIO * spread:
        return np.linspace(low, high + 1e-6 * spread, BINS + 1)
    if low > 0:
        axes.set_xscale("log")
        _logarithmic(axes.xaxis)
        return np.geomspace(low, high * 1.000001, BINS + 1)
    axes.set_xscale("symlog", linthresh=spread)
    transform = axes.xaxis.get_transform()
    powers = 10.0 ** np.arange(np.ceil(np.log10(spread)), 39)  # up to the largest float32
    axes.set_xticks([v for v in (*-powers[::-1], 0.0, *powers) if low <= v <= high])
    axes.xaxis.set_major_formatter(ticks(lambda v: f"{v:,.6g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    first, last = map(float, transform.transform(np.array([low, high * 1.000001])))
    return np.asarray(transform.inverted().transform(np.linspace(first, last, BINS + 1)))


def _logarithmic(axis: Axis, *, percent: bool = False) -> None:
    """Sets ticks at 1, 2 and 5."""
    write = (lambda v: f"{100 * v:.3g} %") if percent else (lambda v: f"{v:,.4g}")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axis.set_major_formatter(ticks(write))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
