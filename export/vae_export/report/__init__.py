"""Report of what was verified and measured: `report.html` and `report.json`.

Measured figures, latency and memory, differ from run to run; they are nowhere else in a bundle.
This folder imports `graphs`, `convert`, `gates` and `bundle`.
"""

from collections.abc import Mapping, Sequence

from vae_export.convert.artefacts import Artefact
from vae_export.gates import Verified
from vae_export.graphs.evidence import Evidence
from vae_runtime._base import typed_json

from .album import draw
from .contents import make_record
from .page import render


def make(
    known: Evidence,
    verified: Sequence[Verified],
    scorers: Mapping[str, Artefact],
    refused: Mapping[str, str],
    *,
    synthetic_probe: bool = False,
) -> dict[str, bytes]:
    """Makes both files of the report; returns them by name.

    Args:
        known: the model, its rows, and what Keras answers.
        verified: every file, and what the gates found.
        scorers: by name of the calibration, what scores there; fp32 among them.
        refused: why files that were asked for are not there, by what they are.
        synthetic_probe: whether the bundle is to show no rows of the data; then no picture does.
    """
    record = make_record(known, verified, scorers, refused, synthetic_probe=synthetic_probe)
    return {
        "report.json": typed_json.dumps(record).encode(),
        "report.html": render(record, draw(known, record)).encode(),
    }
