"""Tables of the report: alarms by precision, files and their costs, files against gates."""

from collections.abc import Callable
from html import escape

from vae_export.gates import GATES
from vae_keras.pages.elements import DASH, percent, table

from .record import File, GateResult, Report

FILE_COLUMNS: dict[str, Callable[[File], str]] = {
    "size, kB": lambda file: f"{file.bytes / 1e3:,.1f}",
    "param&shy;eters": lambda file: f"{file.parameters:,}",
    "FLOPs": lambda file: DASH if file.flops is None else _big(file.flops),
    "nodes": lambda file: _nodes(file),
    "batch of 1, µs": lambda file: _known(file.microseconds.get("1"), "{:,.0f}"),
    "batch of 256, µs": lambda file: _known(file.microseconds.get("256"), "{:,.0f}"),
    "memory, MB": lambda file: _known(file.peak_bytes and file.peak_bytes / 1e6, "{:,.1f}"),
    "off Keras by": lambda file: _known(file.deviation, "{:.1e}"),
    "Spear&shy;man": lambda file: _known(file.spearman, "{:.5f}"),
    "AUROC": lambda file: _known(file.auroc, "{:.4f}"),
    "flips": lambda file: _known(file.flips, "{:,}"),
}


def alarm_table(record: Report) -> str:
    """Table of the thresholds of each precision and the alarms on the test rows."""
    heads = ["alpha", "alarms above, nats", "false alarms", "anomalies found", "AUROC"]
    first = record.alarms["fp32"]
    rows = [
        (
            escape(name),
            [
                percent(alarm.alpha),
                f"{alarm.threshold:,.4f}",
                percent(alarm.false_alarm_rate),
                percent(alarm.detection_rate),
                _known(alarm.auroc, "{:.4f}"),
            ],
        )
        for name, alarm in record.alarms.items()
    ]
    noun, scored = f"{record.model.noun}s", "that training never saw"
    if first.folds > 1:
        scored = f"in {first.folds} folds, each scored by a model that was trained without it"
    caption = (
        f"Each precision has a threshold of its own, from {first.calibration_rows:,} normal {noun} "
        f"{scored}. Rates are of the test {noun}: {first.normal_rows:,} normal, "
        f"{first.anomalies:,} anomalies."
    )
    return table("", ["precision", *heads], rows, caption)


def file_table(record: Report) -> str:
    """Table of the files' costs and of their distance from Keras."""
    rows = [
        (_name(file), [write(file) for write in FILE_COLUMNS.values()]) for file in record.files
    ]
    noun = record.model.noun
    caption = (
        f"FLOPs: operations of a {noun} in matrices and convolutions, a multiply-add as two. "
        "Nodes: as converted → as exported. Times: median of calls on one thread of this "
        "machine. Memory: peak beyond that of the engine alone, with a batch of 256 (of one in "
        "int8 TFLite). Off Keras by: largest deviation of any output, as a share of the output's "
        f"largest magnitude. Spearman: how alike the scores rank {noun}s. Flips: verdicts, or "
        "classes, that are not those of Keras."
    )
    return table("", ["file", *FILE_COLUMNS], rows, caption)


def gate_table(record: Report) -> str:
    """Table of files against gates, followed by the measurements of each gate."""
    names = list(GATES)
    rows = [(_name(file), [_mark(file.gates.get(name)) for name in names]) for file in record.files]
    caption = (
        "✓: passed. !: lost more than it may, which was allowed. Dash: not for this kind of file. "
        "Encoder and decoder of int8 TFLite are judged by the score that is computed around both."
    )
    lost = [check.lost for file in record.files for check in file.gates.values() if check.lost]
    losses = "".join(f"<li>{escape(sentence)}</li>" for sentence in dict.fromkeys(lost))
    explained = "".join(
        f"<li><b>{name}</b>: {escape(_first_line(gate.check.__doc__))}</li>"
        for name, gate in GATES.items()
    )
    measured = "".join(
        f"<li><b>{escape(file.name)}</b>: {escape(_measured(file))}</li>" for file in record.files
    )
    return (
        f"{losses and f'<ul>{losses}</ul>'}{table('gates', ['file', *names], rows, caption)}"
        f"<details><summary>What each gate checks</summary><ul>{explained}</ul></details>"
        f"<details><summary>What each gate measured</summary><ul>{measured}</ul></details>"
    )


def _name(file: File) -> str:
    mark = ' <span class="degraded">degraded</span>' if file.degraded else ""
    return f"{escape(file.name)}{mark}"


def _mark(check: GateResult | None) -> str:
    if check is None:
        return DASH
    figures = escape(check.lost or _figures(check))
    sign = "!" if check.lost else "✓"
    return (
        f'<span class="{check.result}" title="{figures}" aria-label="{check.result}">{sign}</span>'
    )


def _measured(file: File) -> str:
    found = {name: _figures(check) for name, check in file.gates.items()}
    return "; ".join(f"{name}: {figures}" for name, figures in found.items() if figures)


def _figures(check: GateResult) -> str:
    return ", ".join(
        f"{name} {'no number' if value is None else f'{value:.4g}'}"
        for name, value in check.figures.items()
    )


def _nodes(file: File) -> str:
    if file.nodes is None:
        return DASH
    return f"{file.nodes_before} → {file.nodes}" if file.nodes_before else str(file.nodes)


def _known(value: float | None, form: str) -> str:
    return DASH if value is None else form.format(value)


def _big(count: int) -> str:
    """Formats a number with k, M or G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def _first_line(text: str | None) -> str:
    return (text or "").split("\n")[0]
