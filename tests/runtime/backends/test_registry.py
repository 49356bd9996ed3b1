"""A backend from outside, that of docs/backends.md, is one of the registry like the others."""

import dataclasses
import importlib
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vae_runtime import BundleError, OnnxRuntime, Profile, Runner, recalibrate
from vae_runtime._base import libraries
from vae_runtime.backends import (
    DEFAULT,
    Extra,
    backend_of,
    is_here,
    kind_of,
    kinds,
    names,
    register,
    registry,
)
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.cli import main
from vae_runtime.engines.options import RowOptions, RunnerOptions
from vae_runtime.engines.record_batches import BatchScorer

DOCS = Path(__file__).parents[3] / "docs" / "backends.md"

# Scores of two engines in float32, as a share of the largest: sums in another order. Seen: 3e-7.
ENGINES = 1e-5

LISTED = """
import sys
from vae_runtime.cli import main
try:
    main(["score", "--help"])
except SystemExit:
    pass
assert not {"onnxruntime", "ai_edge_litert", "onnx"} & {m.partition(".")[0] for m in sys.modules}
"""

IN_A_PROCESS = """
import pickle, sys
scorer = pickle.loads(sys.stdin.buffer.read())
assert "onnx" not in sys.modules
scorer.runner.selftest()
print(scorer.runner_options.backend, "onnxruntime" in sys.modules)
"""


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture(autouse=True)
def unregistered(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(libraries, "LIBRARIES", {**libraries.LIBRARIES})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder on the path of modules, with the module of the docs."""
    (module, *_) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.M | re.S)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "reference_backend.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield tmp_path / "modules"
    sys.modules.pop("reference_backend", None)


@pytest.fixture
def reference(home):
    """The backend of the docs, registered by its import."""
    return importlib.import_module("reference_backend").Reference


def check_scores(found, runner, x):
    expected = runner.score(x).score
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=ENGINES * np.abs(expected).max())


def made(**parts):
    """A class with all that a backend says, but for these parts."""
    plain = {
        "name": "made",
        "formats": ("made",),
        "extra": None,
        "settings": (),
        "chunk": 256,
        "workers": 1,
        "of": classmethod(lambda cls, profile, provider=None: cls()),
        "open": lambda self, bundle, role, precision, format: OnnxRuntime().open(
            bundle, role, "fp32"
        ),
    }
    return type("Made", (), {k: v for k, v in (plain | parts).items() if v is not ...})


def test_listing_backends_imports_no_engine():
    subprocess.run([sys.executable, "-c", LISTED], check=True, capture_output=True)


def test_those_built_in_say_what_they_run():
    assert names() == ("onnxruntime", "litert")
    assert names()[0] == DEFAULT
    assert names("onnx") == ("onnxruntime",)
    assert names("tflite") == ("litert",)
    assert names("other") == ()
    assert [kind.extra is None for kind in kinds()] == [True, False]


def test_a_name_is_made_with_a_profile():
    for kind in kinds():
        backend = backend_of(kind.name, Profile(threads=2, chunk=300))
        assert type(backend) is kind
        assert backend_of(backend) is backend
    assert backend_of(DEFAULT, Profile(chunk=300)).chunk == 300


def test_every_graph_of_the_runner_answers_as_by_the_default(reference, table):
    here, x = Runner.load(table.bundle, backend="reference"), table.x[:300]
    check_scores(here.score(x).score, table.runner, x)
    np.testing.assert_allclose(here.encode(x), table.runner.encode(x), atol=1e-4)
    np.testing.assert_allclose(here.reconstruct(x), table.runner.reconstruct(x), rtol=1e-4)
    np.testing.assert_allclose(here.explain(x[:9]), table.runner.explain(x[:9]), atol=1e-3)
    drawn = [r.score(x[:9], samples=3, seed=0, threshold=1.0).score for r in (here, table.runner)]
    np.testing.assert_allclose(*drawn, rtol=1e-4)
    assert here.selftest().passed
    check_scores(Runner.load(table.bundle, backend=reference()).score(x).score, table.runner, x)


def test_the_command_line_lists_and_takes_it(reference, golden, golden_rows, tmp_path, capsys):
    np.save(tmp_path / "rows.npy", golden_rows(40, 0))
    bundle, rows = str(golden), str(tmp_path / "rows.npy")
    assert main(["score", bundle, rows, "--backend", "reference", "--threads", "2"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    column = header.split(",").index("score")
    found = np.array([line.split(",")[column] for line in lines], np.float32)
    check_scores(found, Runner.load(golden), golden_rows(40, 0))
    assert main(["selftest", bundle, "--backend", "reference"]) == 0
    assert main(["info", bundle]) == 0
    assert "run by       reference: fp32" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    help_ = " ".join(capsys.readouterr().out.split())
    assert "{onnxruntime,litert,reference}" in help_
    assert "reference runs .onnx, pip install onnx" in help_
    with pytest.raises(SystemExit) as e:
        main(["score", bundle, rows, "--backend", "reference", "--provider", "any"])
    assert e.value.code == 2
    said = "no --provider with --backend reference: it is heeded by onnxruntime."
    assert said in capsys.readouterr().err


def test_a_setting_that_a_backend_heeds_gets_there(monkeypatch, golden, golden_rows, tmp_path):
    given = []

    def of(cls, profile, provider=None):
        given.append((profile.threads, provider))
        return cls()

    register(made(formats=("onnx",), settings=("provider",), of=classmethod(of)))
    np.save(tmp_path / "rows.npy", golden_rows(9, 0))
    options = ["--backend", "made", "--threads", "3", "--provider", "fast"]
    assert main(["selftest", str(golden), *options]) == 0
    assert given == [(3, "fast")]


def test_record_batches_are_scored_by_it(reference, golden, golden_rows):
    x = golden_rows(50, 0)
    features = Runner.load(golden).manifest.model.feature_names
    batch = pa.RecordBatch.from_arrays([*x.T], names=[*features])
    scorer = BatchScorer.of(golden, RunnerOptions(backend="reference"), RowOptions(keep=()))
    check_scores(scorer(batch)["score"].to_numpy(), Runner.load(golden), x)
    assert type(scorer.runner._graphs._backend) is reference


def test_workers_import_the_module_that_registers_it(reference, home, golden):
    scorer = BatchScorer.of(golden, RunnerOptions(backend="reference"))
    assert scorer.home == "reference_backend"
    command = [sys.executable, "-c", IN_A_PROCESS]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    given = pickle.dumps(scorer)
    done = subprocess.run(command, input=given, env=environment, capture_output=True, check=False)
    assert done.stdout.decode().split() == ["reference", "False"], done.stderr.decode()


def test_the_docs_run_as_shown(home, tmp_path, golden):
    _, use = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.M | re.S)
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "digits").symlink_to(golden)
    environment = {**os.environ, "PYTHONPATH": str(home)}
    command = [sys.executable, "-W", "error", "-c", use]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    line = re.search(r'`python -c "([^"]*)"\s', DOCS.read_text())[1]
    shown = [sys.executable, "-c", line, "selftest", "artifacts/digits", "--backend", "reference"]
    subprocess.run(shown, cwd=tmp_path, env=environment, check=True, capture_output=True)


class TestRecalibration:
    """Each precision is scored by the first backend that can run its files."""

    def test_the_default_comes_first(self, reference, golden, golden_rows, tmp_path):
        x = golden_rows(150, 0)
        recalibrate(golden, x, tmp_path / "new")
        expected = np.sort(Runner.load(golden).score(x).score)
        scores = Runner.load(tmp_path / "new", backend="reference").calibration.scores
        np.testing.assert_array_equal(scores, expected)

    def test_of_several_the_first_whose_library_is_here_is_taken(
        self, full_of, tmp_path, monkeypatch
    ):
        full = full_of("table")
        monkeypatch.setitem(sys.modules, "ai_edge_litert", None)  # as if it were not installed
        assert not is_here(kind_of("litert"))
        with refuses("pip install 'vae-runtime[litert]', or leave these files out"):
            recalibrate(full.bundle, full.x, tmp_path / "new", alpha=0.05)
        register(made(name="also-missing", formats=("tflite",), extra=Extra("nothing_of", "it")))
        register(made(formats=("tflite",)))  # by the fp32 graphs, to be told apart
        recalibrate(full.bundle, full.x, tmp_path / "new", alpha=0.05)
        found = open_bundle(tmp_path / "new").manifest.calibration
        for name in ("fp16", "dynamic", "int8.tflite"):
            assert found[name].scores == found["fp32"].scores
        assert found["int8"].scores != found["fp32"].scores

    @pytest.fixture
    def strange(self, full_of):
        """A bundle whose files of fp16 are of a format that nothing here runs."""
        opened = open_bundle(full_of("table").bundle)
        files = tuple(
            dataclasses.replace(file, format="made") if file.precision == "fp16" else file
            for file in opened.manifest.files
        )
        return Bundle(opened.container, dataclasses.replace(opened.manifest, files=files))

    def test_files_that_no_backend_runs_are_refused_or_left_out(self, strange, full_of, tmp_path):
        x = full_of("table").x
        with refuses(
            "expected files that one of onnxruntime, litert runs. Received: those of fp16, which "
            "none does. Register a backend that does, or leave these files out of the new bundle: "
            "--precision fp32,int8,dynamic,int8.tflite."
        ):
            recalibrate(strange, x, tmp_path / "new", alpha=0.05)
        done = recalibrate(strange, x, tmp_path / "new", alpha=0.05, precisions=["int8"])
        assert "scorer.fp16.tflite" in done.left_out
        assert "fp16" not in open_bundle(tmp_path / "new").manifest.calibration

    def test_a_backend_of_their_format_is_found(self, strange, full_of, tmp_path):
        register(made())
        recalibrate(strange, full_of("table").x, tmp_path / "new", alpha=0.05)
        found = open_bundle(tmp_path / "new").manifest.calibration
        assert found["fp16"].scores == found["fp32"].scores
        with refuses('Its fp16 files run with backend="made" (--backend made).', BundleError):
            Runner.load(tmp_path / "new", precision="fp16", backend="litert")
        Runner.load(tmp_path / "new", precision="fp16", backend="made")


def test_of_several_formats_the_first_that_the_bundle_has_is_run(full_of):
    opened = []

    def open_(self, bundle, role, precision, format):
        opened.append((precision, format))
        return OnnxRuntime().open(bundle, role, "fp32")

    register(made(formats=("other", "onnx", "tflite"), open=open_))
    for precision in ("fp32", "fp16", "int8"):
        runner = Runner.load(full_of("table").bundle, precision=precision, backend="made")
        runner.score(full_of("table").x[:3])
    assert opened == [("fp32", "onnx"), ("fp16", "tflite"), ("int8", "onnx")]
    with refuses("with int4 other or onnx or tflite files. Received: one with", BundleError):
        Runner.load(full_of("table").bundle, precision="int4", backend="made")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"name": ...}, "without name. See docs/backends.md."),
        ({"of": ..., "open": ...}, "without of, open."),
        ({"name": "A B"}, "Made: expected name as lower-case letters, digits, - and _. Received: "),
        ({"name": None}, "Received: None."),
        ({"formats": "onnx"}, 'expected formats as a tuple of texts, such as ("onnx",).'),
        ({"formats": ()}, "Received: ()."),
        ({"formats": (1,)}, "Received: (1,)."),
        ({"extra": "onnx"}, "expected extra as an Extra, or None. Received: 'onnx'."),
        ({"settings": ("speed",)}, "settings as a tuple of some of profile, provider."),
        ({"settings": "profile"}, "Received: 'profile'."),
        ({"name": "litert"}, "the name 'litert' is taken, by vae_runtime.backends.litert."),
    ],
)
def test_what_does_not_say_what_it_is_cannot_be_registered(parts, message):
    with refuses(message):
        register(made(**parts))
    assert names() == ("onnxruntime", "litert")


@pytest.mark.parametrize("backend", [made()(), None, "made"])
def test_what_is_no_class_cannot_be_registered(backend):
    with refuses("expected a backend as a class with name, formats, extra"):
        register(backend)


def test_a_cell_that_runs_twice_replaces_its_backend():
    first, second = made(), made(formats=("onnx",))
    assert register(first) is first
    register(second)
    assert kind_of("made") is second
    register(OnnxRuntime)
    assert names() == ("onnxruntime", "litert", "made")


def test_what_to_install_is_said_of_libraries_that_are_none_of_ours():
    register(made(extra=Extra("not_there.engine", "not-there[fast]")))
    assert not is_here(kind_of("made"))
    with refuses("scoring needs not-there: pip install not-there[fast], or wait."):
        registry.check_here(kind_of("made"), "scoring", "wait")
    assert is_here(made(extra=Extra("json.decoder", "json")))
