import copy
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import MISSING

import pytest

from vae_runtime import BundleError
from vae_runtime.bundle.manifest import File, Tensor, checksum_line, dumps, loads


@pytest.fixture(scope="session")
def content(digits_bundle):
    return (digits_bundle / "manifest.json").read_bytes()


@pytest.fixture
def document(content):
    """The manifest as JSON, to change."""
    return copy.deepcopy(json.loads(content))


def load(document):
    return loads(json.dumps(document).encode())


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def test_a_written_manifest_reads_back_as_the_same_bytes(case):
    content = (case.bundle / "manifest.json").read_bytes()
    assert dumps(loads(content)) == content


def test_a_manifest_read_twice_is_equal(content):
    assert loads(content) == loads(dumps(loads(content)))


def test_lists_become_tuples_of_what_they_hold(content):
    tensor = loads(content).file("encoder").inputs[0]
    assert tensor == Tensor("x", "float32", ("batch", 8, 8, 1))


def test_unknown_keys_are_ignored(content, document):
    document["invented_later"] = document["model"]["invented_later"] = {"a": [1]}
    assert load(document) == loads(content)


def test_a_file_is_found_by_role_format_and_precision(content):
    manifest = loads(content)
    assert manifest.file("scorer").name == "scorer.onnx"
    assert manifest.file("scorer", format="tflite").name == "scorer.tflite"
    assert manifest.file("probe", format="npz").name == "probe.npz"


def test_a_file_that_is_not_there_is_refused_with_those_that_are(content):
    with refuses("expected a int4 onnx file for the scorer. Received a bundle with") as e:
        loads(content).file("scorer", precision="int4")
    assert "scorer.onnx" in str(e.value)


@pytest.mark.parametrize("format", ["zip", None, 1])
def test_another_format_is_no_bundle(document, format):
    document["format"] = format
    with refuses('manifest.json: expected "format": "vae-bundle". This is not a VAE bundle.'):
        load(document)


@pytest.mark.parametrize("document", [[], "vae-bundle", None, 1, {}])
def test_json_of_something_else_is_no_bundle(document):
    with refuses('expected "format": "vae-bundle"'):
        load(document)


@pytest.mark.parametrize("version", [3, 0, "1", None])
def test_another_format_version_is_refused_with_what_reads_it(document, version):
    document["format_version"] = version
    message = f"manifest.json: expected format_version 1 or 2. Received: {version!r}. Install"
    with refuses(message):
        load(document)


def test_each_missing_key_is_refused_by_its_place(document, subtests):
    for key in set(document) - {"format", "format_version", "recalibrated"}:
        with subtests.test(key), refuses(f"manifest.json: expected the key {key!r}."):
            load({k: v for k, v in document.items() if k != key})


def test_each_missing_key_of_a_file_is_refused_by_its_place(document, subtests):
    file = document["files"][1]
    for key in (field.name for field in dataclasses.fields(File) if field.default is MISSING):
        with subtests.test(key):
            value = file.pop(key)
            with refuses(f"manifest.json.files[1]: expected the key {key!r}."):
                load(document)
            file[key] = value


def test_what_earlier_writers_did_not_know_may_be_missing(document):
    for file in document["files"]:
        del file["recipe"], file["degraded"]
        for tensor in (*file["inputs"], *file["outputs"]):
            del tensor["unit"], tensor["scale"], tensor["zero_point"]
    for key in ("sigma", "classes", "stride", "unit"):
        del document["model"][key]
    del document["recalibrated"], document["calibration"]["fp32"]["units"]
    files = load(document).files
    assert {(file.recipe, file.degraded) for file in files} == {("", ())}
    assert {tensor.unit for file in files for tensor in file.outputs} == {1.0}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("model", "latent_dim"), "8", 'model.latent_dim: expected int. Received: "8".'),
        (("model", "latent_dim"), True, "model.latent_dim: expected int. Received: true."),
        (("model", "input_shape"), 64, "model.input_shape: expected tuple[int, ...]. Received: 64"),
        (("model", "value_range"), [0, 1, 2], "model.value_range: expected tuple[float, float] |"),
        (("model", "preprocessing"), None, "model.preprocessing: expected Preprocessing."),
        (("model", "stride"), 1.5, "model.stride: expected int | None. Received: 1.5."),
        (("calibration", "fp32", "scores"), [0, "1"], "calibration.fp32.scores[1]: expected float"),
        (("calibration", "fp32", "rounding"), "0", "calibration.fp32.rounding: expected float."),
        (("files", 0, "bytes"), 1.5, "files[0].bytes: expected int. Received: 1.5."),
        (("files", 0, "parity"), [], "files[0].parity: expected dict[str, float]. Received: []."),
        (("training", "versions"), {"keras": 3}, "training.versions.keras: expected str."),
        (("tolerance",), None, "tolerance: expected float. Received: null."),
    ],
)
def test_a_wrong_type_is_refused_by_its_place(document, place, value, message):
    *parents, key = place
    parent = document
    for name in parents:
        parent = parent[name]
    parent[key] = value
    with refuses(f"manifest.json.{message}"):
        load(document)


