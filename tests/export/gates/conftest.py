"""Artefacts whose answers a test makes up: no file is behind them."""

from types import SimpleNamespace

import numpy as np
import pytest

from vae_export.convert.artefacts import Artefact
from vae_export.convert.result import Conversion
from vae_export.convert.variants import Variant
from vae_export.graphs.evidence import Evidence, Reference


@pytest.fixture(scope="session")
def artefact():
    """Makes them: see `_artefact`."""
    return _artefact


def _artefact(graph, engine, *, precision="fp32", feeds=None, error_scales=None, **judged):
    """A file of this graph that answers as `engine` does; `judged` as `_evidence` takes it."""
    variant = Variant("onnx", precision, lambda graph, material: Conversion(b""))
    made = Artefact(
        graph, variant, Conversion(b""), _evidence(feeds or {}, error_scales or {}, **judged)
    )
    made.__dict__["engine"] = engine  # where cached_property keeps it
    return made


def _evidence(feeds, error_scales, *, calibration_x=None, test_x=None, rounding=0.0, **keras):
    """What Keras is said to have answered: scores `calibration` and `test`, labels `y`, ...

    `references` are those of several scores, in place of `calibration`, `test` and `rounding`.
    """
    nothing = np.empty(0, np.float32)
    source = SimpleNamespace(
        alpha=0.01,
        calibration={"x": nothing if calibration_x is None else calibration_x},
        test={"x": nothing if test_x is None else test_x, "y": keras.get("y")},
    )
    only = {"score": Reference(keras.get("calibration"), keras.get("test"), rounding)}
    made = Evidence(source, feeds, feeds, error_scales, keras.get("references", only))
    if "probabilities" in keras:
        made.__dict__["probabilities"] = keras["probabilities"]
    return made
