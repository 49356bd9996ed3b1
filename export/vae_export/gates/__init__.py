"""Gates: checks that every file must pass; the first that fails refuses the export.

A gate is a function of an `Artefact` that returns what it measured, or raises `ExportError`. What
costs accuracy and nothing else is a `Degraded`, which the user may allow. This folder imports
`graphs` and `convert`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vae_export.convert.artefacts import Artefact, Figures
from vae_export.errors import Degraded

from . import answers, files, verdicts


class Gate(NamedTuple):
    """Check, and the role of the graphs that it is for, all where None."""

    check: Callable[[Artefact], Figures]
    role: str | None = None


GATES = {
    "converter": Gate(files.converter),
    "checker": Gate(files.checker),
    "version": Gate(files.version),
    "ops": Gate(files.ops),
    "interface": Gate(files.interface),
    "runs": Gate(answers.runs),
    "tensors": Gate(answers.tensors),
    "batches": Gate(answers.batches, "scorer"),
    "ranking": Gate(verdicts.ranking, "scorer"),
    "verdicts": Gate(verdicts.flips, "scorer"),
    "auroc": Gate(verdicts.auroc, "scorer"),
    "faults": Gate(verdicts.faults, "scorer"),
    "classes": Gate(verdicts.classes, "classifier"),
}


CONVERSION = ("converter", "checker", "version", "ops", "interface", "runs", "tensors")
# all that there is to say of a score without a file
JUDGING = ("ranking", "verdicts", "auroc", "faults")


@dataclass(frozen=True)
class Finding:
    """Result of one gate on one file. `degraded` says what was lost where the user allowed it."""

    gate: str
    figures: Figures
    degraded: str | None = None


@dataclass(frozen=True)
class Verified:
    """File that has passed every gate, with what each gate found."""

    artefact: Artefact
    findings: tuple[Finding, ...]

    @property
    def parity(self) -> Figures:
        """Largest deviation of each output from Keras's."""
        return self.figures("tensors")

    @property
    def degraded(self) -> tuple[str, ...]:
        """Losses beyond the limits, where the user allowed them."""
        return tuple(finding.degraded for finding in self.findings if finding.degraded)

    def figures(self, gate: str) -> Figures:
        """Measurements of a gate; empty if the gate is not for this file."""
        return next((f.figures for f in self.findings if f.gate == gate), {})


def examine(
    artefact: Artefact, gates: Sequence[str] = tuple(GATES), *, allow_degraded: bool = False
) -> Verified:
    """Runs every gate that is for a file.

    Args:
        artefact: the file.
        gates: the names of those to take it through, in order.
        allow_degraded: whether one of lower precision may lose accuracy beyond the limits.

    Raises:
        ExportError: it failed one; names the file, the gate and the reason.
    """
    findings = []
    for name, gate in ((name, GATES[name]) for name in gates):
        if gate.role not in (None, artefact.graph.role):
            continue
        try:
            findings.append(Finding(name, gate.check(artefact)))
        except Degraded as error:
            if artefact.is_float or not allow_degraded:
                raise
            findings.append(Finding(name, error.figures, error.loss))
    return Verified(artefact, tuple(findings))
