"""Rows in: by name and from files; who sees which rows; what is refused."""

import dataclasses

import numpy as np
import pytest

from vae_keras import data
from vae_keras.configs import DataConfig


def save(path, **arrays):
    np.savez(path, **arrays)
    return DataConfig(str(path))


def test_digits_are_ten_digits_and_real_photographs():
    digits = data.load(DataConfig("digits"))
    assert digits.x.shape == (2197, 8, 8, 1)
    assert digits.x.dtype == np.float32
    assert (digits.x.min(), digits.x.max()) == digits.value_range == (0.0, 16.0)
    assert digits.y.sum() == 400
    patches = digits.x[digits.y]
    assert (patches.max((1, 2, 3)) > patches.min((1, 2, 3))).all()  # every one shows something


def test_a_table_takes_its_names_and_labels_from_the_csv(sensor_csv):
    table = data.load(DataConfig(str(sensor_csv), label="broken"))
    assert table.name == "sensors"
    assert table.x.shape == (940, 6)
    assert table.feature_names[0] == "temperature"
    assert table.y.sum() == 40


def test_chosen_columns_come_in_the_order_asked_for(sensor_csv):
    config = DataConfig(str(sensor_csv), label="broken", columns=("flow", "temperature"))
    table, whole = data.load(config), data.load(DataConfig(str(sensor_csv), label="broken"))
    assert table.feature_names == ("flow", "temperature")
    np.testing.assert_array_equal(table.x, whole.x[:, [3, 0]])


def test_uint8_stays_uint8_and_spans_its_range(tmp_path):
    x = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1)
    images = data.load(save(tmp_path / "images.npz", x=x))
    assert images.x.dtype == np.uint8
    assert images.value_range == (0.0, 255.0)


@pytest.mark.parametrize(
    ("values", "expected"), [([0.1, 0.9], (0.0, 1.0)), ([-2.0, 7.0], None), ([0.0, 1.01], None)]
)
def test_floats_span_the_unit_interval_or_nobody_knows_what(tmp_path, values, expected):
    dataset = data.load(save(tmp_path / "x.npz", x=np.array([values, values])))
    assert dataset.value_range == expected


def test_a_range_can_be_told(tmp_path):
    config = save(tmp_path / "x.npz", x=np.array([[18.0, 30.0]]))
    config = dataclasses.replace(config, value_range=(-40.0, 120.0))
    assert data.load(config).value_range == (-40.0, 120.0)


def test_integers_other_than_uint8_are_trained_on_as_floats(tmp_path):
    dataset = data.load(save(tmp_path / "x.npz", x=np.arange(6).reshape(3, 2)))
    assert dataset.x.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(5)}, r"rows of numbers.*shape \(5,\)"),
        ({"x": np.zeros((0, 3))}, r"shape \(0, 3\)"),
        ({"x": np.array([["a", "b"]])}, "rows of numbers"),
        ({"x": np.array([[1.0, 2.0], [3.0, np.nan]])}, r"nan in row 1, position \(1,\)"),
        ({"x": np.array([[1.0, 1e39]])}, "inf in row 0"),
        ({"x": np.ones((2, 2)), "y": np.array([0, 2])}, "labels 0"),
        ({"x": np.ones((2, 2)), "y": np.array([0])}, r"y of shape \(2,\)"),
        ({"z": np.ones((2, 2))}, 'the key "x"'),
    ],
)
def test_rows_that_cannot_be_trained_on_are_refused(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        data.load(save(tmp_path / "bad.npz", **arrays))


def test_missing_values_in_a_csv_are_named_by_row_and_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,nan\n")
    with pytest.raises(ValueError, match="nan in row 1, column 'b'"):
        data.load(DataConfig(str(path)))


@pytest.fixture(scope="module")
def dataset():
    x = np.arange(1000, dtype=np.float32)[:, None]
    return data.Dataset("counted", x, x[:, 0] >= 900, (0.0, 1000.0))


def test_the_split_deals_out_every_row_once(dataset):
    rows = data.split(dataset, DataConfig("counted"))
    parts = [rows.train, rows.validation, rows.calibration, rows.test]
    assert [len(part) for part in parts] == [540, 90, 180, 190]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts), axis=0), dataset.x)


