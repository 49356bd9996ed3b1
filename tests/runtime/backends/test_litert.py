import dataclasses
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vae_runtime import BundleError, LiteRT, Runner
from vae_runtime.bundle import Bundle, open_bundle

PRECISIONS = ("fp32", "fp16", "dynamic", "int8")

# Latents and classes in float32, computed in another order.
FLOAT32 = 1e-5

# Of normal rows' scores, as a share of their standard deviation: the median. Those of int8 are
# tested where they are computed. Seen: .003, .031, each on windows.
SCORE_TOLERANCE = {"fp16": 0.01, "dynamic": 0.1}


def load(full, precision="fp32", **settings):
    return Runner.load(full.bundle, precision=precision, backend=LiteRT(**settings))


def open_graph(bundle, role, precision="fp32"):
    return LiteRT().open(bundle, role, precision)


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def tie(runner, score):
    """By how much two computations of a score may differ, as the manifest says."""
    return runner.calibration.rounding + 1e-6 * np.abs(score)


def misdescribed(path, kind, precision="fp32", **changes):
    """The bundle at `path`, as if its manifest said something else of an encoder's tensor."""
    bundle = open_bundle(path)
    encoder = bundle.manifest.file("encoder", format="tflite", precision=precision)
    first, *others = getattr(encoder, kind)
    tensors = (dataclasses.replace(first, **changes), *others)
    described = dataclasses.replace(encoder, **{kind: tensors})
    files = (described, *(f for f in bundle.manifest.files if f != encoder))
    return Bundle(bundle.container, dataclasses.replace(bundle.manifest, files=files))


@pytest.fixture
def full_copy(full_of, tmp_path):
    """A copy of a full bundle, to damage."""
    return shutil.copytree(full_of("table").bundle, tmp_path / "table")


def test_scores_and_verdicts_are_those_of_onnxruntime(full):
    ours, theirs = load(full).score(full.x), full.runner.score(full.x)
    allowed = tie(full.runner, theirs.score)
    assert (np.abs(ours.score - theirs.score) <= allowed).all()
    # A p-value counts scores that are tied: two computations may differ by those within two ties.
    at_least = np.array(full.runner.calibration.scores)[:, None]
    close = (np.abs(at_least - theirs.score) <= 3 * allowed).sum(0)
    assert (np.abs(ours.p_value - theirs.p_value) * (len(at_least) + 1) <= close + 0.5).all()
    unlike = ours.is_anomaly != theirs.is_anomaly
    assert not (unlike & (close == 0)).any()


def test_all_else_is_answered_as_by_onnxruntime(full):
    runner, x = load(full), full.x[:50]
    shares, nats = full.runner.explain(x, by="nll"), full.runner.explain(x)
    unit = np.max(np.abs(shares))
    np.testing.assert_allclose(runner.explain(x, by="nll"), shares, atol=FLOAT32 * unit)
    largest = np.abs(full.runner.score(x).score).max() + np.abs(nats).max()
    of_two_scores = 2 * tie(full.runner, largest)
    np.testing.assert_allclose(runner.explain(x), nats, atol=of_two_scores, rtol=FLOAT32)
    np.testing.assert_allclose(runner.encode(x), full.runner.encode(x), atol=FLOAT32)
    spread = full.x.std()
    np.testing.assert_allclose(
        runner.reconstruct(x), full.runner.reconstruct(x), rtol=FLOAT32, atol=FLOAT32 * spread
    )
    np.testing.assert_allclose(
        runner.sample(9, seed=1), full.runner.sample(9, seed=1), rtol=FLOAT32, atol=FLOAT32 * spread
    )


def test_classes_are_those_of_onnxruntime(full_of):
    full = full_of("states")
    ours, theirs = load(full).classify(full.x), full.runner.classify(full.x)
    assert (ours.shape, ours.dtype) == (theirs.shape, np.float32)
    np.testing.assert_allclose(ours, theirs, atol=FLOAT32)


