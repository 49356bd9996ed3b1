import dataclasses
import re

import numpy as np
import pytest

from vae_runtime import BundleError
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.session import Session


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
    session = Session(open_bundle(case.bundle), role)
    (batched,) = (t for t in session.file.inputs if t.name != "noise")
    rows = np.zeros((3, *batched.shape[1:]), np.float32)
    names = tuple(t.name for t in session.file.outputs)
    answers = session.run(names, {batched.name: rows})
    assert [a.shape for a in answers] == [(3, *t.shape[1:]) for t in session.file.outputs]
    assert {a.dtype for a in answers} == {np.dtype(np.float32)}


def test_outputs_come_in_the_order_in_which_they_are_asked_for(digits):
    session = Session(open_bundle(digits.bundle), "encoder")
    mean, log_var = session.run(("z_mean", "z_log_var"), {"x": digits.x[:2]})
    np.testing.assert_array_equal(session.run(("z_log_var",), {"x": digits.x[:2]})[0], log_var)
    np.testing.assert_array_equal(
        session.run(("z_log_var", "z_mean"), {"x": digits.x[:2]})[1], mean
    )


def test_noise_that_is_left_out_is_zeros(case):
    session = Session(open_bundle(case.bundle), "scorer")
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
        Session(misdescribed(digits_bundle, kind, **changes), "encoder")


def test_a_shape_unlike_the_manifest_is_told_with_both_shapes(digits_bundle):
    bundle = misdescribed(digits_bundle, "inputs", shape=("batch", 32, 32, 1))
    with refuses("('batch', 8, 8, 1)") as e:
        Session(bundle, "encoder")
    said = str(e.value)
    assert "manifest.json says" in said
    assert "('batch', 32, 32, 1)" in said


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(1000)], ids=["empty", "text", "zeros"])
def test_a_file_that_is_no_onnx_is_refused_by_its_name(bundle_copy, replace_file, content):
    replace_file(bundle_copy, "encoder.onnx", content)
    with pytest.raises(BundleError, match=r"encoder\.onnx: onnxruntime .* cannot load it"):
        Session(open_bundle(bundle_copy), "encoder")


def test_another_graph_under_the_same_name_is_refused(bundle_copy, replace_file):
    replace_file(bundle_copy, "encoder.onnx", (bundle_copy / "decoder.onnx").read_bytes())
    with refuses("encoder.onnx: expected the inputs x. Received: z."):
        Session(open_bundle(bundle_copy), "encoder")


def test_an_altered_file_is_refused_also_where_nobody_verified_the_bundle(bundle_copy):
    path = bundle_copy / "encoder.onnx"
    path.write_bytes(path.read_bytes()[::-1])
    with refuses("encoder.onnx: its sha256 is not the one in manifest.json"):
        Session(open_bundle(bundle_copy), "encoder")


def test_a_bundle_without_the_graph_is_refused(bundle_copy, edit_manifest):
    def remove(document):
        document["files"] = [f for f in document["files"] if f["role"] != "decoder"]

    edit_manifest(bundle_copy, remove)
    with refuses("expected a fp32 onnx file for the decoder. Received a bundle with encoder.onnx"):
        Session(open_bundle(bundle_copy), "decoder")
