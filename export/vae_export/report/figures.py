"""Charts of a model's learning, its false alarms and its latents."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vae_export.graphs.functions import Array
from vae_keras.data.labels import UNKNOWN
from vae_keras.pages.drawing import chart, short, svg
from vae_keras.pages.figures import SIZE, logarithmic
from vae_keras.pages.inks import ANOMALY, INK, MODEL, MUTED, NORMAL

from .curves import FalseAlarms, plane
from .rows import Rows

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


def calibration(curve: FalseAlarms, alpha: float, *, noun: str = "row") -> str:
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
        axes.plot(nominal, realised, color=NORMAL, marker="o", markersize=3, label=f"test {noun}s")
        axes.axvline(alpha, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(
            "alpha", (alpha, 0.72), xytext=(-4, 0), textcoords="offset points", ha="right"
        )
        axes.set(xscale="log", yscale="log")
        axes.set_xlim(nominal[0] * 0.9, nominal[-1] * 1.1)
        axes.set_ylim(lowest, 1)
        for axis in (axes.xaxis, axes.yaxis):
            logarithmic(axis, percent=True)
        axes.set(xlabel="alarm level asked for", ylabel=f"normal {noun}s that alarmed")
        axes.legend(loc="lower right")
        inside = np.mean((curve.realised >= low * 0.999) & (np.array(curve.realised) <= curve.high))
        return svg(axes, f"False-alarm rate by alarm level; {inside:.0%} of it is in the band.")


def latents(
    normal: Rows, anomalies: Rows, classes: tuple[str, ...] | None, *, noun: str = "row"
) -> str:
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
        what = f"{len(inside)} normal {noun}s and {len(outside)} anomalies"
        return svg(axes, f"Latent means of {what}.")


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
