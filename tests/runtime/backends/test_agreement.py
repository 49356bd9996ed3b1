"""What a graph answers once it is open is held against what the manifest says."""

import re
from pathlib import Path

import numpy as np
import pytest

from vae_runtime import BundleError
from vae_runtime.backends.agreement import failure, warm_up
from vae_runtime.bundle import open_bundle

MANIFEST = open_bundle(Path(__file__).parents[2] / "golden" / "sensors-1.vaeb").manifest


class Answering:
    """A session of the scorer that gives these answers, zeros where none are given."""

    def __init__(self, **given):
        file = MANIFEST.file("scorer")
        self.inputs, self.outputs, self.parity = file.inputs, file.outputs, file.parity
        self._given = given

    def run(self, outputs, feeds):
        assert {name: len(value) for name, value in feeds.items()} == {"x": 1, "noise": 1}
        shapes = {tensor.name: (1, *tensor.shape[1:]) for tensor in self.outputs}
        return [self._given.get(n, np.zeros(shapes[n], np.float32)) for n in outputs]


def test_answers_as_the_manifest_says_are_taken_also_where_they_are_not_finite():
    warm_up("scorer.onnx", Answering())
    warm_up("scorer.onnx", Answering(score=np.full(1, np.nan, np.float32)))


@pytest.mark.parametrize(
    ("score", "received"),
    [
        (np.zeros(2, np.float32), "('float32', (2,))"),
        (np.zeros((1, 1), np.float32), "('float32', (1, 1))"),
        (np.zeros((), np.float32), "('float32', ())"),
        (np.zeros(1, np.float64), "('float64', (1,))"),
    ],
)
def test_an_answer_of_another_shape_or_dtype_is_refused(score, received):
    message = "scorer.onnx: expected score of one row as ('float32', (1,)), as the manifest says. "
    with pytest.raises(BundleError, match=re.escape(f"{message}Received: {received}.")):
        warm_up("scorer.onnx", Answering(score=score))


def test_a_failure_is_said_in_one_line_that_can_be_printed():
    error = failure("a.onnx", "X cannot load it", RuntimeError("shape \x1b[2J mismatch\nat /a.cc"))
    assert isinstance(error, BundleError)
    assert str(error) == "a.onnx: X cannot load it: shape \\x1b[2J mismatch"
