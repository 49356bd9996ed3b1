"""Runs one command and prints how many seconds each of its phases took, as JSON; see `minute.py`.

    python minute_phases.py train|export ARGUMENT...

Functions are replaced by ones that note the time, where their callers look them up. Those that a
checkout does not have are left out, so that an older one can be timed.
"""

import functools
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

STARTED = time.monotonic()

# by phase, the functions as module:name where their callers look them up
TRAIN = {
    "start and imports": ("importlib:import_module", "builtins:__import__"),
    "survey of the columns": ("vae_keras.data:resolve",),
    "reading, splitting": ("vae_keras.training:_load", "vae_keras.training:fingerprints_of"),
    "building the models": ("vae_keras.fit.train_model:build",),
    "tracing": (
        "tensorflow.python.eager.polymorphic_function.tracing_compilation:trace_function",
        "tensorflow.python.eager.polymorphic_function.polymorphic_function:Function._initialize",
        "vae_keras.model.vae:VAE.train_step",
        "vae_keras.model.vae:VAE.test_step",
    ),
    "epochs": ("vae_keras.fit.train_model:fit",),
    "k-means": ("vae_keras.fit.train_model:Learner._fit",),
    "scoring": (
        "vae_keras.training:score_rows",
        "vae_keras.evaluate:score_rows",
        "vae_keras.fit.folds:score_rows",
        "vae_keras.training:describe_latents",
    ),
    "evaluation": ("vae_keras.training:evaluate_held_back",),
    "saving": ("vae_keras.training:write_run", "vae_keras.fit.folds:write_checkpoint"),
}
EXPORT = {
    "start and imports": TRAIN["start and imports"],
    "answers of Keras": (
        "vae_export.graphs.source:of_run",
        "vae_export.graphs.evidence:gather",
        "vae_export.graphs.evidence:answers",
        "vae_export.exporting:_probe",
    ),
    "to ONNX": ("vae_export.convert.to_onnx:to_onnx",),
    "to TFLite": (
        "vae_export.convert.to_tflite:to_tflite",
        "vae_export.convert.quantize_tflite:to_tflite",
    ),
    "int8 of ONNX": (
        "vae_export.convert.quantize_onnx:choose",
        "vae_export.convert.quantize_onnx:quantize",
    ),
    "gates": ("vae_export.gates.verification:examine",),
    "measuring files": ("vae_export.report.contents:measure",),
    "report": ("vae_export.report:make",),
    "writing, self-test": ("vae_export.bundle.write:write",),
}
MODULES = {
    "train": ("vae_keras.training",),
    "export": ("vae_export.bundle.sign", "vae_export.exporting", "vae_export.servers.mlflow"),
}
REST = "the rest"


class Phases:
    """Clock of phases: a function's time without that of other phases' functions in it."""

    def __init__(self, names: list[str]) -> None:
        self.seconds = dict.fromkeys([*names, REST], 0.0)
        self._open, self._since = [names[0]], 0.0  # as all is until `begin`

    def begin(self) -> None:
        """Counts as the rest what is of no phase from here on."""
        self._note()
        self._open[0] = REST

    def of(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time noted; in other threads as it is."""

        @functools.wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*arguments, **options)
            self._enter(phase)
            try:
                return function(*arguments, **options)
            finally:
                self._leave()

        return timed

    def finish(self) -> dict[str, float]:
        """Seconds by phase."""
        self._note()
        return self.seconds

    def _enter(self, phase: str) -> None:
        self._note()
        self._open.append(phase)

    def _leave(self) -> None:
        self._note()
        self._open.pop()

    def _note(self) -> None:
        now = cpu_seconds()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


def cpu_seconds() -> float:
    """CPU seconds of this process and of those it started that are done."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def replace(place: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replaces a function, given as module:name, where it is."""
    module, _, name = place.partition(":")
    *owners, last = name.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each, None)
    if owner is not None and hasattr(owner, last):
        setattr(owner, last, wrap(getattr(owner, last)))


def main() -> None:
    """Runs the command; prints its phases."""
    command, *words = sys.argv[1:]
    known = {"train": TRAIN, "export": EXPORT}[command]
    first = next(iter(known))
    phases = Phases(list(known))
    for place in known[first]:
        replace(place, functools.partial(phases.of, first))
    run = importlib.import_module({"train": "vae_keras.cli", "export": "vae_export.cli"}[command])
    load_all(command)
    for phase, places in list(known.items())[1:]:
        for place in places:
            replace(place, functools.partial(phases.of, phase))
    phases.begin()
    print(run.main(words), file=sys.stderr)
    seconds = phases.finish()
    print(json.dumps({**seconds, "seconds on the clock": time.monotonic() - STARTED}))


def load_all(command: str) -> None:
    """Imports what the command imports as it begins, in its own way."""
    libraries = importlib.import_module("vae_keras._base.libraries")
    needed = importlib.import_module("vae_export.convert.libraries").NEEDED
    libraries.check(command, *(needed if command == "export" else ()))
    for module in MODULES[command]:
        importlib.import_module(module)


if __name__ == "__main__":
    main()
