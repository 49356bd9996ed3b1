import dataclasses
import re

import numpy as np
import onnxruntime as ort
import pytest

from vae_runtime import BundleError, OnnxRuntime, Profile
from vae_runtime.bundle import Bundle, open_bundle


def open_graph(bundle, role, **settings):
    return OnnxRuntime(**settings).open(bundle, role, "fp32")


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def misdescribed(path, kind, **changes):
    """The bundle at `path`, as if its manifest said something else of an encoder's tensor.

    (Made in memory: on disk, a manifest that contradicts itself is refused before any session.)
    """
    bundle = open_bundle(path)
    encoder = bundle.manifest.file("encoder")
    first, *others = getattr(encoder, kind)
    tensors = (dataclasses.replace(first, **changes), *others)
    files = (dataclasses.replace(encoder, **{kind: tensors}), *bundle.manifest.files)
    return Bundle(bundle.container, dataclasses.replace(bundle.manifest, files=files))


@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer"])
def test_each_graph_gives_what_the_manifest_lists(case, role):
    session = open_graph(open_bundle(case.bundle), role)
    (batched,) = (t for t in session.inputs if t.name != "noise")
    rows = np.zeros((3, *batched.shape[1:]), np.float32)
    names = tuple(t.name for t in session.outputs)
    answers = session.run(names, {batched.name: rows})
    assert [a.shape for a in answers] == [(3, *t.shape[1:]) for t in session.outputs]
    assert {a.dtype for a in answers} == {np.dtype(np.float32)}


def test_outputs_come_in_the_order_in_which_they_are_asked_for(digits):
    session = open_graph(open_bundle(digits.bundle), "encoder")
    mean, log_var = session.run(("z_mean", "z_log_var"), {"x": digits.x[:2]})
    np.testing.assert_array_equal(session.run(("z_log_var",), {"x": digits.x[:2]})[0], log_var)
    np.testing.assert_array_equal(
        session.run(("z_log_var", "z_mean"), {"x": digits.x[:2]})[1], mean
    )


def test_noise_that_is_left_out_is_zeros(case):
    session = open_graph(open_bundle(case.bundle), "scorer")
    zeros = np.zeros((1, case.runner.manifest.model.latent_dim), np.float32)
    (without,) = session.run(("score",), {"x": case.x[:9]})
    (given,) = session.run(("score",), {"x": case.x[:9], "noise": zeros})
    np.testing.assert_array_equal(without, given)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("inputs", {"shape": ("batch", 32, 32, 1)}, 'encoder.onnx: input "x" is'),
        ("inputs", {"shape": ("batch", 64)}, 'encoder.onnx: input "x" is'),
        ("inputs", {"shape": (1, 8, 8, 1)}, 'encoder.onnx: input "x" is'),
        ("inputs", {"dtype": "uint8"}, 'encoder.onnx: input "x" is'),
        ("inputs", {"name": "pixels"}, "encoder.onnx: expected the inputs pixels. Received: x."),
        ("outputs", {"shape": ("batch", 9)}, 'encoder.onnx: output "z_mean" is'),
        ("outputs", {"dtype": "float16"}, 'encoder.onnx: output "z_mean" is'),
        ("outputs", {"name": "z"}, "encoder.onnx: expected the outputs z, z_log_var. Received:"),
    ],
)
def test_a_graph_unlike_the_manifest_is_refused_by_file_and_tensor(
    digits_bundle, kind, changes, message
):
    with refuses(message):
        open_graph(misdescribed(digits_bundle, kind, **changes), "encoder")


def test_a_shape_unlike_the_manifest_is_told_with_both_shapes(digits_bundle):
    bundle = misdescribed(digits_bundle, "inputs", shape=("batch", 32, 32, 1))
    with refuses("('batch', 8, 8, 1)") as e:
        open_graph(bundle, "encoder")
    said = str(e.value)
    assert "manifest.json says" in said
    assert "('batch', 32, 32, 1)" in said


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(1000)], ids=["empty", "text", "zeros"])
def test_a_file_that_is_no_onnx_is_refused_by_its_name(bundle_copy, replace_file, content):
    replace_file(bundle_copy, "encoder.onnx", content)
    with pytest.raises(
        BundleError, match=r"encoder\.onnx: (onnxruntime .* cannot load it|expected an ONNX graph)"
    ):
        open_graph(open_bundle(bundle_copy), "encoder")


