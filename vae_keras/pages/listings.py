"""Tables of an evaluation: alarm levels, recordings, episodes."""

from collections.abc import Sequence
from html import escape

import numpy as np

from vae_runtime._base.printable import printable

from .elements import DASH, bidi, percent, table
from .episodes import MOST, Blame, Episode
from .findings import Findings, Level, RecordingAlarms

MOST_RECORDINGS = 200


def level_table(findings: Findings) -> str:
    """Table of what each alarm level would find, or how many calibration rows it lacks."""
    noun, metrics = findings.noun, findings.metrics
    heads = ["alpha", "false alarms", f"of normal {noun}s", "anomalies found", "of anomalies"]
    own = findings.judge.calibration.alpha
    rows = [(_level_name(level, own), _level_cells(level)) for level in findings.levels]
    caption = (
        f"{metrics.normal_rows:,} normal {noun}s and {metrics.anomalies:,} anomalies, judged among "
        f"{metrics.calibration_rows:,} calibration {noun}s. alpha is the share of normal {noun}s "
        "that may alarm."
    )
    short = [
        f"{percent(x.alpha)} needs {x.rows_needed:,}" for x in findings.levels if x.rows_needed
    ]
    if short:
        caption += f" A dash: calibration {noun}s are too few for that level; {', '.join(short)}."
    return table("", heads, rows, caption)


def recording_table(findings: Findings) -> str:
    """Table of the alarms in each recording, and how far their rates are spread."""
    noun, found = findings.noun, findings.recordings
    heads = ["recording", f"{noun}s", "alarms", "false alarms", "false-alarm rate"]
    labelled = any(each.anomalies for each in found)
    heads += ["anomalies", "found"] if labelled else []
    shown = found
    if len(found) > MOST_RECORDINGS:
        shown = tuple(sorted(found, key=lambda each: -(each.false_alarm_rate or 0)))
    rows = [(bidi(each.name), _recording_cells(each, labelled)) for each in shown[:MOST_RECORDINGS]]
    caption = spread_said(found, noun)
    if len(found) > MOST_RECORDINGS:
        caption += f" Shown are the {MOST_RECORDINGS} of {len(found):,} with the highest rates."
    return table("names", heads, rows, caption)


def spread_said(found: Sequence[RecordingAlarms], noun: str) -> str:
    """Sentence about how far the false-alarm rates of recordings are spread."""
    rates = np.array([r.false_alarm_rate for r in found if r.false_alarm_rate is not None])
    if not len(rates):
        return f"No recording has normal {noun}s."
    low, quarter, middle, three, high = (100 * np.quantile(rates, (0, 0.25, 0.5, 0.75, 1))).tolist()
    none = int((rates == 0).sum())
    return (
        f"False-alarm rates of {len(rates):,} recordings: median {middle:.3g} %, the middle half "
        f"from {quarter:.3g} to {three:.3g} %, all from {low:.3g} to {high:.3g} %; {none:,} have "
        "no false alarm."
    )


def episode_table(findings: Findings, episodes: Sequence[Episode], blame: str) -> str:
    """Table of alarm episodes; of many, those with the highest scores."""
    noun = findings.noun
    shown = sorted(episodes, key=lambda e: -e.score)[:MOST]
    shown.sort(key=lambda e: e.peak)
    recorded, labelled = findings.recording is not None, bool(findings.dataset.y.any())
    heads = ["when", "features to blame", *["recording"] * recorded, "alarms"]
    heads += [*["labelled"] * labelled, "peak score, nats", "p-value"]
    rows = [(_when(e), _episode_cells(e, recorded, labelled)) for e in shown]
    caption = (
        "Alarms that follow on each other are one episode; the features are those of its "
        f"{noun} with the highest score. {blame}"
    )
    if len(episodes) > MOST:
        caption = f"The {MOST} highest of {len(episodes):,} episodes. {caption}"
    return table("names episodes", heads, rows, caption)


def _level_name(level: Level, own: float) -> str:
    return f"{percent(level.alpha)}{' (as calibrated)' if level.alpha == own else ''}"


def _level_cells(level: Level) -> list[str]:
    counts = level.false_alarms, level.detections
    false, found = (DASH if count is None else f"{count:,}" for count in counts)
    return [false, percent(level.false_alarm_rate), found, percent(level.detection_rate)]


def _recording_cells(each: RecordingAlarms, labelled: bool) -> list[str]:
    cells = [f"{each.rows:,}", f"{each.alarms:,}", f"{each.false_alarms:,}"]
    cells.append(percent(each.false_alarm_rate))
    return [*cells, f"{each.anomalies:,}", f"{each.detections:,}"] if labelled else cells


def _episode_cells(episode: Episode, recorded: bool, labelled: bool) -> list[str]:
    alarms = f"{episode.alarms:,}"
    if episode.alarms < episode.rows:
        alarms += f" of {episode.rows:,}"
    label = "no" if not episode.anomalies else f"{episode.anomalies:,} of {episode.rows:,}"
    return [
        "".join(map(_blame, episode.blame)) or DASH,
        *[bidi(episode.recording or "")] * recorded,
        alarms,
        *[label] * labelled,
        _nats(episode.score),
        f"{episode.p_value:.3g}",
    ]


def _when(episode: Episode) -> str:
    """Begin of an episode, and below it its end where that is another."""
    begin, end = (
        f'<span class="when">{escape(printable(text))}</span>'
        for text in (episode.start, episode.end)
    )
    return begin if episode.start == episode.end else f"{begin}<br>to {end}"


def _nats(nats: float, sign: str = "") -> str:
    return f"{nats:{sign},.0f}" if abs(nats) >= 1000 else f"{nats:{sign}.4g}"


def _blame(blame: Blame) -> str:
    return (
        f"<div><b>{bidi(blame.feature)}</b> {bidi(blame.received)}, expected "
        f'{bidi(blame.expected)} <span class="none">({_nats(blame.nats, "+")} nats)</span>'
        "</div>"
    )
