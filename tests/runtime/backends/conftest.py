"""Bundles that hold all formats and precisions, one of each likelihood that a table may have."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from vae_runtime import Runner

QUIET = {"log": lambda line: None}
FILES = {
    "formats": ("onnx", "tflite"),
    "precisions": ("fp32", "fp16", "dynamic", "int8"),
    "allow_degraded": True,  # runs of seconds
}


class Full(NamedTuple):
    """A bundle with every file that there can be, the run that it is of, and its fp32 runner."""

    bundle: Path
    run: Any
    runner: Runner

    @property
    def x(self):
        """Rows that training never saw."""
        return self.run.test["x"]


@pytest.fixture(scope="session")
def kinds_run(tmp_path_factory):
    """Of two numbers that depend on a thing's kind and size, which are one-hot columns."""
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    folder, rng = tmp_path_factory.mktemp("kinds"), np.random.default_rng(0)
    kind, size = rng.integers(0, 3, 900), rng.integers(0, 2, 900)
    numbers = rng.normal(np.stack([kind * 3.0, size - 2.0 * kind], 1), 0.2)
    rows = np.concatenate([numbers, np.eye(3)[kind], np.eye(2)[size]], 1)
    header = "a,b,kind_x,kind_y,kind_z,size_s,size_l"
    np.savetxt(folder / "kinds.csv", rows, delimiter=",", header=header, comments="")
    run, _ = train(
        DataConfig(str(folder / "kinds.csv"), one_hot=("kind", "size")),
        ModelConfig(hidden=(32,), latent_dim=2),
        TrainConfig(epochs=40, learning_rate=1e-2),
        out=folder / "run",
        **QUIET,
    )
    return run


@pytest.fixture(scope="session")
def full_of(request, tmp_path_factory):
    """Makes the full bundle of a run, by its name, once."""
    made = {}

    def make(name):
        if name not in made:
            from vae_export import export

            run = request.getfixturevalue(f"{name}_run")
            out = tmp_path_factory.mktemp("artifacts") / f"{name}-full"
            bundle = export(run, out, **FILES, **QUIET)
            made[name] = Full(bundle, run, Runner.load(bundle))
        return made[name]

    return make


@pytest.fixture(params=["digits", "table", "pump", "states", "kinds"])
def full(request, full_of):
    """Images, a table, windows, classes, numbers beside one-hot groups."""
    return full_of(request.param)