def test_a_calibration_of_fp32_must_be_there(document):
    document["calibration"] = {"int8": document["calibration"]["fp32"]}
    with refuses("manifest.json.calibration: expected an entry for fp32."):
        load(document)


@pytest.mark.parametrize(
    ("key", "value", "tensor"),
    [
        ("input_shape", [8, 8], "encoder.onnx input 'x' is float32 ('batch', 8, 8, 1)"),
        ("input_dtype", "uint8", "encoder.onnx input 'x' is float32 ('batch', 8, 8, 1)"),
        ("latent_dim", 9, "decoder.onnx input 'z' is float32 ('batch', 8)"),
    ],
)
def test_a_model_must_be_what_the_inputs_of_its_graphs_are(document, key, value, tensor):
    document["model"][key] = value
    with refuses(f"manifest.json: {tensor}; the model says"):
        load(document)


def test_calibration_scores_must_ascend(document):
    document["calibration"]["fp32"]["scores"] = [1.0, 3.0, 2.0]
    with refuses("manifest.json.calibration.fp32: expected ascending scores. Received: unsorted"):
        load(document)


def test_equal_calibration_scores_ascend(document):
    document["calibration"]["fp32"].update(scores=[1.0, 2.0, 2.0], alpha=0.5)
    assert load(document).calibration["fp32"].scores == (1.0, 2.0, 2.0)


def test_features_must_not_share_a_name(document):
    document["model"]["feature_names"] = ["flow", "speed", "flow"]
    with refuses("manifest.json: expected feature names that differ."):
        load(document)


def test_each_feature_has_a_name_or_none_has(document):
    document["model"]["feature_names"] = ["red", "green"]  # of images of one channel
    with refuses("manifest.json: expected a name for each feature. Received: 2 names."):
        load(document)
    document["model"]["feature_names"] = ["grey"]
    assert load(document).model.feature_names == ("grey",)


def test_names_of_windows_are_those_of_their_channels(pump):
    assert pump.runner.manifest.model.feature_names == ("pressure", "flow", "current")
    assert pump.runner.manifest.model.input_shape == (12, 3)
    assert pump.runner.manifest.model.stride == 3


@pytest.mark.parametrize("stride", [0, -3])
def test_a_stride_is_at_least_1(pump, stride):
    document = json.loads((pump.bundle / "manifest.json").read_bytes())
    document["model"]["stride"] = stride
    with refuses("manifest.json: expected a stride from 1, of windows (window, channels)."):
        load(document)


def test_a_stride_is_of_windows(document):
    document["model"]["stride"] = 3  # of images
    with refuses("manifest.json: expected a stride from 1, of windows (window, channels)."):
        load(document)


def test_one_hot_groups_are_columns(document):
    document["model"]["one_hot"] = [2]  # of one channel
    with refuses("manifest.json: expected one-hot groups within the columns."):
        load(document)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5])
def test_a_default_alpha_must_be_a_level(document, alpha):
    document["calibration"]["fp32"]["alpha"] = alpha
    with refuses("manifest.json.calibration.fp32: expected 0 < alpha < 1."):
        load(document)


@pytest.mark.parametrize(
    "name",
    [
        "../probe.npz",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:x",
        "..",
        ".hidden",
        "",
        "x\n",
        "é",
        "x" * 101,
    ],
)
def test_only_plain_file_names_are_taken(document, name):
    document["files"][0]["name"] = name
    with refuses(f"manifest.json: expected plain file names. Received: {name!r}."):
        load(document)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"{", b"\xff\xfe", b'{"format": NaN}', b"[" * 100_000],
    ids=["empty", "text", "cut", "bytes", "nan", "deep"],
)
def test_what_is_no_json_is_refused_by_the_name_of_the_file(content):
    with pytest.raises(BundleError, match=r"manifest\.json.*\. Copy or export the bundle again\."):
        loads(content)


def test_a_whole_number_beyond_any_float_is_refused_by_its_place(document):
    document["model"]["beta"] = 10**400
    with refuses("manifest.json.model.beta: expected float."):
        load(document)


def test_the_checksum_is_one_line_in_the_format_of_sha256sum(content):
    expected = hashlib.sha256(content).hexdigest() + "  manifest.json\n"
    assert checksum_line(content) == expected.encode()


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not on this machine")
def test_sha256sum_accepts_a_bundle_and_refuses_an_edited_one(bundle_copy):
    def check():
        command = ["sha256sum", "-c", "manifest.json.sha256"]
        return subprocess.run(command, cwd=bundle_copy, capture_output=True, text=True)

    assert check().stdout == "manifest.json: OK\n"
    (bundle_copy / "manifest.json").write_text("{}")
    assert check().returncode == 1
