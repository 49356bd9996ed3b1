"""Evaluation of rows as a page, a picture and figures for scripts."""

import dataclasses
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from vae_runtime._base.printable import printable
from vae_runtime.verdicts.observed_rates import CHANCE, EXCEEDED, promise_of, warnings_of

from . import gallery, timeline
from .axis import axis_of
from .elements import badge, bidi, card, page, percent, tiles
from .episodes import Episode, episodes_of
from .figures import operating, scores
from .findings import Findings
from .listings import episode_table, level_table, recording_table

LIMITS = (
    "Alarms are {noun}s unlike the normal {noun}s that the model has seen, which does not say that "
    "anything is broken. Where {noun}s carry no label they count as normal, and every alarm on "
    "them as a false one."
)
OVERLAP = (
    "Windows share rows: as evidence they count as {counted:,} of {rows:,}, and an episode of a "
    "few rows alarms in several windows."
)
BLAME = (
    "Expected is what the other features of the same {noun} lead one to expect; nats say by how "
    "much the score falls where that value stands instead."
)
SHARES = "Nats are each feature's share of the score; expected values are the reconstruction's."
ROWS = (
    "Scores above the dashed line alarm. Orange bars are labelled anomalies, red ones alarms, grey "
    "stretches have no {noun}s. Below: the features that add most to the {what}."
)


class Drawn(NamedTuple):
    """Page as HTML, and its main picture as PNG."""

    html: str
    png: bytes


def draw(findings: Findings, *, source: str, columns: dict[str, str]) -> Drawn:
    """Draws an evaluation.

    Args:
        findings: the verdicts.
        source: of the rows, for people.
        columns: of label, time, recording and machine, as far as the rows have them.
    """
    axis = axis_of(findings.dataset.places, len(findings.score), findings.noun)
    episodes, explained = episodes_of(findings, axis)
    if findings.judge.is_image:
        found = gallery.draw(findings)
        sections, png = [_gallery(findings, found)], found.png
    else:
        line = timeline.draw(findings, axis, explained)
        sections, png = [_series(findings, line), _episodes(findings, episodes)], line.png
    sections += [*_levels(findings), *_recordings(findings), _charts(findings), _limits(findings)]
    body = f"<header>\n{_head(findings, source, columns)}</header>\n<main>\n"
    body += "".join(_section(title, content) for title, content in sections)
    return Drawn(page(printable(f"{source}: evaluation"), f"{body}</main>"), png)


def figures_of(findings: Findings) -> dict[str, Any]:
    """Figures of an evaluation for scripts: metrics, levels, recordings."""
    return {
        **dataclasses.asdict(findings.metrics),
        "rows_are": f"{findings.noun}s",
        "threshold": findings.threshold,
        "alarms": int(findings.alarm.sum()),
        "levels": [dataclasses.asdict(level) for level in findings.levels],
        "recordings": [dataclasses.asdict(each) for each in findings.recordings],
    }


Section = tuple[str, str]  # title, content as HTML


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{content}</section>\n"


def _head(findings: Findings, source: str, columns: dict[str, str]) -> str:
    metrics, noun = findings.metrics, findings.noun
    promise = promise_of(metrics.trial, metrics.alpha, metrics.calibration_rows, noun=noun)
    rate = badge(f"alarm: {promise.rate_said}", promise.rate, warn=promise.rate == EXCEEDED)
    chance = promise.ranking == CHANCE
    ranking = badge(f"ranking: {promise.ranking_said}", promise.ranking, warn=chance)
    used = "".join(f"; {name} “{bidi(column)}”" for name, column in columns.items())
    rows = f"{len(findings.score):,} {noun}s of {bidi(source)}, by {bidi(findings.judge.name)}"
    warned = "".join(f'<p class="warning">{escape(w)}</p>\n' for w in warnings_of({"": promise}))
    return (
        f"{rate}\n{ranking}\n<h1>{bidi(findings.judge.spec.name)}</h1>\n"
        f'<p class="lead">{rows}{used}.</p>\n'
        f"{warned}{tiles(_tiles(findings))}\n"
    )


