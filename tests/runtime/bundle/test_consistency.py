"""Manifests whose types are right and whose words are not: each is refused by its place."""

import copy
import itertools
import json
import re
import time
from pathlib import Path

import pytest

from vae_runtime import BundleError
from vae_runtime.bundle import consistency, open_bundle, texts
from vae_runtime.bundle.manifest import loads

GOLDEN = Path(__file__).parents[2] / "golden" / "sensors-1.vaeb"
DOCUMENT = json.loads(open_bundle(GOLDEN).contents()["manifest.json"])


def load(document):
    return loads(json.dumps(document).encode())


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def edited(place, value):
    document = copy.deepcopy(DOCUMENT)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    return document


ONES = {
    **DOCUMENT["model"],
    "feature_names": ["a", "b", "c", "d", "mode_idle", "mode_run"],
    "one_hot": [2],
    "categories": {"mode": ["idle", "run"]},
}


def coded(**others):
    return edited(("model",), {**ONES, **others})


def test_categories_are_the_last_groups():
    assert load(coded()).model.categories == {"mode": ("idle", "run")}


def test_in_windows_they_are_the_last_channels_and_no_group():
    """A bundle of such windows opens in `tests/runtime/test_windowed_categories.py`."""
    windows = {"input_shape": [4, 6], "one_hot": [], "stride": 2}
    with refuses("model.categories: expected the last one-hot groups"):
        load(coded(**windows, categories={}))
    with refuses("model.categories: expected the last one-hot groups"):
        load(coded(**windows, categories={"mode": []}))
    with refuses("expected the last feature names"):
        load(coded(**windows, categories={"mode": ["idle", "wash"]}))
    with refuses("model.categories: expected the last one-hot groups"):
        load(coded(one_hot=[]))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"categories": {}}, "model.categories: expected the last one-hot groups"),
        ({"one_hot": [3]}, "model.categories: expected the last one-hot groups"),
        ({"categories": {"mode": ["idle", "x"]}}, "expected the last feature names"),
        ({"feature_names": None}, "expected the last feature names"),
        ({"categories": {"mode": ["idle", "idle"]}}, "mode: expected values that differ"),
        ({"categories": {"mode": ["idle", ""]}}, "expected 1 to 100 characters"),
        ({"categories": {"mode": ["idle", "x" * 101]}}, "expected 1 to 100 characters"),
        ({"categories": {"mode": ["idle", " run"]}}, "expected texts without spaces around"),
        ({"categories": {"mode": ["idle", "r\x1bn"]}}, "expected text without control characters"),
        (
            {"feature_names": ["mode", "b", "c", "d", "mode_idle", "mode_run"]},
            "expected columns other than the features. Received: ['mode']",
        ),
    ],
)
def test_categories_that_are_not_those_groups_are_refused(others, message):
    with refuses(message):
        load(coded(**others))


