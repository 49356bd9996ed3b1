"""Chart of the test rows' scores in the order of the file that they are from, on its times."""

import numpy as np

from vae_export.graphs.evidence import Evidence
from vae_keras.data.places import Places
from vae_keras.pages.axis import axis_of
from vae_keras.pages.findings import Scored
from vae_keras.pages.timeline import draw_scores
from vae_runtime.verdicts.calibration import p_values, threshold

TEXT = (
    "Scores of the test {noun}s, in the order of the file. Those above the dashed line alarm; "
    "orange bars are labelled anomalies, red ones alarms."
)
SAMPLE = (
    " Shown are labelled anomalies, and the normal {noun}s that training held back to test on; "
    "those between are not known here."
)
GAPS = " Grey stretches have no test {noun}s."
WINDOW = " A window stands at its last row."


def draw(known: Evidence) -> tuple[str, str, str] | None:
    """Title, caption and chart of scores; None where nobody knows in which order rows came.

    By one threshold for all machines together, as all figures of the report.
    """
    source, noun = known.source, known.source.card.noun
    places = Places.of_arrays(source.test)
    if places is None or places.file is not None:
        return None
    order, reference = places.order, known.references["score"]
    scores = np.sort(reference.conformal(known.calibration))
    alarm = p_values(known.test, scores, reference.rounding) <= source.alpha
    usual, limit = (float(scores[0]), float(scores[-1])), threshold(scores, source.alpha)
    axis = axis_of(places[order], len(order), noun)
    scored = Scored(known.test[order], alarm[order], source.test["y"][order], usual, limit, noun)
    text = TEXT + SAMPLE * axis.sampled + GAPS * bool(axis.gaps) + WINDOW * (noun == "window")
    title = "Scores over the file" if places.time is None else "Scores over time"
    return title, text.format(noun=noun), draw_scores(scored, axis)
