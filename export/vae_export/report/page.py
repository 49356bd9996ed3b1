"""Page `report.html`: one file without scripts, the verdict first."""

from collections.abc import Sequence
from html import escape

from vae_keras.pages.elements import badge, card, page, percent, tiles
from vae_runtime.verdicts.observed_rates import CHANCE, EXCEEDED, Promise, warnings_of

from .album import Picture
from .record import Model, Report
from .tables import alarm_table, file_table, gate_table

LIMITS_NOTES = (
    "An alarm says that a {noun} is unlike the normal {noun}s that the model has seen, not that "
    "anything is broken; and a fault that looks normal raises none.",
    "The promised share of false alarms holds for {noun}s that come from where the calibration "
    "{noun}s came from. When sensors, settings or seasons change, calibrate again.",
)
FOLDS_NOTE = (
    "The false-alarm rate is calibrated by folds, as {noun}s were few: {noun}s are scored by "
    "models that were trained without them, on fewer {noun}s than the model in here. It is an "
    "estimate, which tends to be too high, and no guarantee."
)
NO_LABELS_NOTE = (
    "The test {noun}s hold no labelled anomalies, so that nothing is known of how many would be "
    "found."
)
MACHINES = (
    "{:,} machines have thresholds of their own, which keep the promise for each of them. The "
    "figures on this page are by one threshold for all together."
)
REAL_ROWS_NOTE = (
    "The bundle holds rows of your data: those of the self-test in probe.npz, and those in the "
    "pictures above. `vae-export --synthetic-probe` leaves both out."
)
NO_ROWS_NOTE = (
    "The self-test's rows are drawn from the model, and pictures of rows are left out, so that "
    "neither holds a row of your data (--synthetic-probe)."
)
CENTRES_NOTE = (
    "The {:,} centres of the score's mixture, in the graphs, are typical rows and may be equal to "
    "rows of your data. `vae-keras train --centres 0` leaves them out."
)

# Number of charts, by layout, from which a card has full width.
WIDE_CARD_CHARTS = {"one": 2, "traces": 2, "small": 5, "long": 1}

BODY = """<header>
{verdict}
</header>
<main>
<section><h2>Alarms</h2>
{alarms}</section>
<section><h2>Files</h2>
{files}
{left_out}</section>
<section><h2>What each file had to pass</h2>
{gates}</section>
<section><h2>Pictures</h2>
<p>Of the held-back {noun}s. Of any others, as a page of their own:
<code>vae-keras evaluate BUNDLE --data FILE --out page.html</code>.</p>
<div class="pile">
{pictures}</div></section>
<section><h2>The model</h2>
{facts}</section>
<section><h2>What not to expect</h2>
{limits}</section>
</main>"""


def render(record: Report, pictures: Sequence[Picture]) -> str:
    """Renders the page."""
    alarm = record.alarms["fp32"]
    limits = [
        *LIMITS_NOTES,
        *[FOLDS_NOTE] * (alarm.folds > 1),
        *[NO_LABELS_NOTE] * (not alarm.anomalies),
    ]
    limits = [sentence.format(noun=record.model.noun) for sentence in limits]
    limits += [MACHINES.format(alarm.machines)] if alarm.machines else []
    limits.append(NO_ROWS_NOTE if record.synthetic_probe else REAL_ROWS_NOTE)
    limits += [CENTRES_NOTE.format(record.centres)] if record.centres else []
    body = BODY.format(
        noun=record.model.noun,
        verdict=_verdict(record),
        alarms=alarm_table(record),
        files=file_table(record),
        left_out="".join(
            f"<p>No <code>{escape(name)}</code>: {escape(reason.removesuffix('.'))}.</p>"
            for name, reason in record.left_out.items()
        ),
        gates=gate_table(record),
        pictures="".join(map(_card, pictures)),
        facts=_facts(record),
        limits="".join(f"<p>{escape(sentence)}</p>\n" for sentence in limits),
    )
    return page(f"{record.model.name}: verification report", body)


def _verdict(record: Report) -> str:
    """Head of the page: verification, state of the alarm, and the main figures."""
    degraded = [file.name for file in record.files if file.degraded]
    badge, said = (
        '<span class="badge">✓ verified: files answer as Keras does</span>',
        f"All {len(record.files)} files answer as the trained Keras model does, to within what "
        "their precision allows.",
    )
    if degraded:
        badge, said = (
            '<span class="badge warn">! verified, with losses that were allowed</span>',
            f"{len(degraded)} of {len(record.files)} files lost more accuracy than they may, which "
            f"was allowed at export: {', '.join(degraded)}. The others answer as the trained Keras "
            "model does.",
        )
    return (
        f"{badge}\n{_promises(record)}\n<h1>{escape(record.model.name)}</h1>\n"
        f'<p class="lead">{escape(said)}</p>\n{_warnings(record)}{tiles(_tiles(record))}'
    )


