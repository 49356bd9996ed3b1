import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime import BundleError, Runner
from vae_runtime.backends.deviations import as_row, deviation, noise
from vae_runtime.backends.selftest import SelftestReport
from vae_runtime.bundle import open_bundle

ALTERED = 1 + 1e-3  # a hundred times the tolerance of a bundle
ROUNDED = 1 + 1e-6  # a tenth of it, and about float32's own rounding

ANSWERS = {
    "encoder.z_mean",
    "encoder.z_log_var",
    "decoder.x_mean",
    "scorer.score",
    "scorer.nll",
    "scorer.kl",
    "scorer.log_px",
    "scorer.feature_nll",
    "noisy_scorer.score",
    "noisy_scorer.nll",
    "noisy_scorer.kl",
    "noisy_scorer.log_px",
    "noisy_scorer.feature_nll",
}

rows = arrays(np.float32, (4, 2), elements=st.integers(-1000, 1000).map(float))


def scale(key, factor):
    """A change of the probe: this answer times this factor."""
    return lambda arrays: arrays.update({key: arrays[key] * np.float32(factor)})


def test_a_good_bundle_passes(case):
    report = case.runner.selftest()
    assert report.passed
    assert {check.tolerance for check in report.checks} == {case.runner.manifest.tolerance}


def test_every_output_of_every_graph_is_checked_all_at_once_and_one_at_a_time(case):
    checks = [(check.name, check.rows) for check in case.runner.selftest().checks]
    mixture = {"scorer.mixture_nll", "noisy_scorer.mixture_nll", "replacements.x_expected"}
    answers = ANSWERS | (mixture if case.runner.manifest.model.mixture else set())
    if case.runner.manifest.model.stride:
        answers = answers | {"replacements.channels_expected"}
    expected = {(name, rows) for name in answers for rows in ("all at once", "one at a time")}
    assert set(checks) == expected
    assert len(checks) == len(expected)


def test_an_altered_answer_fails_its_own_check_and_no_other(bundle_copy, change_probe, subtests):
    for key in sorted(ANSWERS):
        with subtests.test(key):
            change_probe(bundle_copy, scale(key, ALTERED))
            report = Runner.load(bundle_copy).selftest()
            assert not report.passed
            assert {check.name for check in report.checks if not check.passed} == {key}
            change_probe(bundle_copy, scale(key, 1 / ALTERED))


def test_an_answer_altered_within_the_tolerance_passes(bundle_copy, change_probe):
    change_probe(bundle_copy, scale("scorer.score", ROUNDED))
    assert Runner.load(bundle_copy).selftest().passed


def test_the_tolerance_is_the_bundles_own(bundle_copy, change_probe, edit_manifest):
    change_probe(bundle_copy, scale("scorer.score", ALTERED))
    edit_manifest(bundle_copy, lambda document: document.update(tolerance=0.01))
    report = Runner.load(bundle_copy).selftest()
    assert {check.tolerance for check in report.checks} == {0.01}
    assert report.passed


def test_noise_reaches_the_graph(bundle_copy, change_probe):
    change_probe(bundle_copy, lambda arrays: arrays.update(noise=np.zeros_like(arrays["noise"])))
    checks = Runner.load(bundle_copy).selftest().checks
    failed = {check.name for check in checks if not check.passed}
    assert {"noisy_scorer.score", "noisy_scorer.nll"} <= failed
    assert not any(name.startswith("scorer.") for name in failed)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda answer: np.where(answer == answer, np.nan, answer), id="nan"),
        pytest.param(lambda answer: answer[:3], id="fewer rows"),
        pytest.param(lambda answer: answer[..., None], id="another rank"),
    ],
)
def test_an_answer_that_is_none_fails(bundle_copy, change_probe, spoil):
    def change(arrays):
        arrays["decoder.x_mean"] = spoil(arrays["decoder.x_mean"])

    change_probe(bundle_copy, change)
    assert not Runner.load(bundle_copy).selftest().passed