TRIAL = {"normal_rows": 9, "false_alarms": 1, "anomalies": 2, "auroc": 0.5, "independent": 1.0}
RECORD = {"date": "2026-01-31T00:00:00+00:00", "rows": 9, "sha256": "0" * 64, "machine": None}
CALIBRATION, SCORER, PROBE = ("calibration", "fp32"), ("files", 4), ("files", 8)
IMAGE = {"bits": 8, "resampling": "bilinear", "orientation": "upright", "aspect": [1.0, 1.5]}
PHOTOS = {
    "input_shape": [2, 3, 1],
    "input_dtype": "uint8",
    "feature_names": None,
    "stride": None,
    "image": IMAGE,
}
NUMBERS = {
    "no input": (("model", "input_shape"), [], "input_shape: expected 1 to 8 dimensions"),
    "nine axes": (("model", "input_shape"), [1] * 9, "input_shape: expected 1 to 8 dimensions"),
    "empty row": (("model", "input_shape"), [0], "input_shape: expected sizes from 1"),
    "two negatives": (
        ("model", "input_shape"),
        [-2, -3],
        "expected sizes from 1, at most 2^28 values",
    ),
    "overflow": (
        ("model", "input_shape"),
        [2**32, 2**32],
        "expected sizes from 1, at most 2^28 values",
    ),
    "beyond 2^53": (("model", "latent_dim"), 2**53 + 1, "latent_dim: expected at most 2^53"),
    "no latents": (("model", "latent_dim"), 0, "latent_dim: expected from 1"),
    "dtype": (("model", "input_dtype"), "object", "input_dtype: expected float32 or uint8"),
    "range": (("model", "value_range"), [1, 0], "value_range: expected low < high"),
    "beta": (("model", "beta"), -1, "expected beta and parameters from 0"),
    "parameters": (("model", "parameters"), -1, "expected beta and parameters from 0"),
    "no column of times": (("model", "clock"), {"columns": []}, "clock.columns: expected one or"),
    "a column twice": (("model", "clock"), {"columns": ["t", "t"]}, "columns: expected one or two"),
    "three columns": (("model", "clock"), {"columns": ["t", "u", "v"]}, "columns: expected one or"),
    "a column without a name": (("model", "clock"), {"columns": [""]}, "names and a format of 1"),
    "a long format": (
        ("model", "clock"),
        {"columns": ["t"], "format": "%d" * 60},
        "clock: expected names and a format of 1 to 100 characters",
    ),
    "no step": (("model", "clock"), {"columns": ["t"], "step": 0}, "clock.step: expected a number"),
    "a gap of ages": (("model", "clock"), {"columns": ["t"], "gap": 1e19}, "clock.gap: expected a"),
    "scale of 0": (("model", "preprocessing", "scale"), [0.0], "expected one offset and scale"),
    "offsets": (("model", "preprocessing", "offset"), [1.0, 2.0], "expected one offset and scale"),
    "limits": (("model", "preprocessing", "low"), 99, "preprocessing: expected low < high"),
    "a long mark": (("model", "dialect"), {"sep": ";;"}, "dialect.sep: expected one character"),
    "a letter": (("model", "dialect"), {"decimal": "x"}, "decimal: expected one character"),
    "a control": (("model", "dialect"), {"sep": "\x07"}, "expected text without control"),
    "twice a mark": (("model", "dialect"), {"thousands": "."}, "decimal and thousands that differ"),
    "encoding": (("model", "dialect"), {"encoding": "zip"}, "dialect.encoding: expected one of"),
    "lines on top": (("model", "dialect"), {"skiprows": 10**9}, "dialect: expected few lines"),
    "codes": (("model", "dialect"), {"missing": ["x"] * 101}, "missing: expected up to 100"),
    "no sigma": (("model", "sigma"), [], "sigma: expected one above 0"),
    "sigma of 0": (("model", "sigma"), [0.0], "sigma: expected one above 0"),
    "one-hot images": (
        ("model",),
        {**DOCUMENT["model"], "input_shape": [1, 6], "one_hot": [3], "feature_names": None},
        "expected one-hot groups of a table's rows alone",
    ),
    **{
        f"an image: {name}": (
            ("model",),
            {**DOCUMENT["model"], **PHOTOS, **others},
            message if message[0] == "e" else f"model.image{message}",
        )
        for name, others, message in (
            ("no channels", {"input_shape": [2, 3]}, ": expected rows of (height, width, 1 or 3"),
            ("four channels", {"input_shape": [2, 3, 4]}, ": expected rows of (height, width, 1"),
            ("a long side", {"input_shape": [16385, 1, 1]}, ": expected rows of (height, width"),
            ("windows", {"stride": 1}, "expected a stride from 1, of windows"),
            ("names", {"feature_names": ["grey"]}, ": expected rows of (height, width, 1 or 3"),
            ("bits", {"image": {**IMAGE, "bits": 12}}, ".bits: expected 8 of uint8, or 16 of grey"),
            ("float", {"input_dtype": "float32"}, ".bits: expected 8 of uint8, or 16 of grey"),
            ("16", {"image": {**IMAGE, "bits": 16}}, ".bits: expected 8 of uint8, or 16 of grey"),
            ("filter", {"image": {**IMAGE, "resampling": "magic"}}, ".resampling: expected one"),
            ("turned", {"image": {**IMAGE, "orientation": "left"}}, ".orientation: expected one"),
            ("sides", {"image": {**IMAGE, "aspect": [2.0, 1.0]}}, ".aspect: expected ratios"),
            ("flat", {"image": {**IMAGE, "aspect": [0.0, 1.0]}}, ".aspect: expected ratios"),
            ("wide", {"image": {**IMAGE, "aspect": [1.0, 1e300]}}, ".aspect: expected ratios"),
        )
    },
    "an offset beyond float32": (
        ("model", "preprocessing", "offset"),
        [1e39],
        "expected offset and scale that float32 holds",
    ),
    "sigma beyond float32": (("model", "sigma"), [1e-300], "sigma: expected one above 0"),
    "one-hot": (("model", "one_hot"), [3, -1], "expected one-hot groups within the columns"),
    "rows": (("training", "rows"), -1, "training.rows: expected from 0"),
    "direction": (("score", "direction"), "lower is more anomalous", "score: expected"),
    "unit of scores": (("score", "unit"), "bits", "score: expected"),
    "tolerance of 0": (("tolerance",), 0, "tolerance: expected more than 0 and at most 0.01"),
    "tolerance": (("tolerance",), 0.02, "tolerance: expected more than 0 and at most 0.01"),
    "rounding": ((*CALIBRATION, "rounding"), 1e9, "fp32.rounding: expected 0 to 1"),
    "below 0": ((*CALIBRATION, "rounding"), -1e-9, "fp32.rounding: expected 0 to 1"),
    "no folds": ((*CALIBRATION, "folds"), 0, "fp32.folds: expected 1 or more"),
    "no scores": ((*CALIBRATION, "scores"), [], "expected scores enough for alpha 0.01"),
    "too few": ((*CALIBRATION, "scores"), [1.0] * 98, "expected scores enough for alpha 0.01"),
    "too fine": ((*CALIBRATION, "alpha"), 1e-6, "expected scores enough for alpha 1e-06"),
    "no calibration": (("calibration",), {}, "calibration: expected an entry for fp32"),
    "scorer alone": (("files", 5, "precision"), "int8", "calibration: expected an entry for int8"),
    "no machines": ((*CALIBRATION, "by_machine"), {}, "by_machine: expected one or more, or null"),
    "machines of others": (
        (*CALIBRATION, "by_machine"),
        {"a": [1.0]},
        "machines whose scores are all there",
    ),
    "empty machine": ((*CALIBRATION, "by_machine"), {"a": []}, "expected ascending scores of 'a'"),
    "unsorted machine": (
        (*CALIBRATION, "by_machine"),
        {"a": [2.0, 1.0]},
        "ascending scores of 'a'",
    ),
    "machine without a name": (
        (*CALIBRATION, "by_machine"),
        {"": [1.0]},
        "expected names of 1 to 100",
    ),
    "long name": ((*CALIBRATION, "by_machine"), {"a" * 101: [1.0]}, "expected names of 1 to 100"),
    "space": ((*CALIBRATION, "by_machine"), {"a ": [1.0]}, "expected names of 1 to 100"),
    "column of no machines": (
        ("model", "machine_column"),
        "machine",
        "expected null where no calibration has",
    ),
    "more alarms than rows": ((*CALIBRATION, "trial"), {**TRIAL, "false_alarms": 10}, "counts of"),
    "fewer than none": ((*CALIBRATION, "trial"), {**TRIAL, "anomalies": -1}, "counts of rows"),
    "too many tests": ((*CALIBRATION, "trial"), {**TRIAL, "normal_rows": 10**10}, "counts of rows"),
    "no AUROC": ((*CALIBRATION, "trial"), {**TRIAL, "auroc": None}, "trial.auroc: expected 0 to 1"),
    "AUROC of none": ((*CALIBRATION, "trial"), {**TRIAL, "anomalies": 0}, "trial.auroc: expected"),
    "AUROC": ((*CALIBRATION, "trial"), {**TRIAL, "auroc": 1.5}, "trial.auroc: expected 0 to 1"),
    "none that count": ((*CALIBRATION, "trial"), {**TRIAL, "alike": 0}, "alike: expected a share"),
    "no share": ((*CALIBRATION, "trial"), {**TRIAL, "independent": 0}, "independent: expected a"),
    "more than all": (
        (*CALIBRATION, "trial"),
        {**TRIAL, "independent": 2},
        "independent: expected",
    ),
    "no rows": (("recalibrated",), [{**RECORD, "rows": 0}], "recalibrated: expected rows from 1"),
    "hash": (("recalibrated",), [{**RECORD, "sha256": "a"}], "recalibrated: expected a sha256"),
    "machine of none": (
        ("recalibrated",),
        [{**RECORD, "machine": "a"}],
        "expected a machine of the",
    ),
    "all twice": (("recalibrated",), [RECORD, RECORD], "or all first"),
    "bytes": ((*SCORER, "bytes"), 2**31, "scorer.onnx: expected bytes below 2^31"),
    "negative bytes": ((*SCORER, "bytes"), -1, "scorer.onnx: expected bytes below 2^31"),
    "sha256": ((*SCORER, "sha256"), "0" * 63, "scorer.onnx: expected a sha256"),
    "opset": ((*SCORER, "opset"), 0, "scorer.onnx: expected an opset"),
    "parity": ((*SCORER, "parity"), {"score": -1}, "scorer.onnx: expected parity, from 0"),
    "parity of none": ((*PROBE, "parity"), {"score": 0}, "expected parity, from 0"),
    "error_scale": ((*SCORER, "outputs", 0, "error_scale"), 0, "expected an error_scale above 0"),
    "half quantised": ((*SCORER, "outputs", 0, "scale"), 0.5, "a scale above 0 and its zero_point"),
    "output's dtype": ((*SCORER, "outputs", 0, "dtype"), "int8", "expected outputs in float32"),
    "tensor's dtype": (("files", 5, "inputs", 0, "dtype"), "f2", "input 'x' is f2"),
    "fixed batch": ((*SCORER, "inputs", 0, "shape"), [1, 6], "expected a graph that takes any"),
    "scalar": ((*SCORER, "outputs", 0, "shape"), [], "expected a graph that takes any batch"),
    "no inputs": ((*SCORER, "inputs"), [], "scorer.onnx: expected the inputs"),
    "no outputs": ((*SCORER, "outputs"), [], "scorer.onnx has the outputs {}; the model says"),
    "two of a kind": (("files", 1), {**DOCUMENT["files"][0], "name": "b"}, "expected one of each"),
    "no probe": ((*PROBE, "role"), "report", "expected [('probe', 'npz')] in fp32 as well"),
    "no scorer": ((*SCORER, "role"), "other", "expected [('scorer', 'onnx')] in fp32 as well"),
}