def _promises(record: Report) -> str:
    """Badges of the alarm's state, for the precision that does worst."""
    alarms = record.alarms.values()
    rate = next((a for a in alarms if a.rate == EXCEEDED), record.alarms["fp32"])
    ranking = next((a for a in alarms if a.ranking == CHANCE), record.alarms["fp32"])
    return "\n".join(
        (
            badge(f"alarm: {rate.rate_said}", rate.rate, warn=rate.rate == EXCEEDED),
            badge(
                f"ranking: {ranking.ranking_said}", ranking.ranking, warn=ranking.ranking == CHANCE
            ),
        )
    )


def _warnings(record: Report) -> str:
    """Paragraphs with advice for promises that are not kept."""
    found = {
        name: Promise(a.rate, a.ranking, a.most_by_chance, a.rate_said, a.ranking_said)
        for name, a in record.alarms.items()
    }
    return "".join(f'<p class="warning">{escape(line)}</p>\n' for line in warnings_of(found))


def _tiles(record: Report) -> list[tuple[str, str, str]]:
    """Name, figure and note of the main results, in float32."""
    alarm, accuracy, noun = record.alarms["fp32"], record.model.accuracy, f"{record.model.noun}s"
    found = [
        (
            "Alarms above",
            f"{alarm.threshold:.4g} nats",
            f"from {alarm.calibration_rows:,} calibration {noun}"
            f"{f' in {alarm.folds} folds' if alarm.folds > 1 else ''}",
        ),
        (
            "False alarms expected" if alarm.folds > 1 else "False alarms promised",
            f"≤ {percent(alarm.alpha)}",
            f"of normal {noun} (alpha)",
        ),
    ]
    if alarm.false_alarm_rate is not None:
        note = f"of {alarm.normal_rows:,} normal test {noun}"
        found.append(("False alarms seen", percent(alarm.false_alarm_rate), note))
    if alarm.detection_rate is not None:
        note = f"of {alarm.anomalies:,} in the test {noun}"
        found.append(("Anomalies found", percent(alarm.detection_rate), note))
    if alarm.auroc is not None:
        found.append(("AUROC", f"{alarm.auroc:.4f}", "1 is perfect, 0.5 is chance"))
    if accuracy is not None:
        note = f"right about, of {len(record.model.classes or ())}, on held-back {noun}"
        found.append(("Classes", percent(accuracy), note))
    return found


def _card(picture: Picture) -> str:
    """Card of a picture, of full width where it has many charts."""
    wide = "wide" if len(picture.charts) >= WIDE_CARD_CHARTS[picture.layout] else ""
    return card(picture.title, picture.text, picture.charts, picture.layout, wide)


def _facts(record: Report) -> str:
    model, noun = record.model, f"{record.model.noun}s"
    facts = {
        "What it is": f"a variational autoencoder of {_shape(model)}, with "
        f"{model.latent_dim} latents and {model.parameters:,} parameters",
        "Likelihood": f"{model.likelihood}; trained with a KL weight of {model.beta:g}",
        "Score": model.score,
        "Classes": ", ".join(model.classes or ()),
        noun.capitalize(): ", ".join(f"{count:,} {split}" for split, count in model.rows.items()),
        "Licence of the data": model.license or "not stated",
        "Trained with": ", ".join(f"{tool} {number}" for tool, number in model.versions.items()),
        "Measured on": ", ".join(f"{name} {value}" for name, value in record.machine.items()),
        f"sha256 of the training {noun}": model.fingerprint,
    }
    items = (f"<dt>{name}</dt><dd>{escape(said)}</dd>\n" for name, said in facts.items() if said)
    return f'<dl class="facts card">\n{"".join(items)}</dl>'


def _shape(model: Model) -> str:
    if model.noun == "window":
        window, *channels = model.input_shape
        return f"windows of {window} rows of {' by '.join(map(str, channels))} channels"
    if model.noun == "image":
        height, width, depth = model.input_shape
        return f"images of {width} x {height} pixels (width x height), {_channels(depth)}"
    return f"rows of {' by '.join(map(str, model.input_shape))} values"


def _channels(count: int) -> str:
    return {1: "grey", 3: "in colour"}.get(count, f"of {count} channels")