@pytest.mark.parametrize("precision", SCORE_TOLERANCE)
def test_scores_of_lower_precision_are_near_with_a_threshold_of_their_own(full, precision):
    runner, expected = load(full, precision), full.runner.score(full.x).score
    off = np.abs(runner.score(full.x).score - expected)
    normal = full.run.test["y"] == 0 if "y" in full.run.test else slice(None)
    assert np.median(off[normal]) < SCORE_TOLERANCE[precision] * np.std(expected[normal])
    assert off.max() > 0
    assert runner.calibration == runner.manifest.calibration[precision]
    assert runner.calibration != full.runner.calibration


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_selftest_passes_in_every_precision(full, precision):
    report = load(full, precision).selftest()
    assert report.passed
    names = {check.name for check in report.checks}
    assert {"encoder.z_mean", "encoder.z_log_var"} <= names
    assert {"decoder.x_mean", "scorer.score", "scorer.kl"} <= names  # computed around, of int8
    assert not [name for name in names if name.startswith("noisy_scorer")]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_selftest_sees_an_answer_that_is_another(full_copy, change_probe, precision):
    def spoil(arrays):
        arrays["encoder.z_mean"] *= np.float32(1.5)

    change_probe(full_copy, spoil)
    report = Runner.load(full_copy, precision=precision, backend="litert").selftest()
    assert {check.name for check in report.checks if not check.passed} == {"encoder.z_mean"}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_row_scores_the_same_in_a_batch_of_any_size(full, precision):
    runner, x = load(full, precision), full.x[:300]
    assert len(x) > LiteRT.chunk or len(full.x) < 300
    whole = runner.score(x).score
    for size in (1, 7):
        parts = [runner.score(x[i : i + size]).score for i in range(0, 70, size)]
        np.testing.assert_array_less(
            np.abs(np.concatenate(parts) - whole[:70]), tie(runner, whole[:70]) + 1e-30
        )


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_threads_share_one_runner(full_of, precision):
    full = full_of("digits")
    runner = load(full, precision)
    sizes = [1 + i % 5 for i in range(200)]
    alone = [runner.score(full.x[:size]).score for size in (1, 2, 3, 4, 5)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda size: runner.score(full.x[:size]).score, sizes))
    for size, answer in zip(sizes, answers, strict=True):
        np.testing.assert_array_equal(answer, alone[size - 1])


def test_an_answer_stays_what_it_is_when_the_next_is_asked(full_of):
    runner, x = load(full_of("table")), full_of("table").x
    first = runner.score(x[:3]).score
    kept = first.copy()
    runner.score(x[3:6])
    np.testing.assert_array_equal(first, kept)


def test_several_threads_within_a_call_give_the_same_scores(full_of):
    full = full_of("digits")
    expected = load(full).score(full.x).score
    for threads in (0, 2):
        off = np.abs(load(full, threads=threads).score(full.x).score - expected)
        assert (off <= tie(full.runner, expected)).all()


def test_fewer_threads_than_none_are_refused():
    with pytest.raises(ValueError, match=r"expected threads .* from 0 to 256.*Received: -1\."):
        LiteRT(threads=-1)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_samples_are_refused_since_the_noise_is_fixed(full_of, precision):
    full = full_of("table")
    runner = load(full, precision)
    with pytest.raises(ValueError, match=r"this graph takes: x\. Received: noise.*onnxruntime"):
        runner.score(full.x[:2], samples=4, seed=0, threshold=1.0)
    assert runner.encode(full.x[:2], draws=4, seed=0).shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("inputs", {"shape": ("batch", 7)}, 'encoder.tflite: input "x" is'),
        ("inputs", {"shape": (1, 6)}, 'encoder.tflite: input "x" is'),
        ("inputs", {"dtype": "uint8"}, 'encoder.tflite: input "x" is'),
        ("inputs", {"name": "rows"}, "encoder.tflite: expected the inputs rows. Received: x."),
        ("outputs", {"shape": ("batch", 9)}, 'encoder.tflite: output "z_mean" is'),
        ("outputs", {"name": "z"}, "encoder.tflite: expected the outputs z, z_log_var. Received:"),
        ("outputs", {"scale": 0.5, "zero_point": 0}, 'encoder.tflite: output "z_mean" is'),
    ],
)
def test_a_graph_unlike_the_manifest_is_refused_by_file_and_tensor(full_of, kind, changes, message):
    with refuses(message):
        open_graph(misdescribed(full_of("table").bundle, kind, **changes), "encoder")


@pytest.mark.parametrize(
    "changes",
    [{"scale": 0.5}, {"zero_point": 99}, {"scale": None, "zero_point": None}, {"dtype": "uint8"}],
)
def test_integers_that_mean_something_else_are_refused(full_of, changes):
    with refuses('encoder.int8.tflite: input "x" is'):
        bundle = misdescribed(full_of("table").bundle, "inputs", "int8", **changes)
        open_graph(bundle, "encoder", "int8")


