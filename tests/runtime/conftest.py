"""Runners with rows for them, and tools that forge a bundle whose hashes still agree."""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from vae_runtime import Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack


class Case(NamedTuple):
    """A bundle, its runner, and rows that its training never saw; y marks the anomalies.

    `labels` are the numbers of the rows' classes, -1 where unknown; None of a model without any.
    `recording` names the recording of each row, where there are recordings.
    """

    bundle: Path
    runner: Runner
    x: Any
    y: Any
    labels: Any = None
    recording: Any = None


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
def kinds_run(tmp_path_factory, workstation):
    """Of two numbers that depend on a thing's kind and size, which are one-hot columns."""
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    folder, rng = tmp_path_factory.mktemp("kinds"), np.random.default_rng(0)
    kind, size = rng.integers(0, 3, 900), rng.integers(0, 2, 900)
    numbers = rng.normal(np.stack([kind * 3.0, size - 2.0 * kind], 1), 0.2)
    rows = np.concatenate([numbers, np.eye(3)[kind], np.eye(2)[size]], 1)
    header = "a,b,kind_x,kind_y,kind_z,size_s,size_l"
    np.savetxt(folder / "kinds.csv", rows, delimiter=",", header=header, comments="")
    run, _ = train(
        DataConfig(str(folder / "kinds.csv"), one_hot=("kind", "size"), folds=1),
        ModelConfig(hidden=(32,), latent_dim=2),
        TrainConfig(epochs=40, learning_rate=1e-2),
        out=folder / "run",
        **QUIET,
    )
    return run


MODES = ("idle", "run", "wash")


def modes_table(n, seed):
    """Two numbers that depend on a machine's mode, as a table with the mode in words."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    mode = rng.integers(0, 3, n)
    numbers = rng.normal(np.stack([mode * 3.0, 2.0 - 2.0 * mode], 1), 0.2)
    words = np.array(MODES)[mode]
    return pa.table({"mode": words, "flow": numbers[:, 0], "speed": numbers[:, 1]})


@pytest.fixture(scope="session")
def modes_bundle(tmp_path_factory, workstation):
    """Of a table with a category."""
    import pyarrow.parquet as pq

    from vae_export import export
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    folder = tmp_path_factory.mktemp("modes")
    pq.write_table(modes_table(900, 0), folder / "modes.parquet")
    run, _ = train(
        DataConfig(str(folder / "modes.parquet"), categories=("mode",), folds=1),
        ModelConfig(hidden=(32,), latent_dim=2),
        TrainConfig(epochs=30, learning_rate=1e-2),
        out=folder / "run",
        **QUIET,
    )
    return export(run, folder / "bundle", formats=("onnx",), **QUIET)


@pytest.fixture(scope="session")
def modes(modes_bundle):
    """Its runner, and makes tables for it."""
    return Runner.load(modes_bundle), modes_table


@pytest.fixture(scope="session")
def full_of(request, tmp_path_factory, workstation):
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


def rows_of(run):
    """Test rows of a run, without where they are from."""
    return {name: rows for name, rows in run.test.items() if not name.startswith("place_")}


@pytest.fixture(scope="session")
def digits(digits_bundle, digits_run):
    return Case(digits_bundle, Runner.load(digits_bundle), **rows_of(digits_run))


@pytest.fixture(scope="session")
def table(table_bundle, table_run):
    return Case(table_bundle, Runner.load(table_bundle), **rows_of(table_run))


@pytest.fixture(scope="session")
def pump(pump_bundle, pump_run):
    return Case(pump_bundle, Runner.load(pump_bundle), **rows_of(pump_run))


@pytest.fixture(scope="session")
def states(states_bundle, states_run):
    return Case(states_bundle, Runner.load(states_bundle), **rows_of(states_run))


@pytest.fixture(scope="session")
def golden():
    """The small bundle of six sensors that is kept in tests/golden: nothing is trained for it."""
    return Path(__file__).parents[1] / "golden" / "sensors-1.vaeb"


@pytest.fixture(scope="session")
def golden_rows(golden):
    """Makes normal rows for it, (n, 6), of a machine that is this noisy."""
    runner = Runner.load(golden)
    scale = np.array(runner.manifest.model.preprocessing.scale)

    def make(n, seed, noise=0.3):
        rng = np.random.default_rng(seed)
        rows = runner.sample(n, seed=seed) + noise * scale * rng.normal(size=(n, 6))
        return rows.astype(np.float32)

    return make


@pytest.fixture(scope="session", params=["digits", "table", "pump"])
def case(request):
    """Images, a table, windows: for what must hold of any."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def table_copy(table_bundle, tmp_path):
    """A copy of the table bundle, to damage."""
    return shutil.copytree(table_bundle, tmp_path / "table")


