"""Pictures of rows: sheets of images, traces of windows, fits and marginals of tables."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from vae_export.graphs.functions import Array
from vae_keras.pages.curves import evenly_spaced
from vae_keras.pages.drawing import chart, compact, label, picture, shorts, svg, ticks
from vae_keras.pages.inks import ANOMALY, INK, MODEL, MUTED, NORMAL
from vae_keras.run import DataCard
from vae_runtime._base.png import contact_sheet

from .rows import Rows, samples

SHEET, SIDE = 384, 96  # pixels of a sheet and of an image on it, at most
PANELS = 12  # columns of a table that are drawn
CHANNELS = 6  # channels of a window
DRAWS = 800

Captioned = tuple[str, str, list[str], str]  # title, what one sees, charts, how they stand


def pictures(vae: Any, card: DataCard, normal: Rows, anomalies: Rows) -> list[Captioned]:
    """Pictures of reconstructions and samples, of the kind that suits the rows."""
    shape = card.input_shape
    if len(shape) == 3 and shape[-1] in (1, 3):
        return _images(vae, card, normal, anomalies)
    if len(shape) == 2:
        return _windows(vae, card, normal, anomalies)
    return _table(vae, card, normal, anomalies)


def _images(vae: Any, card: DataCard, normal: Rows, anomalies: Rows) -> list[Captioned]:
    step = -(-max(card.input_shape[:2]) // SIDE)
    side = next(n for n in (6, 4, 2) if n == 2 or n * max(card.input_shape[:2]) // step <= SHEET)

    def sheet(images: Array, alt: str) -> str:
        return picture(contact_sheet(images[:, ::step, ::step], card.value_range), alt)

    def pairs(rows: Rows, what: str) -> Captioned:
        few = evenly_spaced(len(rows.x), side * side // 2)
        lines = [few[start : start + side] for start in range(0, len(few), side)]
        both = [values[line] for line in lines for values in (rows.x, rows.x_mean)]
        return (
            f"Reconstructions of {what}",
            "Each row of images, and below it what the model makes of them.",
            [sheet(np.concatenate(both), f"{len(few)} {what}, each above its reconstruction.")],
            "one",
        )

    drawn = samples(vae, side * side)
    shown = [pairs(normal, "normal images")]
    if len(anomalies.x):
        shown.append(pairs(anomalies, "anomalies"))
    text = "What the decoder makes of random latents: images that never were."
    return [
        *shown,
        ("Samples", text, [sheet(drawn, f"{len(drawn)} images drawn from the model.")], "one"),
    ]


def _windows(vae: Any, card: DataCard, normal: Rows, anomalies: Rows) -> list[Captioned]:
    channels = min(card.input_shape[1], CHANNELS)
    names = shorts(_names(card)[:channels], 40)
    order = np.argsort(normal.score, kind="stable")
    chosen = [
        ("a usual window", normal, order[len(order) // 2]),
        ("the highest normal score", normal, order[-1]),
    ]
    if len(anomalies.x):
        middle = np.argsort(anomalies.score, kind="stable")[len(anomalies.x) // 2]
        chosen.append(("an anomaly", anomalies, middle))
    fits = [_traces(rows, int(i), what, names) for what, rows, i in chosen]
    drawn = samples(vae, 6)
    fits.append(_overlay(normal.x[evenly_spaced(len(normal.x), 20)], drawn, names))
    text = (
        "Windows as measured, and as the model makes them. Last: samples, windows that the decoder "
        "makes of random latents, over some that were measured."
    )
    return [("Reconstructions and samples", text, fits, "traces")]


def _traces(rows: Rows, i: int, what: str, names: Sequence[str]) -> str:
    """Chart of one window, channel by channel."""
    with chart((3.4, 1.05 * len(names) + 0.9), panels=len(names)) as axes:
        for c, (panel, name) in enumerate(zip(axes, names, strict=True)):
            panel.plot(rows.x[i, :, c], color=INK, lw=1.3, label="measured")
            panel.plot(rows.x_mean[i, :, c], color=MODEL, lw=1.3, label="reconstructed")
            label(panel, name)
            panel.tick_params(labelbottom=panel is axes[-1])
        axes[0].figure.suptitle(f"{what}: {rows.score[i]:.4g} nats", fontsize=9, weight="bold")
        axes[-1].set_xlabel("row of the window")
        axes[0].figure.legend(handles=axes[0].lines, loc="outside lower center", ncols=2)
        return svg(axes[0], f"{what}, {rows.score[i]:.4g} nats, measured and reconstructed.")


def _overlay(x: Array, drawn: Array, names: Sequence[str]) -> str:
    with chart((3.4, 1.05 * len(names) + 0.9), panels=len(names)) as axes:
        for c, (panel, name) in enumerate(zip(axes, names, strict=True)):
            panel.plot(x[:, :, c].T, color=MUTED, lw=0.6, alpha=0.45)
            panel.plot(drawn[:, :, c].T, color=MODEL, lw=1.2)
            label(panel, name)
            panel.tick_params(labelbottom=panel is axes[-1])
        title = "what random latents give, over measured"
        axes[0].figure.suptitle(title, fontsize=9, weight="bold")
        axes[-1].set_xlabel("row of the window")
        handles = [axes[0].lines[0], axes[0].lines[-1]]
        axes[0].figure.legend(handles, ["measured", "drawn"], loc="outside lower center", ncols=2)
        return svg(axes[0], f"{len(drawn)} windows drawn from the model over {len(x)} measured.")


def _table(vae: Any, card: DataCard, normal: Rows, anomalies: Rows) -> list[Captioned]:
    names = _names(card)
    numbers = len(names) - sum(card.one_hot)
    x, x_mean, wild, wild_mean, drawn = (
        v.reshape(len(v), len(names))
        for v in (normal.x, normal.x_mean, anomalies.x, anomalies.x_mean, samples(vae, DRAWS))
    )
    few = evenly_spaced(numbers, PANELS)
    some = f" {len(few)} of {numbers} columns, evenly spread." if len(few) < numbers else ""
    named = [*zip(shorts([names[i] for i in few], 18), few, strict=True)]
    fits = [_fit(n, x[:, i], x_mean[:, i], (wild[:, i], wild_mean[:, i])) for n, i in named]
    marginals = [_marginal(n, x[:, i], drawn[:, i]) for n, i in named]
    starts = numbers + np.cumsum([0, *card.one_hot])
    for start, end in list(itertools.pairwise(starts))[:PANELS]:
        marginals.append(_shares(names[start:end], x[:, start:end], drawn[:, start:end]))
    shown: list[Captioned] = []
    if fits:
        red = " Anomalies are red; those beyond the frame are at its edge." if len(wild) else ""
        text = f"Observed (across) against reconstructed (up); on the line they agree.{red}{some}"
        shown.append(("Reconstructions", text, fits, "small"))
    text = (
        "Blue: rows that training never saw. Orange: what the decoder makes of random latents, "
        f"without the noise that the likelihood adds.{some}"
    )
    return [*shown, ("Samples", text, marginals, "small")]


def _fit(name: str, x: Array, x_mean: Array, wild: tuple[Array, Array]) -> str:
    """Chart of one column, observed against reconstructed, with its explained variance."""
    with chart((2.0, 2.0)) as (axes,):
        low, high = float(min(x.min(), x_mean.min())), float(max(x.max(), x_mean.max()))
        margin = 0.15 * (high - low) or 1.0
        limits = low - margin, high + margin
        axes.plot(limits, limits, color=MUTED, lw=0.9)
        few = evenly_spaced(len(x), 300)
        axes.scatter(x[few], x_mean[few], s=6, color=NORMAL, alpha=0.55, lw=0)
        few = evenly_spaced(len(wild[0]), 150)
        inside = [np.clip(v[few], *limits) for v in wild]
        axes.scatter(
            inside[0], inside[1], s=12, marker="x", color=ANOMALY, linewidths=0.8, clip_on=False
        )
        axes.set(xlim=limits, ylim=limits, title=name)
        axes.locator_params(nbins=4)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticks(compact))
        r2 = _explained(x, x_mean)
        axes.text(0.97, 0.05, f"R² {r2}", transform=axes.transAxes, ha="right", color=MUTED)
        return svg(axes, f"{name}: observed against reconstructed, R squared {r2}.")


def _explained(x: Array, x_mean: Array) -> str:
    """Share of variance that is explained, as text; short where the column hardly varies."""
    r2 = 1 - float(np.mean((x - x_mean) ** 2)) / max(float(np.var(x)), 1e-30)
    return f"{r2:.2f}" if r2 > -100 else "below -100"


def _marginal(name: str, x: Array, drawn: Array) -> str:
    """Histogram of one column's values, in the data and in samples."""
    with chart((2.0, 1.5)) as (axes,):
        low, high = float(x.min()), float(x.max())
        bins = np.linspace(low, high if high > low else low + 1.0, 25)
        filled: dict[str, Any] = {"histtype": "stepfilled", "alpha": 0.45, "color": NORMAL}
        outlined: dict[str, Any] = {"histtype": "step", "lw": 1.5, "color": MODEL}
        for values, style in ((x, filled), (drawn, outlined)):
            weights = np.full(len(values), 100.0 / len(values))
            axes.hist(np.clip(values, low, bins[-1]), bins.tolist(), weights=weights, **style)
        axes.set_title(name)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(ticks(compact))
        return svg(axes, f"{name}: distribution of the data and of samples.")


def _shares(names: Sequence[str], x: Array, drawn: Array) -> str:
    """Chart of the frequency of each value of a category, in the data and in samples."""
    few = range(min(len(names), 8))
    with chart((2.0, 0.32 * len(few) + 0.8)) as (axes,):
        across = np.arange(len(few))
        axes.barh(across - 0.19, 100 * x.mean(0)[few], 0.36, color=NORMAL, alpha=0.6)
        axes.barh(across + 0.19, 100 * drawn.mean(0)[few], 0.36, color=MODEL)
        axes.set_yticks(across, shorts([names[i] for i in few], 14))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("rows, %")
        return svg(axes, f"{', '.join(names)}: shares in the data and in samples.")


def _names(card: DataCard) -> list[str]:
    """Names of columns or channels; of values where a row has more axes than that."""
    if len(card.input_shape) > 2:
        return [f"x{i}" for i in range(int(np.prod(card.input_shape)))]
    return list(card.feature_names or (f"x{i}" for i in range(card.input_shape[-1])))