@pytest.mark.parametrize("key", ["x", "z", "noise", "encoder.z_mean", "noisy_scorer.log_px"])
def test_a_missing_key_is_refused_by_its_name(bundle_copy, change_probe, key):
    change_probe(bundle_copy, lambda arrays: arrays.pop(key))
    runner = Runner.load(bundle_copy)
    with pytest.raises(BundleError, match=re.escape(f"probe.npz: expected the key {key!r}.")):
        runner.selftest()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda x: x.astype(np.float64), id="dtype"),
        pytest.param(lambda x: x.reshape(len(x), -1), id="shape"),
        pytest.param(lambda x: x[:0], id="no rows"),
    ],
)
def test_probe_rows_that_the_graphs_cannot_take_are_the_bundles_fault(
    bundle_copy, change_probe, spoil
):
    change_probe(bundle_copy, lambda arrays: arrays.update(x=spoil(arrays["x"])))
    runner = Runner.load(bundle_copy)
    with pytest.raises(BundleError, match=r"probe\.npz"):
        runner.selftest()


@settings(max_examples=50, deadline=None)
@given(rows, rows)
def test_deviation_is_the_largest_difference_as_a_share_of_the_largest_magnitude(a, b):
    if not a.any():
        a = a + np.float32(1)
    expected = max(abs(p - q) for p, q in zip(a.flat, b.flat, strict=True)) / max(map(abs, a.flat))
    assert deviation(a, b) == pytest.approx(expected, rel=1e-6)  # the reference is in float32


@settings(max_examples=50, deadline=None)
@given(rows)
def test_deviation_of_equal_arrays_is_zero(a):
    assert deviation(a, a.copy()) == 0.0


@settings(max_examples=50, deadline=None)
@given(rows, rows, st.integers(-10, 10))
def test_deviation_has_no_unit(a, b, power):
    factor = np.float32(2.0**power)  # a power of two, for exact products
    assert deviation(a * factor, b * factor) == deviation(a, b)


def test_a_deviation_is_a_share_of_the_error_scale_where_all_is_smaller():
    assert deviation(np.array([0.25, 0.5]), np.array([0.25, 0.75]), 1.0) == 0.25
    assert deviation(np.array([0.25, 4.0]), np.array([0.25, 5.0]), 1.0) == 0.25


def test_the_data_units_are_measured_in_those_of_the_model():
    """The second feature is off by 5 of its deviations, where 10 is the most of all."""
    expected = np.array([[1e5, 0.001], [2e5, 0.002]])
    received = expected + np.array([[0.0, 0.0], [0.0, 0.0005]])
    scaling = np.array([1.9e5, 0.0015]), np.array([1e4, 1e-4])
    assert deviation(expected, received, 1.0, scaling=scaling) == pytest.approx(5 / 9, rel=1e-4)
    assert deviation(expected, received) == pytest.approx(0.0005 / 2e5)


def test_what_float32_cannot_resolve_is_no_deviation():
    expected, scaling = np.array([[101325.0]]), (np.array([101325.0]), np.array([1.0]))
    one_step = np.spacing(np.float32(101325.0))
    assert deviation(expected, expected + one_step, 1.0, scaling=scaling) == 0.0
    assert deviation(expected, expected + 1.0, 1.0, scaling=scaling) > 0.2


def test_a_feature_of_small_units_has_a_say_in_the_verdict(table_copy, change_probe):
    def spoil(arrays):
        arrays["decoder.x_mean"][:, 1] *= np.float32(ALTERED)  # vibration, beside pascals

    change_probe(table_copy, spoil)
    report = Runner.load(table_copy).selftest()
    assert {check.name for check in report.checks if not check.passed} == {"decoder.x_mean"}


def test_any_difference_from_zeros_is_infinite():
    assert deviation(np.zeros(3), np.array([0.0, 0.0, 1e-30])) == np.inf


def test_another_shape_is_infinitely_far():
    assert deviation(np.ones((3, 1)), np.ones(3)) == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_infinitely_far(value):
    assert deviation(np.array([1.0, 2.0]), np.array([1.0, value])) == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_everything_is_infinitely_far_from_an_expectation_that_is_not_finite(value):
    assert deviation(np.array([1.0, value]), np.array([1.0, 2.0])) == np.inf