@pytest.fixture
def states_copy(states_bundle, tmp_path):
    """A copy of the bundle with classes, to damage."""
    return shutil.copytree(states_bundle, tmp_path / "states")


@pytest.fixture(scope="session")
def table_archive(table_bundle, tmp_path_factory):
    """The table bundle as one file."""
    path = tmp_path_factory.mktemp("archives") / "table.vaeb"
    path.write_bytes(pack(open_bundle(table_bundle).contents()))
    return path


@pytest.fixture(scope="session")
def seal():
    """Writes these bytes as a bundle's manifest, with the checksum that belongs to them."""

    def write(bundle, content):
        digest = hashlib.sha256(content).hexdigest()
        (bundle / "manifest.json").write_bytes(content)
        (bundle / "manifest.json.sha256").write_text(f"{digest}  manifest.json\n", newline="\n")

    return write


@pytest.fixture(scope="session")
def edit_manifest(seal):
    """Lets a function change a bundle's manifest in place; the checksum agrees again."""

    def apply(bundle, change):
        document = json.loads((bundle / "manifest.json").read_bytes())
        change(document)
        seal(bundle, json.dumps(document).encode())

    return apply


@pytest.fixture(scope="session")
def replace_file(edit_manifest):
    """Gives a file of a bundle other bytes; the manifest says their size and sha256."""

    def apply(bundle, name, content):
        def describe(document):
            (file,) = (f for f in document["files"] if f["name"] == name)
            file.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

        (bundle / name).write_bytes(content)
        edit_manifest(bundle, describe)

    return apply


@pytest.fixture(scope="session")
def change_probe(replace_file):
    """Lets a function change a bundle's probe arrays in place; the hashes agree again."""

    def apply(bundle, change):
        with np.load(bundle / "probe.npz") as probe:
            arrays = dict(probe)
        change(arrays)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        replace_file(bundle, "probe.npz", buffer.getvalue())

    return apply


class Engined(NamedTuple):
    """A table of Arrow with rows for a bundle, columns beside them, and how the rows score."""

    bundle: Path
    runner: Runner
    table: Any
    x: Any
    scores: Any


@pytest.fixture(scope="session")
def engined(table, fresh_sensor_rows):
    """For what clusters do: all rows are good; beside them numbers, times, text and nulls."""
    import pyarrow as pa

    x, names = fresh_sensor_rows.copy(), table.runner.manifest.model.feature_names
    x[::50, 4] += 8.0  # some are not normal
    n = len(x)
    times = np.datetime64("2026-01-01T00:00:00.000001", "us") + np.arange(n)
    beside = {
        "id": pa.array(np.arange(n)),
        "time": pa.array([None if i % 7 == 0 else t for i, t in enumerate(times.tolist())]),
        "site": pa.array([None if i % 5 == 0 else f"s{i % 3}" for i in range(n)]),
        "load": pa.array(np.arange(n) / 3.0, pa.float32()),
    }
    columns = {name: x[:, i].astype(np.float64) for i, name in enumerate(names)}
    return Engined(table.bundle, table.runner, pa.table(columns | beside), x, table.runner.score(x))


@pytest.fixture(scope="session")
def check_engined(engined):
    """Looks whether a table of results, in any order, holds those of the runner to the bit."""

    def check(found, kept=("id", "time", "site", "load")):
        found = found.sort_by("id")
        assert found.num_rows == len(engined.x)
        for name in kept:
            wanted = engined.table[name]
            assert found[name].type == wanted.type, name
            assert found[name].combine_chunks() == wanted.combine_chunks(), name
        for name, wanted in engined.scores._asdict().items():
            values = found[name].combine_chunks()
            assert values.null_count == 0
            values = values.to_numpy(zero_copy_only=False)
            assert values.dtype == wanted.dtype
            np.testing.assert_array_equal(values, wanted)

    assert 0 < engined.scores.is_anomaly.sum() < len(engined.x)
    return check
