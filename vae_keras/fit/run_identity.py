"""Identity of a run: options, rows and versions that decide whether it can be resumed."""

import dataclasses
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

import keras

from vae_keras import data
from vae_keras.configs import DataConfig, ModelConfig, TrainConfig
from vae_keras.data import Split
from vae_keras.run import RUN, Config, Run, open_run

TOOLS = ("vae-keras", "keras", "tensorflow", "tensorflow-cpu", "jax", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the tools that shape a model."""
    found = {tool: importlib.metadata.version(tool) for tool in TOOLS if _is_installed(tool)}
    return {"python": platform.python_version(), **found}


def find_finished(out: str | Path, config: Config, fingerprint: str) -> Run | None:
    """Finished run at `out` with these options and rows; None where there is no run.

    Raises:
        ValueError: it is of other options or rows; to resume it would be to replace it.
    """
    if not (Path(out) / RUN.mark).exists():
        return None
    run = open_run(out)
    asked = dataclasses.replace(config, versions=run.config.versions)
    if (run.config, run.data.fingerprint) != (asked, fingerprint):
        raise ValueError(
            f"{out}: expected the options and rows that the finished run there was trained with, "
            "to resume it. Received: others. Train without --resume to replace it, or choose "
            "another --out."
        )
    return run


def identity_of(
    data_config: DataConfig,
    model_config: ModelConfig,
    train_config: TrainConfig,
    fingerprints: dict[str, str | None],
) -> dict[str, Any]:
    """Options, data hashes and backend that define a run, as JSON would give them back."""
    asked = {
        "data": dataclasses.asdict(data_config),
        "model": dataclasses.asdict(model_config),
        "training": dataclasses.asdict(train_config),
        **fingerprints,
        "backend": keras.backend.backend(),  # each draws noise and order its own way
    }
    return json.loads(json.dumps(asked))


def fingerprints_of(rows: Split) -> dict[str, str | None]:
    """Hashes of the training rows and of their labels."""
    labels = None if rows.labels is None else data.fingerprint(rows.labels["train"])
    return {"rows": data.fingerprint(rows.train), "labels": labels}


def _is_installed(tool: str) -> bool:
    try:
        importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