def zeroed(content):
    """An ONNX graph with the same nodes and zeros for its weights."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and values.size > 8:
            lost = numpy_helper.from_array(np.zeros_like(values), tensor.name)
            tensor.CopyFrom(lost)
    return model.SerializeToString()


@pytest.fixture
def golden_copy(golden, tmp_path):
    """The golden bundle as a directory, to damage."""
    out = tmp_path / "golden"
    out.mkdir()
    for name, content in open_bundle(golden).contents().items():
        (out / name).write_bytes(content)
    return out


def each(change):
    """A change of every graph's entry in the manifest."""

    def apply(document):
        for file in document["files"]:
            if file["outputs"]:
                change(file)

    return apply


SUMS = {"score", "nll", "log_px", "feature_nll", "mixture_nll"}


def error_scale(value, names=SUMS):
    def change(file):
        for tensor in file["outputs"]:
            tensor["error_scale"] = value if tensor["name"] in names else 1.0

    return each(change)


def parity(value):
    return each(lambda file: file.update(parity=dict.fromkeys(file["parity"], value)))


def scaled(**values):
    def change(document):
        for name, value in values.items():
            document["model"]["preprocessing"][name] = [value]

    return change


TALKED = {
    "no parity": each(lambda file: file.update(parity={})),
    "parity of one output": each(lambda file: file["parity"].popitem()),
    "any parity": parity(1e9),
    "a parity of one": parity(1.0),
    "a parity as the tolerance": lambda d: (parity(0.01)(d), d.update(tolerance=0.01)),
    "any error_scale": error_scale(1e30),
    "an error scale of latents": error_scale(2.0, {"z_mean"}),
    "a large error_scale": error_scale(1e9),
    "the largest tolerance": lambda document: document.update(tolerance=0.01),
    "tolerance and error_scale": lambda d: (error_scale(1e9)(d), d.update(tolerance=0.01)),
    "another precision": each(lambda file: file.update(precision="int8")),
    "degraded": each(lambda file: file.update(parity={}, degraded=["it lost much"])),
    "another role": each(lambda file: file.update(role="other")),
    "no outputs": each(lambda file: file.update(parity={}, outputs=[])),
    "a large scale": scaled(scale=1e30),
    "a small scale": scaled(scale=1e-30),
    "a scale beyond float32": scaled(scale=1e60),
    "a large offset": scaled(offset=1e30),
    "a negative scale": scaled(scale=-1e6),
}


@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer", "classifier"])
def test_no_manifest_talks_the_selftest_out_of_lost_weights(
    golden_copy, replace_file, edit_manifest, role, subtests
):
    name = f"{role}.onnx"
    replace_file(golden_copy, name, zeroed((golden_copy / name).read_bytes()))
    good = (golden_copy / "manifest.json").read_bytes()
    assert not Runner.load(golden_copy).selftest().passed
    for what, change in TALKED.items():
        with subtests.test(what):
            (golden_copy / "manifest.json").write_bytes(good)
            edit_manifest(golden_copy, change)
            try:
                passed = Runner.load(golden_copy).selftest().passed
            except BundleError:
                continue
            assert not passed


