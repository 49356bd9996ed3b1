"""Each public name has an example in its docstring, and each example of a docstring runs.

An example finds itself in a folder of its own, in which there are:

    artifacts/sensors       the golden bundle, as a directory
    runs/sensors            the run of a table of the same sensors
    sensors.csv             that table
    private.pem, public.pem a pair of keys to sign with

It sees the names of its module, the public names of its package and of those below, and these:
`np`, `runner` (of that bundle), `x` (eight rows, of which the last two are anomalies), `batch` (the
same as a record batch) and `normal` (1,200 normal rows).
"""

import ast
import doctest
import importlib
import json
import os
import runpy
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vae_runtime import Runner, StreamScorer
from vae_runtime.backends import registry

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
FOLDERS = {"vae_runtime": "runtime", "vae_keras": ".", "vae_export": "export"}
OTHERS = (  # public names that the packages do not offer at their top
    "vae_runtime.backends:register",
    "vae_runtime.bundle:Bundle",
    "vae_runtime.bundle:open_bundle",
    "vae_runtime.engines.ray:BatchScorer",
    "vae_runtime.engines.ray:score",
    "vae_runtime.engines.spark:score",
)
# Java that starts fast and takes no core to optimise itself, and no server of pages
QUICK = (
    "--conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=1 "
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell"
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

pytestmark = [  # of Spark and Ray: sockets that they leave to the garbage collector, and warnings
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning:ray"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


def found_in(module, body, above=""):
    """Examples of the classes and functions in the body of a module, and of those inside them."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            name, text = f"{above}{node.name}", ast.get_docstring(node) or ""
            if ">>>" in text:
                parser, line = doctest.DocTestParser(), node.body[0].lineno - 1
                yield parser.get_doctest(text, {}, f"{module}:{name}", module, line)
            yield from found_in(module, node.body, f"{name}.")


def all_examples():
    """Name and examples of each docstring that has some; read from the source, not imported."""
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            for test in found_in(module, ast.parse(path.read_text()).body):
                yield test.name, test


EXAMPLES = dict(all_examples())


def public_names():
    """Public names, each as `module:name` of where it is defined."""
    for package in FOLDERS:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield place_of(getattr(module, name))
    for kind in (Runner, StreamScorer):
        for name in vars(kind):
            if not name.startswith("_"):
                yield f"{kind.__module__}:{kind.__name__}.{name}"
    for each in OTHERS:
        module, name = each.split(":")
        yield place_of(getattr(importlib.import_module(module), name))


def place_of(thing):
    return f"{thing.__module__}:{thing.__qualname__}"


def test_each_public_name_has_an_example():
    names = set(public_names())
    assert len(names) > 50
    assert names - set(EXAMPLES) == set()


def test_other_public_names_are_all_that_there_are():
    from vae_runtime import bundle

    constants = {"MANIFEST_LIMIT"}
    others = {each.split(":")[1] for each in OTHERS if each.startswith("vae_runtime.bundle:")}
    assert others == set(bundle.__all__) - constants


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a bundle and keys."""
    with zipfile.ZipFile(GOLDEN / "sensors-1.vaeb") as bundle:
        bundle.extractall(tmp_path / "artifacts" / "sensors")
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    (tmp_path / "private.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "public.pem").write_bytes(
        key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", QUICK)
    monkeypatch.setenv("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    return tmp_path


def names_for(test):
    """The names that an example sees."""
    module = importlib.import_module(test.filename)
    packages = list(FOLDERS)[: list(FOLDERS).index(test.filename.split(".")[0]) + 1]
    public = {}
    for package in map(importlib.import_module, packages):
        public |= {name: getattr(package, name) for name in package.__all__}
    x = np.array(json.loads((GOLDEN / "sensors-1.json").read_text())["x"], np.float32)
    runner = Runner.load("artifacts/sensors")
    columns = dict(zip(runner.manifest.model.feature_names, x.T, strict=True))
    rows = runpy.run_path(str(GOLDEN / "make.py"))["sensor_rows"](1200, seed=5)[0]
    data = {"x": x, "normal": rows.astype(np.float32), "batch": pa.RecordBatch.from_pydict(columns)}
    return {**public, **vars(module), "np": np, "runner": runner, **data}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name, folder, request):
    test = EXAMPLES[name]
    source = "".join(example.source for example in test.examples)
    for module in needed_by(name):
        pytest.importorskip(module, reason=f"needs {module}")
    if "sensors.csv" in source:
        shutil.copy(request.getfixturevalue("sensor_csv"), folder)
    if "runs/sensors" in source:
        shutil.copytree(request.getfixturevalue("table_run").path, folder / "runs" / "sensors")
    failures = []
    test.globs = names_for(test)
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    runner.run(test, out=failures.append)
    assert not failures, "".join(failures)


def needed_by(name):
    """Libraries that an example needs beside those that all tests need."""
    module = name.split(":")[0].split(".")[-1]
    if module == "spark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs a Java runtime, which this machine has not")
    return {"spark": ["pyspark"], "ray": ["ray"]}.get(module, [])