def test_the_places_are_what_they_are_called():
    assert [DOCUMENT["files"][i]["name"] for i in (4, 5, 8)] == [
        "scorer.onnx",
        "scorer.tflite",
        "probe.npz",
    ]


@pytest.mark.parametrize(("place", "value", "message"), NUMBERS.values(), ids=NUMBERS)
def test_what_cannot_be_is_refused_by_its_place(place, value, message):
    with refuses(message):
        load(edited(place, value))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_rounding_may_be_a_nat_or_a_thousandth_of_the_scores(precision):
    document = edited((*CALIBRATION, "scores"), [10_000.0] * 99)
    document["calibration"]["fp32"]["rounding"] = 10.0
    document["calibration"][precision] = document["calibration"]["fp32"]
    assert load(document).calibration[precision].rounding == 10.0


def test_machines_are_those_of_all_calibrations():
    scores = DOCUMENT["calibration"]["fp32"]["scores"]
    document = edited((*CALIBRATION, "by_machine"), {"a": scores[::2], "b": scores[1::2]})
    assert list(load(document).calibration["fp32"].by_machine) == ["a", "b"]
    document["calibration"]["int8"] = DOCUMENT["calibration"]["fp32"]
    with refuses("calibration: expected the same machines in all entries"):
        load(document)


