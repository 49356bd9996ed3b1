"""What becomes of a block."""

import numpy as np
import pytest

from vae_runtime import Runner
from vae_runtime.backends import OnnxRuntime
from vae_runtime.batch.computations import (
    Classifying,
    Decoding,
    Encoding,
    Explaining,
    Reconstructing,
    Scoring,
    latents_of,
)
from vae_runtime.batch.results import compute_with
from vae_runtime.rows.blocks import Block


@pytest.fixture(scope="module")
def runner(golden):
    return Runner.load(golden, backend=OnnxRuntime("server"))


def block(x, first=0, **others):
    kept = {"id": np.arange(first, first + len(x)) * 10}
    return Block("rows.npy", x, {"row": np.arange(first, first + len(x))}, kept, **others)


def test_scores_stand_beside_what_says_whose_they_are(runner, golden_rows):
    x = golden_rows(40, 0)
    result = compute_with(runner, Scoring(top=2, latents=True, reconstruction=True))(block(x, 100))
    names = ["row", "id", "score", "p_value", "is_anomaly"]
    names += ["top_1", "nats_1", "top_2", "nats_2", "z", "x_mean"]
    assert list(result.columns) == names
    assert {len(column) for column in result.columns.values()} == {40}
    assert result.rows == 40
    assert result.anomalies == result.columns["is_anomaly"].sum()
    np.testing.assert_array_equal(result.columns["row"], np.arange(100, 140))
    expected = runner.score(x)
    np.testing.assert_allclose(result.columns["score"], expected.score, rtol=1e-6)
    np.testing.assert_array_equal(result.columns["p_value"], expected.p_value)
    np.testing.assert_allclose(result.columns["z"], runner.encode(x), rtol=1e-5, atol=1e-6)


def test_an_image_of_several_folders_is_named_with_its_folder(runner, golden_rows):
    names = np.array(["a.png", "deep/b.png"])
    given = block(golden_rows(2, 0))._replace(file="day", kept={})
    given = given._replace(where={**given.where, "file": names})
    alone, several = (
        compute_with(runner, Scoring(), name_files=named)(given).columns for named in (False, True)
    )
    assert alone["file"].tolist() == ["a.png", "deep/b.png"]
    assert several["file"].tolist() == ["day/a.png", "day/deep/b.png"]


@pytest.mark.parametrize("sizes", [[1] * 20, [7, 13, 100, 80], [16, 184], [199, 1], [37] * 5])
def test_scores_have_the_same_bits_however_rows_are_cut_into_blocks(table, sizes):
    """Of bundles whose sums over features are products; those of before have another last digit."""
    runner = Runner.load(table.bundle, backend=OnnxRuntime("server"))
    x, compute = np.resize(table.x, (sum(sizes), 6)), compute_with(runner, Scoring())
    whole = compute(block(x)).columns
    ends = np.cumsum(sizes)
    pieces = [compute(block(x[a:b])).columns for a, b in zip([0, *ends], ends, strict=False)]
    for name in ("score", "p_value", "is_anomaly"):
        joined = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(joined, whole[name])


def test_a_bad_row_is_an_error_that_names_file_row_and_reason(runner, golden_rows):
    x = golden_rows(10, 0)
    x[4, 1] = np.inf
    with pytest.raises(ValueError, match=r"^rows\.npy, row 104: x: expected finite numbers"):
        compute_with(runner, Scoring())(block(x, 100))


def test_bad_rows_are_left_out_where_that_is_asked_for(runner, golden_rows):
    x = golden_rows(10, 0)
    x[[4, 7], 1] = np.nan
    result = compute_with(runner, Scoring(), reject=True)(block(x, 100))
    assert [(each.file, each.row) for each in result.rejects] == [
        ("rows.npy", 104),
        ("rows.npy", 107),
    ]
    kept = [100, 101, 102, 103, 105, 106, 108, 109]
    np.testing.assert_array_equal(result.columns["row"], kept)
    np.testing.assert_array_equal(result.columns["id"], np.array(kept) * 10)
    assert result.rows == 8
    alone = compute_with(runner, Scoring())(block(x[np.array(kept) - 100])).columns["score"]
    np.testing.assert_array_equal(result.columns["score"], alone)


def test_a_part_of_bad_rows_alone_has_no_columns(runner, golden_rows):
    result = compute_with(runner, Scoring(), reject=True)(block(golden_rows(3, 0) * np.nan))
    assert (result.columns, result.rows, len(result.rejects)) == ({}, 0, 3)


def test_files_can_be_named_and_results_can_stand_alone(runner, golden_rows):
    named = compute_with(runner, Encoding(), name_files=True)(block(golden_rows(3, 0))).columns
    assert list(named) == ["file", "row", "id", "z"]
    assert named["file"].tolist() == ["rows.npy"] * 3
    alone = compute_with(runner, Reconstructing(), bare=True)(block(golden_rows(3, 0))).columns
    assert list(alone) == ["x_mean"]


def test_what_features_add_is_a_column_of_each_or_one_array(runner, golden_rows):
    x, names = golden_rows(32, 0), runner.manifest.model.feature_names
    named = compute_with(runner, Explaining(by_name=True))(block(x)).columns
    assert list(named) == ["row", "id", *names]
    alone = compute_with(runner, Explaining(), bare=True)(block(x)).columns
    assert list(alone) == ["nats"]
    np.testing.assert_array_equal(np.stack([named[name] for name in names], 1), alone["nats"])
    np.testing.assert_allclose(alone["nats"], runner.explain(x), rtol=1e-5, atol=1e-5)


def test_pixels_have_no_columns_of_their_own(digits):
    compute = compute_with(digits.runner, Explaining(by_name=True), bare=True)
    assert compute(block(digits.x[:16])).columns["nats"].shape == (16, 8, 8, 1)


def test_rows_are_counted_by_their_class(runner, golden_rows):
    x, names = golden_rows(48, 0), runner.manifest.model.classes
    result = compute_with(runner, Classifying())(block(x))
    results = ["class", "probability", *(f"p_{name}" for name in names)]
    assert list(result.columns) == ["row", "id", *results]
    likeliest = [names[i] for i in runner.classify(x).argmax(axis=1)]
    assert result.columns["class"].tolist() == likeliest
    assert result.classes == {name: likeliest.count(name) for name in set(likeliest)}
    assert result.anomalies == 0


def test_a_column_that_is_kept_may_not_be_called_like_a_result(runner, golden_rows):
    given = block(golden_rows(3, 0))
    clash = given._replace(kept={"score": given.kept["id"]})
    with pytest.raises(ValueError, match=r"and from results\. Received: score twice"):
        compute_with(runner, Scoring())(clash)


def test_latents_are_read_as_they_are_written(runner):
    read = latents_of(runner.manifest.model)
    assert (read.input_shape, read.feature_names) == ((3,), ("z_0", "z_1", "z_2"))


def test_latents_are_decoded_and_bad_ones_told(runner):
    z = np.random.default_rng(0).normal(size=(5, runner.manifest.model.latent_dim))
    compute = compute_with(runner, Decoding(), bare=True)
    columns = compute(block(z.astype(np.float32))).columns
    np.testing.assert_allclose(columns["x_mean"], runner.decode(z), rtol=1e-5, atol=1e-5)
    z[2] = np.nan
    with pytest.raises(ValueError, match=r"row 2: z: expected finite numbers"):
        compute(block(z))


def test_a_level_that_cannot_be_kept_is_seen_before_any_row(runner):
    with pytest.raises(ValueError, match="at least 9999"):
        Scoring(alpha=1e-4).check_options(runner)