def test_another_graph_under_the_same_name_is_refused(bundle_copy, replace_file):
    replace_file(bundle_copy, "encoder.onnx", (bundle_copy / "decoder.onnx").read_bytes())
    with refuses("encoder.onnx: expected an ONNX graph of the operators that the manifest lists"):
        open_graph(open_bundle(bundle_copy), "encoder")


def test_an_altered_file_is_refused_also_where_nobody_verified_the_bundle(bundle_copy):
    path = bundle_copy / "encoder.onnx"
    path.write_bytes(path.read_bytes()[::-1])
    with refuses("encoder.onnx: its sha256 is not the one in manifest.json"):
        open_graph(open_bundle(bundle_copy), "encoder")


def test_a_bundle_without_the_graph_is_refused(bundle_copy, edit_manifest):
    def remove(document):
        document["files"] = [f for f in document["files"] if f["role"] != "decoder"]

    edit_manifest(bundle_copy, remove)
    with refuses("manifest.json.files: expected [('decoder', 'onnx')] in fp32 as well."):
        open_graph(open_bundle(bundle_copy), "decoder")


@pytest.mark.parametrize("provider", ["CUDAExecutionProvider", "NoSuchProvider"])
def test_a_provider_that_is_not_there_is_refused_with_those_that_are(digits_bundle, provider):
    with pytest.raises(ValueError, match=rf"CPUExecutionProvider.* Received: {provider}\."):
        open_graph(open_bundle(digits_bundle), "encoder", provider=provider)


def test_options_of_your_own_are_taken_as_they_are(digits_bundle, tmp_path):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "trace")
    open_graph(open_bundle(digits_bundle), "encoder", options=options)
    assert list(tmp_path.glob("trace*"))


def test_a_session_of_your_own_runs_instead_of_the_bundles_file(digits_bundle, bundle_copy):
    content = (digits_bundle / "encoder.onnx").read_bytes()
    mine = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    (bundle_copy / "encoder.onnx").unlink()  # so that it cannot be what runs
    session = open_graph(open_bundle(bundle_copy), "encoder", sessions={"encoder": mine})
    assert session.run(("z_mean",), {"x": np.zeros((2, 8, 8, 1), np.float32)})[0].shape[0] == 2


def test_a_session_of_another_graph_is_refused(digits_bundle):
    content = (digits_bundle / "decoder.onnx").read_bytes()
    mine = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    with refuses("encoder.onnx: expected the inputs x. Received: z."):
        open_graph(open_bundle(digits_bundle), "encoder", sessions={"encoder": mine})


def test_what_onnxruntime_cannot_run_is_a_bundle_error(digits_bundle):
    session = open_graph(open_bundle(digits_bundle), "encoder")
    with refuses("encoder.onnx: onnxruntime cannot run it:"):
        session.run(("z_mean",), {"x": np.zeros((2, 9, 9, 1), np.float32)})


@pytest.mark.parametrize("profile", ["edge", "server", "throughput", Profile(threads=2, chunk=7)])
def test_every_profile_gives_the_same_scores(case, profile):
    plain = open_graph(open_bundle(case.bundle), "scorer").run(("score",), {"x": case.x})[0]
    scores = open_graph(open_bundle(case.bundle), "scorer", profile=profile)
    np.testing.assert_allclose(scores.run(("score",), {"x": case.x})[0], plain, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sessions": {"foo": 1}}, "expected sessions by role: encoder, decoder, scorer, classi"),
        ({"sessions": {"scorer": None}}, "expected an onnxruntime.InferenceSession for the scorer"),
        ({"options": 3}, "expected options as an onnxruntime.SessionOptions. Received: 3."),
    ],
)
def test_what_are_no_options_or_sessions_is_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        OnnxRuntime(**settings)