TEXTS = {
    "escape": "\x1b[2J",
    "bell": "a\x07",
    "line": "a\nselftest passed",
    "C1": "\x9b2J",
    "delete": "\x7f",
    "right to left": "\u202egnp.exe",
    "isolate": "\u2066x",
    "separator": "\u2028",
    "surrogate": "\ud800",
    "megabyte": "a" * 2**20,
}
PLACES = [
    ("model", "name"),
    ("model", "feature_names", 0),
    ("model", "classes", 1),
    ("training", "license"),
    ("created",),
    ("files", 0, "ops", 0),
    ("files", 0, "inputs", 0, "shape", 0),
]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_a_terminal_should_not_be_shown_is_refused_and_not_shown(text, subtests):
    for place in PLACES:
        with subtests.test(place), refuses("manifest.json.") as e:
            load(edited(place, text))
        assert str(e.value).isprintable()
        assert len(str(e.value)) < 1000


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_keys_are_texts_too(text):
    with pytest.raises(BundleError) as e:
        load(edited(("training", "versions", text), "1"))
    assert str(e.value).isprintable()
    assert len(str(e.value)) < 1000


@pytest.mark.parametrize("text", ["température °C", "温度", "درجة", "😀", "a b", "naïve\u00a0x"])
def test_names_of_any_language_are_taken(text):
    assert load(edited(("model", "name"), text)).model.name == text


