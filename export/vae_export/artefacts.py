"""A graph as a file: its bytes, how to run it, and what it answers on the rows it is judged by."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vae_keras import elbo
from vae_keras.evaluate import BATCH
from vae_runtime.bundle import manifest
from vae_runtime.units import ascending

from . import engines, read_onnx, read_tflite
from .conversion import Conversion
from .engines import Engine
from .evidence import Evidence
from .graphs import Array, Arrays, Graph, Interface
from .variants import Material, Variant

Figures = dict[str, float]  # what a gate measured, by name

OPEN: dict[str, Callable[[str, bytes], Engine]] = {
    "onnx": engines.open_onnx,
    "tflite": engines.open_tflite,
}
OPS: dict[str, Callable[[bytes], tuple[str, ...]]] = {
    "onnx": read_onnx.ops,
    "tflite": read_tflite.ops,
}


@dataclass(frozen=True)
class Artefact:
    """One file to be, and what it is measured against."""

    graph: Graph
    variant: Variant
    conversion: Conversion
    evidence: Evidence
    title: str | None = None

    @property
    def name(self) -> str:
        """Of the file; of what is none, what it is."""
        return self.title or self.variant.name(self.graph.role)

    @property
    def is_float(self) -> bool:
        """Whether it is held to answer as Keras does, up to rounding."""
        return self.variant.precision == "fp32"

    @property
    def interface(self) -> Interface:
        """What its inputs and outputs are to be."""
        return self.variant.interface(self.graph)

    @property
    def feeds(self) -> Arrays:
        """What its tensors are compared on."""
        known = self.evidence
        return known.network_feeds if self.variant.networks else known.feeds

    @property
    def advice(self) -> str:
        """What to do about a loss of accuracy."""
        return (
            f"Leave {self.variant.precision} out (--precision), or take the loss "
            "(--allow-degraded), which the manifest will say."
        )

    @cached_property
    def engine(self) -> Engine:
        """Runs the file; `ExportError` where no engine can load it."""
        return OPEN[self.variant.format](self.name, self.conversion.content)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The ops that the file uses, sorted."""
        return OPS[self.variant.format](self.conversion.content)

    @cached_property
    def calibration(self) -> Array:
        """A scorer's scores of the calibration rows."""
        return self._answers("score", self.evidence.source.calibration["x"])

    @cached_property
    def test(self) -> Array:
        """A scorer's scores of the test rows."""
        return self._answers("score", self.evidence.source.test["x"])

    @cached_property
    def faults(self) -> Array:
        """A scorer's scores of rows with gross faults."""
        return self._answers("score", self.evidence.faults)

    @cached_property
    def probabilities(self) -> Array:
        """A classifier's answers to all rows that training never saw."""
        return self._answers("probabilities", self.evidence.unseen["x"])

    @cached_property
    def conformal(self) -> Array:
        """The scores that this scorer's rank among, ascending, see `Evidence.conformal`."""
        return np.sort(self.evidence.conformal(self.calibration))

    def calibrate(self) -> manifest.Calibration:
        """The alarm calibration of this scorer, whose threshold is its own."""
        source, rounding = self.evidence.source, self.evidence.rounding
        scores = self.evidence.conformal(self.calibration)  # row by row, as units are
        names = source.calibration.get("unit")
        return manifest.Calibration(
            source.alpha,
            rounding,
            tuple(np.sort(scores).tolist()),
            folds=source.card.folds,
            units=None if names is None else ascending(scores, names),
        )

    def _answers(self, output: str, x: Array) -> Array:
        starts = range(0, len(x), BATCH)
        return np.concatenate([self.engine({"x": x[s : s + BATCH]})[output] for s in starts])


def make(graph: Graph, variant: Variant, evidence: Evidence, material: Material) -> Artefact:
    """Converts a graph; nothing is judged yet."""
    graph = graph if variant.optional_inputs else graph.without_defaults()
    return Artefact(graph, variant, variant.convert(graph, material), evidence)


def scorer_of(encoder: Artefact, decoder: Artefact, scorer: Graph) -> Artefact:
    """What a device computes that has the two networks and does a score's arithmetic itself.

    It is no file, but it raises alarms: its verdicts are examined, and it has a threshold.
    """
    source = encoder.evidence.source

    def run(feeds: Arrays) -> Arrays:
        x = np.asarray(source.vae.preprocessing(feeds["x"]))
        posterior = encoder.engine({"x": x})
        z_mean, z_log_var = posterior["z_mean"], posterior["z_log_var"]
        parameters = decoder.engine({"z": z_mean})["parameters"]
        nll = np.asarray(source.vae.likelihood.feature_nll(x, parameters))
        kl = np.asarray(elbo.kl(z_mean, z_log_var))
        return {"score": nll.reshape(len(x), -1).sum(1) + kl}

    title = f"the score of {encoder.name} and {decoder.name}"
    graph, nothing = scorer.without_defaults(), Conversion(b"")
    pair = Artefact(graph, encoder.variant, nothing, encoder.evidence, title)
    pair.__dict__["engine"] = run  # where cached_property keeps it
    return pair
