"""The mixture in numpy: as Keras has it, and read from bundles that are sound."""

import io
import shutil

import numpy as np
import pytest

from vae_runtime import BundleError, Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.likelihoods import Scaling
from vae_runtime.mixture import Mixture, read_mixture

FLOAT32 = 1e-5


def test_it_answers_as_the_graph_does(table):
    bundle = open_bundle(table.bundle)
    u = Scaling(bundle.manifest.model).forward(table.x)
    found = read_mixture(bundle).nll(u)
    assert (found.shape, found.dtype) == ((len(table.x),), np.float32)
    whole = table.runner.score(table.x).score
    alone = Runner.load(table.bundle, score="neg_elbo").score(table.x).score
    np.testing.assert_allclose(alone + found, whole, rtol=FLOAT32, atol=FLOAT32)


def test_rows_far_from_all_centres_are_finite():
    mixture = Mixture(np.zeros((2, 3), np.float32), np.log(np.float32([0.5, 0.5])), 0.1)
    assert np.isfinite(mixture.nll(np.full((1, 3), 50.0, np.float32))).all()


def test_images_have_none(digits):
    assert read_mixture(open_bundle(digits.bundle)) is None


def forged(table_copy, replace_file, **arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    replace_file(table_copy, "mixture.npz", buffer.getvalue())
    return open_bundle(table_copy)


@pytest.mark.parametrize(
    "change",
    [
        {"centres": np.zeros((2, 6), np.float32)},
        {"log_weights": np.zeros(3, np.float32)},
        {"sigma": np.float64(1.0)},
        {"sigma": np.float32(0.0)},
        {"sigma": np.float32(np.nan)},
        {"more": np.float32(1.0)},
    ],
    ids=["centres", "weights", "dtype", "zero", "nan", "more"],
)
def test_a_file_that_is_not_as_described_is_refused(table_copy, replace_file, change):
    sound = dict(np.load(table_copy / "mixture.npz"))
    with pytest.raises(BundleError, match="the mixture's file: expected"):
        read_mixture(forged(table_copy, replace_file, **{**sound, **change}))


def test_a_bundle_without_the_file_is_refused(table_copy, edit_manifest):
    def leave_out(document):
        document["files"] = [f for f in document["files"] if f["role"] != "mixture"]

    (table_copy / "mixture.npz").unlink()
    edit_manifest(table_copy, leave_out)
    with pytest.raises(BundleError, match="expected a file of a mixture where the model has one"):
        open_bundle(table_copy)


def test_a_bundle_with_one_too_many_is_refused(digits, table, tmp_path, edit_manifest):
    copy = shutil.copytree(digits.bundle, tmp_path / "digits")
    shutil.copy(table.bundle / "mixture.npz", copy)
    (listed,) = (f for f in table.runner.manifest.files if f.role == "mixture")

    def add(document):
        probe = next(f for f in document["files"] if f["role"] == "probe")
        document["files"].append({**probe, "name": listed.name, "role": "mixture"})

    edit_manifest(copy, add)
    with pytest.raises(BundleError, match="Received: 1 files, None centres"):
        open_bundle(copy)