REFUSED = {
    "no parity": "expected parity of",
    "parity of one output": "expected parity of",
    "any parity": "expected parity of at most 1e-05",
    "any error_scale": "expected an error_scale above 0 and at most 1e+12",
    "an error scale of latents": "'z_mean': expected an error_scale above 0 and at most 1.",
    "a scale beyond float32": "expected offset and scale that float32 holds",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_export_never_writes_is_refused_by_its_place(golden_copy, edit_manifest, name):
    edit_manifest(golden_copy, TALKED[name])
    with pytest.raises(BundleError, match=re.escape(REFUSED[name])):
        Runner.load(golden_copy)


def test_nothing_compared_is_no_pass():
    assert not SelftestReport(()).passed


def of_int8(**changes):
    return each(lambda file: file["precision"] == "int8" and file.update(changes))


def wide(file):
    file["precision"] == "int8" and file.update(parity=dict.fromkeys(file["parity"], 9.0))


LOWER = {
    "as it is": lambda document: None,
    "parity": each(wide),
    "degraded": of_int8(parity={}, degraded=["much"]),
    "error_scale": error_scale(1e9),
    "tolerance": lambda document: document.update(tolerance=0.01),
}


@pytest.mark.parametrize("what", LOWER)
def test_nor_of_those_of_lower_precision(
    full_of, tmp_path, replace_file, edit_manifest, what, subtests
):
    out = shutil.copytree(full_of("table").bundle, tmp_path / "table")
    assert Runner.load(out, precision="int8").selftest().passed
    for role in ("encoder", "decoder", "scorer"):
        with subtests.test(role):
            content = (out / f"{role}.int8.onnx").read_bytes()
            replace_file(out, f"{role}.int8.onnx", emptied(content))
            edit_manifest(out, LOWER[what])
            report = Runner.load(out, precision="int8").selftest()
            assert not report.passed
            failed = {c.name.split(".")[0] for c in report.checks if not c.passed}
            assert failed <= {role, f"noisy_{role}"}
            replace_file(out, f"{role}.int8.onnx", content)


def emptied(content):
    """As `zeroed`, of integers too, which are at their zero points of 0 or not far from them."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 2 or values.size > 8:
            lost = numpy_helper.from_array(np.zeros_like(values), tensor.name)
            tensor.CopyFrom(lost)
    return model.SerializeToString()


AROUND = {
    "preprocess.u",
    "mean.x_mean",
    *(f"head.{name}" for name in ("score", "nll", "kl", "log_px", "feature_nll", "mixture_nll")),
    "replacements.x_expected",
}


def test_networks_of_8_bits_are_asked_for_all_that_is_computed_around_them(full_of):
    report = Runner(open_bundle(full_of("table").bundle), precision="int8", backend="litert")
    checks = report.selftest().checks
    known = {"decoder.x_mean", "scorer.score", "scorer.nll", "scorer.mixture_nll"}
    assert {check.name for check in checks} >= known | AROUND
    assert all(check.tolerance <= 1.0 and check.most_noise < 1.0 for check in checks)
    exact = [check for check in checks if check.name in AROUND]
    tolerance = report.manifest.tolerance
    assert {(c.tolerance, c.most_noise) for c in exact} == {(tolerance, 0.01)}


@pytest.mark.parametrize(
    ("backend", "end", "roles"),
    [
        ("litert", "tflite", ("preprocess", "head", "mean", "replacements")),
        ("onnxruntime", "onnx", ("replacements",)),
    ],
)
def test_files_around_networks_are_asked_by_themselves(
    full_of, tmp_path, replace_file, backend, end, roles, subtests
):
    """Each in the place of the other of its kind: of a model with another mixture and scaling."""
    out = shutil.copytree(full_of("table").bundle, tmp_path / "table")
    other = full_of("states").bundle
    for role in roles:
        with subtests.test(role):
            name = f"{role}.{end}"
            own = (out / name).read_bytes()
            replace_file(out, name, (other / name).read_bytes())
            checks = Runner(open_bundle(out), backend=backend).selftest().checks
            failed = {check.name.split(".")[0] for check in checks if not check.passed}
            assert failed == {role}
            replace_file(out, name, own)


def test_a_mixture_that_was_damaged_beside_networks_of_8_bits_is_noticed(
    full_of, tmp_path, replace_file
):
    out = shutil.copytree(full_of("table").bundle, tmp_path / "table")
    other = full_of("states").bundle  # of as many columns, with centres of its own
    replace_file(out, "head.tflite", (other / "head.tflite").read_bytes())
    report = Runner(open_bundle(out), precision="int8", backend="litert").selftest()
    assert {c.name for c in report.checks if not c.passed} >= {"head.mixture_nll"}


@pytest.mark.parametrize("key", ["u", "z_log_var", "parameters", "head.score", "preprocess.u"])
def test_what_graphs_around_networks_are_asked_by_must_be_there(
    full_of, tmp_path, change_probe, key
):
    out = shutil.copytree(full_of("table").bundle, tmp_path / "table")
    change_probe(out, lambda arrays: arrays.pop(key))
    with pytest.raises(BundleError, match=re.escape(f"probe.npz: expected the key {key!r}.")):
        Runner(open_bundle(out), precision="int8", backend="litert").selftest()


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1,)), (3, (3,)), (6, (2, 3))], ids=["one", "last axis", "each"]
)
def test_values_broadcast_with_a_row(count, expected):
    row = as_row(tuple(range(count)), (2, 3))
    assert row.shape == expected
    assert row.ravel().tolist() == list(range(count))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda a: a.update(x=np.repeat(a["x"], 3, 0)), id="many x"),
        pytest.param(lambda a: a.update(z=np.repeat(a["z"], 3, 0)), id="many z"),
        pytest.param(lambda a: a.update(noise=np.repeat(a["noise"], 999, 0)), id="much noise"),
        pytest.param(lambda a: a.update(z=a["z"][:0]), id="no z"),
        pytest.param(lambda a: a.update(noise=a["noise"][:0]), id="no noise"),
        pytest.param(lambda a: a.update(x=a["x"][0, 0, 0, 0]), id="a number"),
    ],
)
def test_probes_of_too_many_rows_or_none_are_refused(bundle_copy, change_probe, spoil):
    change_probe(bundle_copy, spoil)
    runner = Runner.load(bundle_copy)
    with pytest.raises(BundleError, match=r"probe\.npz: .*expected"):
        runner.selftest()


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, np.inf, np.nan])
def test_recorded_answers_that_are_all_the_same_do_not_pass(bundle_copy, change_probe, value):
    def change(arrays):
        for name in arrays:
            if "." in name:
                arrays[name] = np.full_like(arrays[name], value)

    change_probe(bundle_copy, change)
    assert not any(check.passed for check in Runner.load(bundle_copy).selftest().checks)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_recorded_answers_may_be_of_any_dtype(bundle_copy, change_probe, dtype):
    def change(arrays):
        arrays["scorer.score"] = arrays["scorer.score"].astype(dtype)

    change_probe(bundle_copy, change)
    failed = {c.name for c in Runner.load(bundle_copy).selftest().checks if not c.passed}
    assert failed == (set() if dtype == np.float64 else {"scorer.score"})


def test_the_probes_rows_are_rows(golden_copy, change_probe):
    change_probe(golden_copy, lambda arrays: arrays.pop("x"))
    with pytest.raises(BundleError, match=re.escape("probe.npz: expected the key 'x'.")):
        Runner.load(golden_copy).bench(seconds=0.001)
    change_probe(golden_copy, lambda arrays: arrays.update(x=np.full((2, 6), np.nan)))
    with pytest.raises(BundleError, match=r"probe\.npz: x: expected finite numbers"):
        Runner.load(golden_copy).probe_rows()


@pytest.mark.parametrize("changes", [{"value_range": [0.0, 1.0]}, {"one_hot": [2]}])
def test_rows_that_the_manifest_does_not_describe_are_refused(golden_copy, edit_manifest, changes):
    edit_manifest(golden_copy, lambda document: document["model"].update(changes, sigma=None))
    runner = Runner.load(golden_copy)
    with pytest.raises(BundleError, match=r"probe\.npz: x: expected"):
        runner.selftest()


def test_noise_is_a_share_of_the_spread_whatever_the_size():
    expected = np.array([[1000.0], [1001.0], [1002.0]])
    spread = np.sqrt(2 / 3)
    assert noise(expected, np.full((3, 1), 1001.0)) == pytest.approx(1 - 1e-5 * 1002 / spread)
    assert noise(expected, expected) == 0.0
    assert noise(expected, expected + 1e-3) == 0.0  # what float32 is good for at 1000
    assert noise(np.ones((3, 1)), np.full((3, 1), 2.0)) == np.inf


def test_noise_in_the_units_of_the_data_has_no_larger_spread_than_rows_of_the_model_have():
    expected, received = np.array([[0.0], [10.0]]), np.array([[0.0], [5.0]])
    scaling = np.array([0.0]), np.array([1.0])
    assert noise(expected, received, scaling=scaling) == pytest.approx(5 / np.sqrt(2), rel=1e-3)
    other = np.array([1e6]), np.array([10.0])
    assert noise(expected, received, scaling=other) == pytest.approx(1 / np.sqrt(2), rel=1e-3)