SPOIL = {
    "empty": lambda content: b"",
    "text": lambda content: b"garbage",
    "zeros": lambda content: bytes(1000),
    "noise": lambda content: content[:8] + np.random.default_rng(0).bytes(5000),
    "a start": lambda content: content[:100],
    "half": lambda content: content[: len(content) // 2],
    "no end": lambda content: content[:-1],
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_file_that_is_no_tflite_is_refused_by_its_name(full_copy, replace_file, precision, spoil):
    name = "encoder.tflite" if precision == "fp32" else "encoder.int8.tflite"
    replace_file(full_copy, name, spoil((full_copy / name).read_bytes()))
    runner = Runner.load(full_copy, backend="litert", precision=precision)
    with refuses(f"{name}: LiteRT cannot load it:"):
        runner.encode(np.zeros((1, 6)))


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        ("encoder.tflite", "decoder.tflite", "encoder.tflite: expected the inputs x. Received: z."),
        ("encoder.int8.tflite", "encoder.tflite", 'encoder.int8.tflite: input "x" is'),
        ("encoder.tflite", "encoder.int8.tflite", 'encoder.tflite: input "x" is'),
        ("encoder.tflite", "encoder.onnx", "encoder.tflite: LiteRT cannot load it:"),
    ],
)
def test_another_graph_under_the_same_name_is_refused(
    full_copy, replace_file, name, other, message
):
    replace_file(full_copy, name, (full_copy / other).read_bytes())
    precision = "int8" if "int8" in name else "fp32"
    with refuses(message):
        open_graph(open_bundle(full_copy), "encoder", precision)


def test_an_altered_file_is_refused_also_where_nobody_verified_the_bundle(full_copy):
    path = full_copy / "encoder.tflite"
    path.write_bytes(path.read_bytes()[::-1])
    with refuses("encoder.tflite: its sha256 is not the one in manifest.json"):
        open_graph(open_bundle(full_copy), "encoder")


def test_a_bundle_without_such_files_is_refused(digits_bundle, digits_int8_bundle):
    with refuses("expected a bundle with int8 tflite files."):
        Runner.load(digits_bundle, backend="litert", precision="int8")
    with refuses("expected a fp32 tflite file for the encoder."):
        open_graph(open_bundle(digits_int8_bundle), "encoder")


def test_files_of_that_precision_for_another_backend_are_named_with_it(full):
    with refuses('Its fp16 files run with backend="litert" (--backend litert).'):
        Runner.load(full.bundle, precision="fp16")


def test_rows_that_do_not_fit_the_file_are_an_error_and_the_next_are_not(full_of):
    session = open_graph(open_bundle(full_of("table").bundle), "encoder")
    rows = np.zeros((2, 6), np.float32)
    (expected,) = session.run(("z_mean",), {"x": rows})
    with refuses("encoder.tflite: LiteRT cannot run it:"):
        session.run(("z_mean",), {"x": np.zeros((2, 7), np.float32)})
    with refuses("encoder.tflite: LiteRT cannot run it:"):
        session.run(("z_mean",), {"x": rows.astype(np.float64)})
    np.testing.assert_array_equal(session.run(("z_mean",), {"x": rows})[0], expected)


WITHOUT_LITERT = """
import sys
sys.modules["ai_edge_litert"] = None  # as if it were not installed
from vae_runtime import Runner
Runner.load(sys.argv[1]).sample(1)
Runner.load(sys.argv[1], backend="litert").sample(1)
"""


def test_without_the_package_it_is_said_what_to_install(digits_bundle):
    command = [sys.executable, "-c", WITHOUT_LITERT, digits_bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ValueError: running .tflite files in LiteRT needs ai-edge-litert" in done.stderr
    assert "vae-runtime[litert]" in done.stderr


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: b"", id="nothing"),
        pytest.param(lambda content: b"TFL3" * 30, id="a mark alone"),
        pytest.param(lambda content: content[:200], id="the start alone"),
        pytest.param(
            lambda content: content.replace(b"serving_default", b"serving\x1b[2J_ault"),
            id="another signature",
        ),
        pytest.param(lambda content: content.replace(b"z_mean", b"z\x1b[2J_"), id="another output"),
    ],
)
def test_a_file_that_litert_refuses_is_the_bundles_fault(full_copy, replace_file, precision, spoil):
    name = "encoder.tflite" if precision == "fp32" else f"encoder.{precision}.tflite"
    replace_file(full_copy, name, spoil((full_copy / name).read_bytes()))
    runner = Runner.load(full_copy, precision=precision, backend="litert")
    for ask in (lambda: runner.encode(np.zeros((2, 6), np.float32)), runner.selftest):
        with pytest.raises(BundleError) as e:
            ask()
        assert str(e.value).isprintable()
        assert len(str(e.value)) < 1000


def test_graphs_of_exchanged_roles_are_refused_when_they_are_opened(full_copy, replace_file):
    encoder, decoder = (
        (full_copy / name).read_bytes() for name in ("encoder.tflite", "decoder.tflite")
    )
    replace_file(full_copy, "encoder.tflite", decoder)
    replace_file(full_copy, "decoder.tflite", encoder)
    runner = Runner.load(full_copy, backend="litert")
    with pytest.raises(BundleError, match="expected the inputs x"):
        runner.encode(np.zeros((2, 6), np.float32))