def test_anomalies_are_in_the_test_rows_only_and_marked_there(dataset):
    rows = data.split(dataset, DataConfig("counted"))
    np.testing.assert_array_equal(rows.test_y, rows.test[:, 0] >= 900)
    for part in (rows.train, rows.validation, rows.calibration):
        assert part.max() < 900


def test_the_split_follows_its_seed(dataset):
    first, again, other = (data.split(dataset, DataConfig("c", seed=s)).train for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_rows_to_split_are_refused():
    x = np.ones((4, 2), np.float32)
    few = data.Dataset("few", x, np.zeros(4, bool), (0.0, 1.0))
    with pytest.raises(ValueError, match="Received: 4 in few"):
        data.split(few, DataConfig("few"))


@pytest.mark.parametrize("shares", [(0.0, 0.2, 0.1), (0.5, 0.4, 0.1), (-0.1, 0.2, 0.1)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(ValueError, match="above 0 that leave rows"):
        DataConfig("x", None, None, None, None, None, *shares)


def test_the_fingerprint_is_of_the_rows_alone():
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert data.fingerprint(x) == data.fingerprint(np.asfortranarray(x))
    assert data.fingerprint(x) != data.fingerprint(x + 1)


@pytest.fixture
def shop(tmp_path):
    """A table with two one-hot groups between its numbers."""
    path = tmp_path / "shop.csv"
    header = "size_s,price,size_l,color_red,weight,color_blue,color_green"
    path.write_text(f"{header}\n1,9,0,0,3,1,0\n0,8,1,1,4,0,0\n0,7,1,0,5,0,1\n")
    return path


def test_one_hot_groups_come_last_in_the_order_asked_for(shop):
    table = data.load(DataConfig(str(shop), one_hot=("color", "size")))
    names = ("price", "weight", "color_red", "color_blue", "color_green", "size_s", "size_l")
    assert table.feature_names == names
    assert table.groups == (3, 2)
    np.testing.assert_array_equal(table.x[:2], [[9, 3, 0, 1, 0, 1, 0], [8, 4, 1, 0, 0, 0, 1]])


@pytest.mark.parametrize("cells", ["0,9,0,0,3,1,0", "1,9,1,0,3,1,0", "0.5,9,0.5,0,3,1,0"])
def test_a_row_of_no_or_of_two_categories_is_refused(shop, cells):
    shop.write_text(shop.read_text() + cells + "\n")
    with pytest.raises(
        ValueError, match=r"exactly one 1 among the columns size_.*in row 3 \(1 such"
    ):
        data.load(DataConfig(str(shop), one_hot=("size",)))


@pytest.mark.parametrize("prefix", ["colour", "price"])
def test_a_group_that_is_not_there_is_refused(shop, prefix):
    with pytest.raises(ValueError, match=rf"several columns named {prefix}_"):
        data.load(DataConfig(str(shop), one_hot=(prefix,)))


def test_a_kind_that_is_never_seen_is_refused(shop):
    shop.write_text(shop.read_text().replace("0,8,1,1,4,0,0", "0,8,1,0,4,1,0"))
    with pytest.raises(ValueError, match="none in which color_red is"):
        data.load(DataConfig(str(shop), one_hot=("color",)))


@pytest.mark.parametrize(
    ("source", "option", "value"),
    [
        ("digits", "columns", ("a",)),
        ("digits", "value_range", (0.0, 1.0)),
        ("mnist", "label", "y"),
        ("rows.npy", "one_hot", ("a",)),
        ("rows.csv", "data_dir", "there"),
    ],
)
def test_an_option_of_no_use_is_refused_and_not_ignored(source, option, value):
    with pytest.raises(ValueError, match=f"expected no {option.replace('_', '-')} for {source}"):
        data.load(DataConfig(source, **{option: value}))


def test_rows_outside_a_range_that_was_told_are_refused(tmp_path):
    config = save(tmp_path / "x.npz", x=np.array([[0.0, 16.0]]))
    config = dataclasses.replace(config, value_range=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"from 0 to 1, as --value-range says. Received: 0 to 16"):
        data.load(config)
