"""Entries of a model repository: by Triton's own schema, and fit for the files beside them."""

import copy
import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime as ort
import pytest

from vae_export.cli import main
from vae_export.convert import variants
from vae_export.convert.result import Conversion
from vae_export.convert.variants import VARIANTS
from vae_export.servers import triton
from vae_runtime import BundleError, Runner
from vae_runtime.bundle import open_bundle

# Triton's published schema, and the protobuf that it was generated with; neither gets along with
# the versions that TensorFlow takes, so they live in a folder of their own.
SCHEMA = ("tritonclient==2.73.0", "protobuf==6.33.6")

PARSE = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tritonclient/grpc"]
from google.protobuf import json_format, text_format
from model_config_pb2 import ModelConfig
config = text_format.Parse(sys.stdin.read(), ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))
"""

ONNX_TYPES = {"TYPE_FP32": "tensor(float)", "TYPE_UINT8": "tensor(uint8)"}


@pytest.fixture(scope="module")
def parse(tmp_path_factory, pip_install):
    """Parses text as a ModelConfig, into a dict; a ValueError where it is none."""
    folder = tmp_path_factory.mktemp("schema")
    pip_install(sys.executable, "--no-deps", "--target", str(folder), *SCHEMA)

    def parse_text(text):
        command = [sys.executable, "-I", "-c", PARSE, str(folder)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        return json.loads(done.stdout)

    return parse_text


@pytest.fixture(scope="module")
def entries(digits_int8_bundle, tmp_path_factory):
    """The folders of the entries that were written for the digits, by precision."""
    written = triton.write(digits_int8_bundle, tmp_path_factory.mktemp("models") / "repository")
    return dict(zip(("fp32", "int8"), written, strict=True))


@pytest.fixture(scope="module")
def configs(parse, entries):
    return {p: parse((path / "config.pbtxt").read_text()) for p, path in entries.items()}


def session(entry):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(entry / "1" / "model.onnx", options, ["CPUExecutionProvider"])


def check_ends(config, model):
    """What the backend asks of inputs and outputs when it loads a model that it batches."""
    for kind, found in (("input", model.get_inputs()), ("output", model.get_outputs())):
        actual = {end.name: (end.type, tuple(end.shape)) for end in found}
        assert [end["name"] for end in config[kind]] == list(actual)
        for end in config[kind]:
            inner = end["reshape"].get("shape", ()) if "reshape" in end else end["dims"]
            shape = ("batch", *map(int, inner))
            assert actual[end["name"]] == (ONNX_TYPES[end["data_type"]], shape)
            assert np.prod([int(d) for d in end["dims"]]) == np.prod(shape[1:])
            assert not end.get("optional")


def parameters(config):
    return {key: value["string_value"] for key, value in config["parameters"].items()}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_config_fits_the_file(configs, entries, precision):
    config, entry = configs[precision], entries[precision]
    assert config["name"] == entry.name
    assert config["backend"] == "onnxruntime"
    check_ends(config, session(entry))


@pytest.mark.parametrize(
    ("kind", "index", "change"),
    [
        ("input", 0, {"data_type": "TYPE_UINT8"}),
        ("input", 0, {"dims": ["8", "8"]}),
        ("input", 0, {"optional": True}),
        ("output", 0, {"name": "scores"}),
        ("output", 0, {"reshape": {"shape": ["1"]}}),
        ("output", 4, {"dims": ["64"]}),
    ],
)
def test_a_config_that_does_not_fit_would_be_noticed(configs, entries, kind, index, change):
    config = copy.deepcopy(configs["fp32"])
    config[kind][index].update(change)
    with pytest.raises(AssertionError):
        check_ends(config, session(entries["fp32"]))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("TYPE_FP32", "TYPE_FLOAT32"),
        ("max_batch_size: 1024", "max_batch: 1024"),
        ("max_batch_size: 1024", 'max_batch_size: "1024"'),
        ("KIND_CPU", "KIND_PROCESSOR"),
    ],
)
def test_the_schema_refuses_what_is_not_in_it(parse, entries, right, wrong):
    text = (entries["fp32"] / "config.pbtxt").read_text()
    assert right in text
    with pytest.raises(ValueError, match="ParseError"):
        parse(text.replace(right, wrong))


def test_requests_are_batched_and_one_version_is_served(configs):
    for config in configs.values():
        assert config["max_batch_size"] == triton.MAX_BATCH
        assert config["dynamic_batching"] == {}
        assert config["version_policy"] == {"latest": {"num_versions": 1}}
        assert config["instance_group"] == [{"count": 1, "kind": "KIND_CPU"}]


def test_the_file_is_the_bundles(digits_int8_bundle, entries):
    for precision, name in (("fp32", "scorer.onnx"), ("int8", "scorer.int8.onnx")):
        served = (entries[precision] / "1" / "model.onnx").read_bytes()
        assert served == (digits_int8_bundle / name).read_bytes()


def test_a_client_decides_as_the_runner_does(configs, entries, digits_int8_bundle, digits_run):
    """By what the config says alone: names, dtype and dims of what is sent, and the threshold."""
    config, x = configs["fp32"], digits_run.test["x"]
    sent = config["input"][0]
    assert x.shape[1:] == tuple(map(int, sent["dims"]))
    (score,) = session(entries["fp32"]).run(["score"], {sent["name"]: x})
    alarms = score > float(parameters(config)["threshold"])
    assert alarms.any()
    assert not alarms.all()
    runner = Runner.load(digits_int8_bundle)
    alpha = float(parameters(config)["alpha"])
    np.testing.assert_array_equal(alarms, runner.score(x, alpha=alpha).is_anomaly)


def test_each_precision_has_a_threshold_of_its_own(configs, entries, digits_int8_bundle):
    known = open_bundle(digits_int8_bundle).manifest.calibration
    assert known["fp32"] != known["int8"]
    for precision, config in configs.items():
        kept = json.loads((entries[precision] / "calibration.json").read_text())
        assert kept == json.loads(json.dumps(dataclasses.asdict(known[precision])))
        given = parameters(config)
        assert given["precision"] == precision
        rate = np.mean(np.array(kept["scores"]) > float(given["threshold"]))
        assert rate <= kept["alpha"] < rate + 2 / len(kept["scores"])


def test_bytes_are_sent_as_bytes_and_names_are_quoted(parse, digits_int8_bundle):
    manifest = open_bundle(digits_int8_bundle).manifest
    scorer = manifest.file("scorer")
    (x, *others) = scorer.inputs
    scorer = dataclasses.replace(scorer, inputs=(dataclasses.replace(x, dtype="uint8"), *others))
    config = parse(triton.config('a "b" \\ é', scorer, manifest.calibration["fp32"]))
    assert config["name"] == 'a "b" \\ é'
    assert [end["data_type"] for end in config["input"]] == ["TYPE_UINT8"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_another_model_of_that_name_is_left_alone(digits_int8_bundle, tmp_path):
    foreign = tmp_path / "digits-int8.int8"
    foreign.mkdir()
    (foreign / "config.pbtxt").write_text("mine")
    with pytest.raises(ValueError, match="something else that is there already"):
        triton.write(digits_int8_bundle, tmp_path)
    assert names(tmp_path) == ["digits-int8.int8"]
    assert names(foreign) == ["config.pbtxt"]


def test_an_earlier_entry_is_replaced_and_other_models_stay(digits_int8_bundle, tmp_path):
    (tmp_path / "other").mkdir()
    for _ in range(2):
        (entry, _) = triton.write(digits_int8_bundle, tmp_path)
        assert names(entry) == ["1", "calibration.json", "config.pbtxt"]
    assert names(tmp_path) == ["digits-int8", "digits-int8.int8", "other"]


@pytest.mark.parametrize("name", ["1/thesis.txt", "1/model.onnx.data", "2/model.onnx", "notes.md"])
def test_a_file_that_an_entry_was_not_written_with_is_not_lost(digits_int8_bundle, tmp_path, name):
    (entry, other) = triton.write(digits_int8_bundle, tmp_path)
    (entry / name).parent.mkdir(exist_ok=True)
    (entry / name).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in other.rglob("*")}
    with pytest.raises(ValueError, match="which would be lost"):
        triton.write(digits_int8_bundle, tmp_path)
    assert (entry / name).read_text() == "mine"
    assert {path: path.stat().st_mtime_ns for path in other.rglob("*")} == before


@pytest.mark.parametrize("said", ['{"rounding": "up"}', '["rounding"]', '"rounding"', ""])
def test_a_folder_whose_calibration_is_anothers_is_left_alone(digits_int8_bundle, tmp_path, said):
    (foreign := tmp_path / "digits-int8").mkdir()
    (foreign / "calibration.json").write_text(said)
    with pytest.raises(ValueError, match="something else that is there already"):
        triton.write(digits_int8_bundle, tmp_path)
    assert names(tmp_path) == ["digits-int8"]


@pytest.mark.parametrize("arguments", [("", "models"), ("bundle", "")])
def test_an_empty_text_is_not_the_current_folder(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty text"):
        triton.check(*arguments, ["fp32"])
    with pytest.raises((ValueError, BundleError), match=r"an empty text|nothing at that path"):
        triton.write(*arguments)


def test_an_altered_bundle_leaves_no_entry(digits_int8_bundle, tmp_path):
    bundle = shutil.copytree(digits_int8_bundle, tmp_path / "digits")
    (bundle / "scorer.int8.onnx").write_bytes(b"altered")
    with pytest.raises(BundleError, match=r"scorer.int8.onnx"):
        triton.write(bundle, tmp_path / "models")
    assert not list(tmp_path.glob("models/*"))


@pytest.mark.parametrize("repository", [".", "digits", "digits/models"])
def test_no_entry_is_written_over_its_bundle_or_into_it(tmp_path, repository):
    with pytest.raises(ValueError, match="beside the bundle"):
        triton.check(tmp_path / "digits", tmp_path / repository, ["fp32"])


def test_the_command_writes_bundle_and_entry(table_run, tmp_path, capsys):
    command = [str(table_run.path), "--out", str(tmp_path / "pump"), "--zip", "--formats", "onnx"]
    assert main([*command, "--triton", str(tmp_path / "models")]) == 0
    assert names(tmp_path) == ["models", "pump.vaeb"]
    assert names(tmp_path / "models") == ["pump"]
    assert f"wrote {tmp_path / 'models' / 'pump'}, a model" in capsys.readouterr().out


def test_an_export_that_is_refused_leaves_no_entry(table_run, tmp_path, monkeypatch, capsys):
    broken = dataclasses.replace(VARIANTS[0], convert=lambda graph, m: Conversion(b"", ("no",)))
    monkeypatch.setattr(variants, "VARIANTS", (broken,))
    command = [str(table_run.path), "--out", str(tmp_path / "pump"), "--formats", "onnx"]
    assert main([*command, "--triton", str(tmp_path / "models")]) == 1
    assert "the converter" in capsys.readouterr().err
    assert names(tmp_path) == []
