"""Latency and memory of files on this machine, each file in a process of its own."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vae_export.bundle.write import npz
from vae_export.convert.artefacts import Artefact
from vae_export.errors import ExportError
from vae_export.graphs.functions import Arrays

GAUGE = Path(__file__).with_name("gauge.py")
BATCH_SIZES = (1, 256)  # rows in a call: one reading, a bulk
SECONDS = 300  # after which a file is taken to hang


@dataclass(frozen=True)
class Cost:
    """Cost of calling a file.

    Args:
        microseconds: of a call, the median, one thread; by rows in the call.
        peak_bytes: of memory beyond the engine's own, loading and the largest call included.
    """

    microseconds: dict[str, float]
    peak_bytes: int | None


def measure(artefact: Artefact) -> Cost:
    """Measures a file in a process of its own, loaded and run as a device would.

    Raises:
        ExportError: it does not run in a process of its own, though it did in this one.
    """
    sizes = BATCH_SIZES[:1] if artefact.variant.networks else BATCH_SIZES
    with tempfile.TemporaryDirectory() as folder:
        file, feeds = Path(folder) / artefact.name, Path(folder) / "feeds.npz"
        file.write_bytes(artefact.conversion.content)
        feeds.write_bytes(npz(_feeds(artefact, max(sizes))))
        command = [sys.executable, "-I", *map(str, (GAUGE, file, feeds, *sizes))]
        try:
            done = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
        except subprocess.SubprocessError as error:
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
            raise ExportError(
                f"{artefact.name}: expected it to run in a process of its own. Received: {error} "
                f"{said[-500:]} Is memory short?"
            ) from error
    return Cost(**json.loads(done.stdout))


def _feeds(artefact: Artefact, rows: int) -> Arrays:
    """Real rows as inputs; for integer inputs random ones, which take the same time."""
    given = artefact.interface.inputs
    if artefact.variant.networks:
        rng = np.random.default_rng(0)
        sizes = {name: (rows, *map(int, shape[1:])) for name, (_, shape) in given.items()}
        return {name: rng.integers(-128, 128, size).astype(np.int8) for name, size in sizes.items()}
    feeds = {name: artefact.feeds[name] for name in given if name not in artefact.graph.defaults}
    return {name: np.resize(value, (rows, *value.shape[1:])) for name, value in feeds.items()}