def _tiles(findings: Findings) -> Iterator[tuple[str, str, str]]:
    """Name, figure and note of each main result."""
    metrics, noun = findings.metrics, findings.noun
    alarms, limit = int(findings.alarm.sum()), findings.threshold
    above, unit = ("by machine", "") if limit is None else (f"{limit:.4g}", "nats; ")
    note = f"{unit}alpha {percent(metrics.alpha)}, {metrics.calibration_rows:,} calibration {noun}s"
    yield "Alarms above", above, note
    yield "Alarms", f"{alarms:,}", f"of {len(findings.score):,} {noun}s"
    if metrics.false_alarm_rate is not None:
        note = f"of {metrics.normal_rows:,} normal {noun}s"
        yield "False alarms", percent(metrics.false_alarm_rate), note
    if metrics.detection_rate is not None:
        yield "Anomalies found", percent(metrics.detection_rate), f"of {metrics.anomalies:,}"
    if metrics.auroc is not None and metrics.auprc is not None:
        yield "AUROC", f"{metrics.auroc:.4f}", "1 is perfect, 0.5 is chance"
        share = metrics.anomalies / (metrics.anomalies + metrics.normal_rows)
        yield "AUPRC", f"{metrics.auprc:.4f}", f"1 is perfect, {share:.2g} is chance"
    if metrics.accuracy is not None:
        yield "Classes right", percent(metrics.accuracy), f"of {metrics.labelled_rows:,} {noun}s"


def _series(findings: Findings, line: timeline.Timeline) -> Section:
    what = "alarms" if findings.alarm.any() else "highest scores"
    text = ROWS.format(noun=findings.noun, what=what)
    if findings.threshold is None:
        text = text.replace("Scores above the dashed line alarm", "Each machine has a threshold")
    if findings.judge.spec.noun == "window":
        text += " A window stands at its last row."
    return "Scores and alarms", card("", text, [line.svg], "long")


def _episodes(findings: Findings, episodes: Sequence[Episode]) -> Section:
    if not episodes:
        return "Alarm episodes", "<p>There is no alarm.</p>\n"
    said = BLAME.format(noun=findings.noun) if findings.judge.expects else SHARES
    return "Alarm episodes", episode_table(findings, episodes, said)


def _levels(findings: Findings) -> list[Section]:
    return [("What other levels would find", level_table(findings))]


def _recordings(findings: Findings) -> list[Section]:
    if not findings.recordings:
        return []
    return [("Recordings", recording_table(findings))]


def _charts(findings: Findings) -> Section:
    """Histogram of scores, and the ROC curve where there are rows of both kinds."""
    y, metrics, noun = findings.dataset.y, findings.metrics, findings.noun
    fine = np.isfinite(findings.score)
    known = np.array(findings.judge.calibration.scores)
    limit = findings.threshold if findings.threshold is not None else float(known[-1])
    chart = scores(findings.score[~y & fine], findings.score[y & fine], limit, noun=noun)
    text = f"Share of the {noun}s of each kind, by score."
    charts = card("Scores", text, [chart])
    found, false = metrics.detection_rate, metrics.false_alarm_rate
    if metrics.auroc is not None and found is not None and false is not None:
        ranked = np.nan_to_num(findings.score, nan=np.inf)
        chart = operating(ranked, y, (false, found), metrics.auroc, noun=noun)
        text = "Every threshold there could be; the dot is the calibrated one."
        charts += card("Anomalies found", text, [chart])
    return "Scores by label", f'<div class="pile">\n{charts}</div>'


def _limits(findings: Findings) -> Section:
    noun, metrics = findings.noun, findings.metrics
    said = [LIMITS.format(noun=noun)]
    if metrics.independent < 1:
        rows = metrics.normal_rows + metrics.anomalies
        said.append(OVERLAP.format(counted=round(metrics.independent * rows), rows=rows))
    return "What not to expect", "".join(f"<p>{escape(sentence)}</p>\n" for sentence in said)


def _gallery(findings: Findings, found: gallery.Gallery) -> Section:
    """Cards of the images with the highest scores."""
    places, y = findings.dataset.places, findings.dataset.y
    cards = []
    for row, chart in zip(found.rows.tolist(), found.charts, strict=True):
        name = f"image {row:,}"
        if places is not None and places.file is not None:
            name = str(places.file[row])
        what = "alarm" if findings.alarm[row] else "no alarm"
        label = ", labelled an anomaly" if y[row] else ""
        text = f"{findings.score[row]:.4g} nats, p {findings.p_value[row]:.3g}: {what}{label}."
        cards.append(card(name, text, [chart]))
    text = "As received, as reconstructed, and where the score comes from: the brighter, the more."
    return "Highest scores", f'<p>{text}</p>\n<div class="album">\n{"".join(cards)}</div>'