def test_objects_and_lists_have_an_end():
    many = {str(i): "1" for i in range(texts.MOST_ENTRIES + 1)}
    with refuses("training.versions: expected 1000 keys. Received: 1001."):
        load(edited(("training", "versions"), many))
    file = DOCUMENT["files"][0]
    with refuses("files: expected 250 at most"):
        files = [{**file, "name": f"f{i}"} for i in range(consistency.MOST_FILES + 1)]
        load(edited(("files",), files))
    with refuses("ops: expected 65536 entries. Received: 65537."):
        load(edited((*SCORER, "ops"), ["Add"] * 65_537))


SECONDS = 20.0  # where it took minutes


def many_outputs(document):
    """Millions of entries, each list of which is short enough."""
    tensor = {**document["files"][4]["outputs"][0], "shape": ["a"] * 60_000}
    document["files"][4]["outputs"] = [tensor] * 150


def many_ops(document):
    document["files"] = [{**document["files"][0], "ops": ["Add"] * 60_000}] * 100


def many_parities(document):
    document["files"][4]["parity"] = {str(i): 1.0 for i in range(300_000)}


@pytest.mark.parametrize("change", [many_outputs, many_ops, many_parities])
def test_a_document_has_an_end(change):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    content = json.dumps(document).encode()
    begun = time.monotonic()
    with refuses("expected 262144 values at most. Received: more. Copy or export"):
        loads(content)
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize(
    "number", ["9" * 5000, "9" * 2_000_000, "1e" + "9" * 2_000_000, "0." + "9" * 2_000_000]
)
def test_numbers_of_a_million_digits_are_refused_in_a_moment(number):
    content = json.dumps(edited(("tolerance",), "HERE")).replace('"HERE"', number)
    begun = time.monotonic()
    with refuses("Copy or export the bundle again.") as e:
        loads(content.encode())
    assert time.monotonic() - begun < SECONDS
    assert len(str(e.value)) < 1000


def test_errors_about_long_shapes_are_short():
    document = edited((*SCORER, "inputs", 0, "shape"), ["batch", *["a" * 9_000] * 1000])
    with refuses("scorer.onnx input 'x' is float32") as e:
        load(document)
    assert len(str(e.value)) < 1000


def test_a_key_that_stands_twice_is_refused():
    content = json.dumps(DOCUMENT).replace('"tolerance"', '"tolerance": 0.01, "tolerance"')
    with refuses("the key tolerance twice in an object"):
        loads(content.encode())


def test_nesting_of_any_depth_is_refused():
    content = json.dumps(edited(("tolerance",), "HERE"))
    # somewhere below 1000, what can still be read is too deep to be written into the error
    for depth in [10, *range(700, 1010), 100_000]:
        nested = content.replace('"HERE"', "[" * depth + "]" * depth)
        with refuses("Copy or export the bundle again."):
            loads(nested.encode())


def test_a_signature_cannot_be_a_file_of_the_manifest():
    with refuses("expected files of different names"):
        load(edited((*PROBE, "name"), "MANIFEST.json.sig"))


def swapped(one, other, *keys):
    """A manifest in which two files exchange what it says of them."""
    document = copy.deepcopy(DOCUMENT)
    a, b = (next(f for f in document["files"] if f["name"] == name) for name in (one, other))
    for key in keys:
        a[key], b[key] = b[key], a[key]
    return document


