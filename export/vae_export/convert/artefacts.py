"""Artefact: a graph as a file, how to run it, and its answers on calibration and test rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vae_export.graphs.evidence import Evidence, Reference
from vae_export.graphs.functions import Array, Arrays, Graph, Interface
from vae_keras.evaluate import evaluate
from vae_keras.model.scoring import BATCH
from vae_runtime.bundle import manifest
from vae_runtime.verdicts.machines import ascending
from vae_runtime.verdicts.scorer import total

from . import engines, read_onnx, read_tflite
from .engines import Engine
from .result import Conversion
from .variants import Material, Variant

Figures = dict[str, float]  # what a gate measured, by name

ENGINES: dict[str, Callable[[str, bytes], Engine]] = {
    "onnx": engines.open_onnx,
    "tflite": engines.open_tflite,
}
OP_READERS: dict[str, Callable[[bytes], tuple[str, ...]]] = {
    "onnx": read_onnx.ops,
    "tflite": read_tflite.ops,
}


@dataclass(frozen=True)
class Scored:
    """Scores of a file on calibration rows, test rows and faults, by one of the model's scores."""

    reference: Reference
    calibration: Array
    test: Array
    faults: Array

    @property
    def conformal(self) -> Array:
        """Scores that p-values rank among, ascending, see `Reference.conformal`."""
        return np.sort(self.reference.conformal(self.calibration))


@dataclass(frozen=True)
class Artefact:
    """File of a graph, with the Keras answers that it is compared with."""

    graph: Graph
    variant: Variant
    conversion: Conversion
    evidence: Evidence
    title: str | None = None

    @property
    def name(self) -> str:
        """File name; for a chain of files, a description of it."""
        return self.title or self.variant.name(self.graph.role)

    @property
    def is_float(self) -> bool:
        """True for float32, which must answer as Keras does up to rounding."""
        return self.variant.precision == "fp32"

    @property
    def interface(self) -> Interface:
        """Inputs and outputs that the file must have."""
        return self.variant.interface(self.graph)

    @property
    def feeds(self) -> Arrays:
        """Inputs on which its tensors are compared with Keras's."""
        known = self.evidence
        return known.network_feeds if self.variant.networks else known.feeds

    @property
    def all_feeds(self) -> tuple[Arrays, ...]:
        """Inputs of `feeds` and, where the probe is drawn from the model, those of the probe."""
        known = self.evidence
        drawn = known.network_drawn if self.variant.networks else known.drawn
        return (self.feeds, drawn) if drawn else (self.feeds,)

    @property
    def advice(self) -> str:
        """Advice for a loss of accuracy."""
        return (
            f"Leave {self.variant.precision} out (--precision), or take the loss "
            "(--allow-degraded), which the manifest will say."
        )

    @cached_property
    def engine(self) -> Engine:
        """Function that runs the file; `ExportError` where no engine can load it."""
        return ENGINES[self.variant.format](self.name, self.conversion.content)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """Ops in the file, sorted."""
        return OP_READERS[self.variant.format](self.conversion.content)

    @cached_property
    def scored(self) -> dict[str, Scored]:
        """Scores of a scorer on its rows, by the score's name."""
        given, references = self.evidence.source, self.evidence.references
        calibration, test = (self._scores(rows["x"]) for rows in (given.calibration, given.test))
        faults = {name: self._scores(each.faults)[name] for name, each in references.items()}
        return {
            name: Scored(each, calibration[name], test[name], faults[name])
            for name, each in references.items()
        }

    @cached_property
    def probabilities(self) -> Array:
        """Class probabilities of all rows that training never saw."""
        answers = self._answers(self.evidence.unseen["x"])
        return np.concatenate([some["probabilities"] for some in answers])

    def calibrate(self, score: str = "score") -> manifest.Calibration:
        """Alarm calibration by one of this scorer's scores; its threshold is its own.

        Args:
            score: "score", or "neg_elbo" for that of the negative ELBO alone.
        """
        source, scored = self.evidence.source, self.scored[score]
        scores = scored.reference.conformal(scored.calibration)  # row by row, as machines are
        names, rounding = source.calibration.get("machine"), scored.reference.rounding
        machines = None if names is None else ascending(scores, names)
        known = None
        if machines is not None and "machine" in source.test:
            known = source.test["machine"], machines
        metrics = evaluate(
            scored.test,
            source.test["y"],
            calibration=scores,
            alpha=source.alpha,
            rounding=rounding,
            machines=known,
            independent=self.evidence.independent,
            alike=self.evidence.alike,
        )
        return manifest.Calibration(
            source.alpha,
            rounding,
            tuple(np.sort(scores).tolist()),
            folds=source.card.folds,
            by_machine=machines,
            trial=metrics.trial,
        )

    def _scores(self, x: Array) -> Arrays:
        """Scores of any number of rows, by name."""
        names = self.evidence.references
        if not len(x):
            return dict.fromkeys(names, np.empty(0, np.float32))
        answers = self._answers(x)
        each = {name: [total(some, name) for some in answers] for name in names}
        return {name: np.concatenate(parts) for name, parts in each.items()}

    def _answers(self, x: Array) -> list[Arrays]:
        starts = range(0, len(x), BATCH)
        return [self.engine({"x": x[start : start + BATCH]}) for start in starts]


def make(graph: Graph, variant: Variant, evidence: Evidence, material: Material) -> Artefact:
    """Converts a graph to a file, which no gate has seen yet."""
    graph = graph if variant.optional_inputs else graph.without_defaults()
    return Artefact(graph, variant, variant.convert(graph, material), evidence)


def scorer_of(parts: Mapping[str, Artefact], scorer: Graph) -> Artefact:
    """Chains the int8 networks and the float graphs around them to a scorer, as a device does.

    It is no file, but it raises alarms: its verdicts are examined, and it has a threshold.

    Args:
        parts: by role the networks encoder and decoder, and the graphs preprocess and head.
        scorer: the graph that they are together.
    """
    preprocess, encoder, decoder, head = (
        parts[role].engine for role in ("preprocess", "encoder", "decoder", "head")
    )

    def run(feeds: Arrays) -> Arrays:
        u = preprocess(feeds)["u"]
        posterior = encoder({"x": u})
        parameters = decoder({"z": posterior["z_mean"]})["parameters"]
        return head({"u": u, **posterior, "parameters": parameters})

    first = parts["encoder"]
    title = f"the score of {first.name} and {parts['decoder'].name}"
    graph, nothing = scorer.without_defaults(), Conversion(b"")
    pair = Artefact(graph, first.variant, nothing, first.evidence, title)
    pair.__dict__["engine"] = run  # where cached_property keeps it
    return pair
