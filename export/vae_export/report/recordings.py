"""False alarms of each recording, each judged by a threshold that other recordings set."""

from collections.abc import Mapping

import numpy as np

from vae_export.graphs.evidence import Evidence
from vae_keras.alike_rows import alarms_by_the_others, recording_names
from vae_keras.pages.drawing import chart, shorts, svg
from vae_keras.pages.inks import ANOMALY, INK, NORMAL
from vae_runtime.verdicts.calibration import p_values
from vae_runtime.verdicts.recordings import RecordingAlarms, by_recording, describe, together

NAMED = 16  # recordings whose names fit beside their bars
BAR = 0.17  # inches


def false_alarms(known: Evidence) -> dict[str, RecordingAlarms]:
    """Counts each recording's false alarms, see `Metrics.by_recording`; empty without recordings.

    By one threshold for all machines together, as all figures of the report.
    """
    source, reference = known.source, known.references["score"]
    names = recording_names(source.test)
    if names is None:
        return {}
    scores, alpha = reference.conformal(known.calibration), source.alpha
    alone = {name: rows for name, rows in source.calibration.items() if name != "machine"}
    normal = ~source.test["y"]
    alarm = p_values(known.test[normal], np.sort(scores), reference.rounding) <= alpha
    return together(
        alarms_by_the_others(scores, alone, alpha=alpha, rounding=reference.rounding),
        by_recording(alarm, names[normal]),
    )


def draw(counts: Mapping[str, RecordingAlarms], alpha: float) -> str:
    """Bars of the share of false alarms of each recording, most first, with the level asked for."""
    rates = {name: 100 * each.rate for name, each in counts.items() if each.normal_rows}
    order = sorted(rates, key=lambda name: -rates[name])
    shares = [rates[name] for name in order]
    named = len(order) <= NAMED
    with chart((3.7, max(1.4, 0.9 + BAR * min(len(order), NAMED)))) as (axes,):
        colours = [ANOMALY if share > 100 * alpha else NORMAL for share in shares]
        axes.barh(range(len(order)), shares, color=colours, height=0.7 if named else 1.0)
        axes.axvline(100 * alpha, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
        axes.set_yticks(range(len(order)) if named else [])
        axes.set_yticklabels(shorts(order, 20) if named else [])
        axes.invert_yaxis()
        axes.set_xlim(0, max(*shares, 100 * alpha) * 1.1)
        axes.set_xlabel("false alarms, %")
        axes.grid(visible=False, axis="y")
        if not named:
            axes.set_ylabel(f"{len(order):,} recordings")
        return svg(axes, f"False alarms {describe(counts)}; asked for {100 * alpha:g} %.")


def caption(counts: Mapping[str, RecordingAlarms]) -> str:
    """Text beside the bars: what they are, and their spread."""
    text = (
        "Each recording is judged by a threshold that other recordings set, as a new one will be; "
        "the dashed line is what was asked for. "
    )
    spread = describe(counts)
    return f"{text}{spread[:1].upper()}{spread[1:]}."
