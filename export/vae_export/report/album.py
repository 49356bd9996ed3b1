"""Pictures of a report, as far as the model and its rows allow."""

from dataclasses import dataclass

import numpy as np

from vae_export.graphs.evidence import Evidence
from vae_keras.pages.figures import operating, scores

from . import figures, kinds, recordings, series
from .record import Report
from .rows import anomalies, normal_rows


@dataclass(frozen=True)
class Picture:
    """Charts that belong together, as elements of an HTML page, with a caption.

    `layout` is how they stand beside each other: one, traces, small or long.
    """

    title: str
    text: str
    charts: tuple[str, ...]
    layout: str = "one"


def draw(known: Evidence, record: Report) -> list[Picture]:
    """Draws scores first, then rows, latents and losses; no rows where the bundle has none."""
    noun, shown = record.model.noun, _scores(known, record)
    if not record.synthetic_probe:
        shown = [*_series(known), *shown, *_rows(known, record)]
    if known.source.history:
        text = f"Nats of a {noun}, mean over {noun}s. The first twentieth may be above the frame."
        shown.append(Picture("Learning", text, (figures.losses(known.source.history),)))
    return shown


def _rows(known: Evidence, record: Report) -> list[Picture]:
    """Pictures of rows that training never saw, of their reconstructions and their latents."""
    source, normal, wild = known.source, normal_rows(known), anomalies(known)
    noun, shown = record.model.noun, []
    for title, text, charts, layout in kinds.pictures(source.vae, source.card, normal, wild):
        shown.append(Picture(title, text, tuple(charts), layout))
    by = "by class where it is known" if record.model.classes else f"each dot one {noun}"
    text = f"The encoder's means for {noun}s that training never saw, {by}. "
    text += "Anomalies beyond the frame are at its edge." if len(wild.x) else ""
    chart = figures.latents(normal, wild, record.model.classes, noun=noun)
    return [*shown, Picture("Latents", text, (chart,))]


def _series(known: Evidence) -> list[Picture]:
    """Scores in the order of the file, on its times, which are of the data as rows are."""
    found = series.draw(known)
    if found is None:
        return []
    title, text, chart = found
    return [Picture(title, text, (chart,), "long")]


def _scores(known: Evidence, record: Report) -> list[Picture]:
    """Histogram of scores; calibration for normal test rows; ROC where there are labels."""
    noun, y, alarm = record.model.noun, known.source.test["y"], record.alarms["fp32"]
    normal = np.concatenate(
        [known.references["score"].conformal(known.calibration), known.test[~y]]
    )
    text = f"Scores of {noun}s that training never saw, as Keras and the float32 files give them."
    if known.is_crossed:
        text = (
            f"Scores of the {noun}s trained on, each by a model without its fold, and of the test "
            f"{noun}s by this model."
        )
    chart = scores(normal, known.test[y], alarm.threshold, noun=noun)
    shown = [Picture("Scores", text, (chart,))]
    if record.false_alarms is not None:
        text = (
            f"Each alarm level that could be asked for, and the share of normal test {noun}s that "
            "alarmed; none at all is at the bottom. In the shade are 19 of 20 such shares by "
            "chance."
        )
        chart = figures.calibration(record.false_alarms, alarm.alpha, noun=noun)
        shown.append(Picture("False alarms", text, (chart,)))
    if record.by_recording:
        text = recordings.caption(record.by_recording)
        chart = recordings.draw(record.by_recording, alarm.alpha)
        shown.append(Picture("False alarms by recording", text, (chart,)))
    false, found = alarm.false_alarm_rate, alarm.detection_rate
    if false is not None and found is not None and alarm.auroc is not None:
        text = "Every threshold there could be; the dot is the one that was calibrated."
        chart = operating(known.test, y, (false, found), alarm.auroc, noun=noun)
        shown.append(Picture("Anomalies found", text, (chart,)))
    return shown
