"""Artefacts whose answers a test makes up: no file is behind them."""

from types import SimpleNamespace

import numpy as np
import pytest

from vae_export.artefacts import Artefact
from vae_export.conversion import Conversion
from vae_export.evidence import Evidence
from vae_export.variants import Variant


@pytest.fixture(scope="session")
def artefact():
    """Makes them: see `_artefact`."""
    return _artefact


def _artefact(graph, engine, *, precision="fp32", feeds=None, units=None, rounding=0.0, **judged):
    """A file of this graph that answers as `engine` does; `judged` as `_evidence` takes it."""
    variant = Variant("onnx", precision, lambda graph, material: Conversion(b""))
    made = Artefact(
        graph, variant, Conversion(b""), _evidence(feeds or {}, units or {}, rounding, **judged)
    )
    made.__dict__["engine"] = engine  # where cached_property keeps it
    return made


def _evidence(feeds, units, rounding, *, calibration_x=None, test_x=None, **keras):
    """What Keras is said to have answered: scores `calibration` and `test`, labels `y`, ..."""
    nothing = np.empty(0, np.float32)
    source = SimpleNamespace(
        alpha=0.01,
        calibration={"x": nothing if calibration_x is None else calibration_x},
        test={"x": nothing if test_x is None else test_x, "y": keras.get("y")},
    )
    made = Evidence(
        source, feeds, feeds, units, keras.get("calibration"), keras.get("test"), rounding
    )
    if "probabilities" in keras:
        made.__dict__["probabilities"] = keras["probabilities"]
    return made