GRAPHS = ["encoder.onnx", "decoder.onnx", "scorer.onnx", "classifier.onnx"]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(GRAPHS, 2)))
def test_graphs_of_exchanged_roles_are_refused(one, other):
    with refuses("manifest.json: "):
        load(swapped(one, other, "role"))


@pytest.mark.parametrize("precision", ["fp16", "dynamic", "int8"])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer", "classifier"])
def test_a_graph_of_another_role_is_refused_in_every_precision(precision, name, role):
    document = copy.deepcopy(DOCUMENT)
    (file,) = (f for f in document["files"] if f["name"] == name)
    document["files"].append({**file, "name": "more.onnx", "role": role, "precision": precision})
    document["calibration"][precision] = document["calibration"]["fp32"]
    if file["role"] == role:
        assert load(document).file(role, precision=precision).name == "more.onnx"
    else:
        with refuses("manifest.json: more.onnx"):
            load(document)


def test_a_precision_of_the_future_is_left_alone():
    document = copy.deepcopy(DOCUMENT)
    (file,) = (f for f in document["files"] if f["name"] == "decoder.onnx")
    document["files"].append({**file, "name": "more.onnx", "role": "encoder", "precision": "fp8"})
    assert load(document).files[-1].precision == "fp8"


def document_of(bundle):
    return json.loads((bundle / "manifest.json").read_text())


def without(document, *names):
    files = [file for file in document["files"] if file["name"] not in names]
    return {**document, "files": files}


def test_an_old_bundle_has_its_mixture_in_a_file():
    document = edited(("model", "mixture"), 3)
    probe = document["calibration"]["fp32"]
    document["calibration"]["fp32.neg_elbo"] = probe
    with refuses("expected a file of mixture in npz where the model has a mixture"):
        load(document)


@pytest.mark.parametrize("name", ["replacements.onnx", "replacements.tflite"])
def test_a_bundle_that_lacks_what_explains_its_mixture_is_refused(table_bundle, name):
    with refuses("expected a file of replacements in onnx and tflite where the model has a mix"):
        load(without(document_of(table_bundle), name))


def test_a_bundle_with_one_too_many_is_refused(digits_bundle, table_bundle):
    (file,) = (f for f in document_of(table_bundle)["files"] if f["name"] == "replacements.onnx")
    document = document_of(digits_bundle)
    shape = ["batch", 8, 8, 1]
    for tensor in (*file["inputs"], *file["outputs"]):
        tensor["shape"] = shape
    document["files"].append(file)
    with refuses("Received: 1 files, None centres"):
        load(document)


@pytest.mark.parametrize("role", ["preprocess", "head", "mean"])
def test_networks_of_8_bits_without_what_stands_around_them_are_refused(few_bundle, role):
    document = document_of(few_bundle)
    with refuses(f"expected {role} in fp32 tflite beside networks of int8"):
        load(without(document, f"{role}.tflite"))


SHAPES = {
    "preprocess.tflite": ("outputs", 0, "shape", ["batch", 7]),
    "mean.tflite": ("inputs", 0, "shape", ["batch", 5]),
    "replacements.onnx": ("outputs", 0, "name", "x_mean"),
    "head.tflite": ("inputs", 0, "dtype", "int8"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_graphs_in_float32_alone_take_and_give_what_their_role_does(few_bundle, name):
    document, (kind, number, key, value) = document_of(few_bundle), SHAPES[name]
    (file,) = (f for f in document["files"] if f["name"] == name)
    file[kind][number][key] = value
    with refuses(f"manifest.json: {name}"):
        load(document)


def test_graphs_in_float32_alone_are_found_at_any_precision(few_bundle):
    manifest = open_bundle(few_bundle).manifest
    for precision in ("fp32", "int8"):
        assert manifest.file("head", format="tflite", precision=precision).name == "head.tflite"
    with refuses("expected a fp32 npz file for the head."):
        manifest.file("head", format="npz", precision="int8")


def test_a_dialect_is_read(tmp_path):
    said = {"sep": "tab", "decimal": ",", "encoding": "latin-1", "missing": ["-200"]}
    assert load(edited(("model", "dialect"), said)).model.dialect.missing == ("-200",)
