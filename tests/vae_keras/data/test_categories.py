"""Columns of text in training: their values, and rows that have others; labels in words."""

import re

import numpy as np
import pytest

from vae_keras import data
from vae_keras.configs import DataConfig
from vae_runtime.bundle.records import RowSpec

MACHINE = {
    "mode": ["wash", "idle", "wash", "run", "idle", "run"],
    "flow": [3.0, 1.0, 3.5, 2.0, 1.5, 2.5],
    "state": ["ok", "ok", "leak", "ok", "idle", "ok"],
}
ONES = [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]]
CODED = {"label": "state", "normal": ("ok", "idle"), "categories": ("mode",)}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(params=["csv", "parquet", "stream"])
def loads(request, load, rows_of):
    """Loads columns in each way: (dataset, its rows as an array)."""

    def apply(table, **options):
        dataset = load(table, request.param, **options)
        return dataset, rows_of(dataset.x)

    return apply


def test_a_column_of_words_becomes_the_last_group(loads):
    dataset, x = loads(MACHINE, **CODED)
    assert dataset.feature_names == ("flow", "mode_idle", "mode_run", "mode_wash")
    assert (dataset.one_hot, dataset.categories) == ((3,), {"mode": ("idle", "run", "wash")})
    assert x.dtype == np.float32
    assert x[:, 0].tolist() == MACHINE["flow"]
    assert x[:, 1:].tolist() == ONES
    assert dataset.y.tolist() == [False, False, True, False, False, False]


def test_columns_may_name_the_category_too(loads):
    dataset, _ = loads(MACHINE, columns=("mode", "flow"), categories=("mode",))
    assert dataset.feature_names[0] == "flow"
    assert dataset.one_hot == (3,)


def test_whole_numbers_are_ordered_by_their_size(loads):
    levels = {"flow": MACHINE["flow"], "level": [10, 2, 10, 1, 2, 1]}
    assert loads(levels, categories=("level",))[0].categories == {"level": ("1", "2", "10")}


def test_groups_that_are_there_stand_before_categories(loads):
    table = {"a_x": [1, 0, 1, 0, 1, 0], "a_y": [0, 1, 0, 1, 0, 1], **MACHINE}
    dataset, _ = loads(table, one_hot=("a",), **CODED)
    assert dataset.feature_names == ("flow", "a_x", "a_y", "mode_idle", "mode_run", "mode_wash")
    assert dataset.one_hot == (2, 3)


def test_anomalies_of_a_mode_that_no_normal_row_has_are_left_out(loads):
    table = {**MACHINE, "mode": ["wash", "idle", "boil", "run", "idle", "run"]}
    dataset, x = loads(table, **CODED)
    assert dataset.categories == {"mode": ("idle", "run", "wash")}
    assert (len(x), dataset.y.any()) == (5, np.False_)
    assert "left out 1 anomaly of a category that no normal row has" in dataset.notes


def test_a_row_without_a_value_is_bad(loads):
    table = {**MACHINE, "mode": ["wash", None, "wash", "run", "idle", "run"]}
    with refuses("expected idle, run or wash in column 'mode'. Received: no value."):
        loads(table, **CODED)
    assert len(loads(table, **CODED, on_bad_row="reject")[1]) == 5


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({**MACHINE, "mode": ["x"] * 6}, "Received: 1 (x). Leave the column out: it never changes"),
        ({"mode": MACHINE["mode"], "state": MACHINE["state"]}, "columns of numbers"),
        ({**MACHINE, "mode_run": [1, 0, 1, 0, 1, 0]}, "Received: mode_run twice."),
        ({"flow": MACHINE["flow"], "state": MACHINE["state"]}, "expected the column 'mode'."),
    ],
)
def test_what_cannot_be_a_category_is_refused(loads, table, message):
    with refuses(message):
        loads(table, **CODED)


def test_names_of_things_are_no_kinds(loads):
    many = {"flow": np.arange(120.0), "id": [f"n{i}" for i in range(120)]}
    with refuses("expected 2 to 100 values of the category 'id' in normal rows. Received: 120 (n0"):
        loads(many, categories=("id",))


def test_text_that_nobody_names_is_told_with_the_option(load):
    flow = [float(i * i % 97) for i in range(120)]
    with refuses("(--categories mode)"):
        load({"flow": flow, "mode": MACHINE["mode"] * 20}, "csv")


def test_labels_in_words_are_refused_with_what_to_type(loads):
    with refuses("Received: ok (4 rows), idle (1 row), leak (1 row). Name those of normal rows:"):
        loads(MACHINE, label="state", categories=("mode",))
    with refuses("expected rows of 'OK' in column 'state', as --normal says."):
        loads(MACHINE, label="state", normal=("OK",), categories=("mode",))


def test_normal_labels_need_labels(load):
    with refuses("expected a column of labels (--label) with --normal. Received: none."):
        load({"flow": MACHINE["flow"]}, "csv", normal=("ok",))


def test_an_archive_may_have_labels_in_words(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.arange(6.0).reshape(3, 2), y=np.array(["ok", "bad", "ok"]))
    dataset = data.load(DataConfig(str(tmp_path / "x.npz"), normal=("ok",)))
    assert dataset.y.tolist() == [False, True, False]


@pytest.mark.parametrize("words", [["no", "yes", "no"], [False, True, False], ["0.0", "1.0", "0"]])
def test_truths_are_labels_in_every_format(loads, words):
    table = {"flow": [1.0, 2.0, 3.0], "speed": [3.0, 1.0, 2.0], "broken": words}
    dataset, _ = loads(table, label="broken")
    assert dataset.y.tolist() == [False, True, False]


def test_rows_are_read_as_a_model_with_categories_takes_them(write, load):
    known = load(MACHINE, "csv", **CODED)
    spec = RowSpec(
        name="rows",
        input_shape=(4,),
        input_dtype="float32",
        value_range=None,
        feature_names=known.feature_names,
        one_hot=(3,),
        categories=known.categories,
    )
    few = {name: values[:2] for name, values in MACHINE.items()}  # not all modes occur in it
    config = data.config_like(str(write(few, "few.csv")), spec, label="state", normal=("ok",))
    np.testing.assert_array_equal(data.load(config).x, known.x[:2])
    ones = {f"mode_{m}": [int(m == mode) for mode in MACHINE["mode"]] for m in ("run", "wash")}
    ones["mode_idle"] = [int(mode == "idle") for mode in MACHINE["mode"]]
    for name, table in {
        "words.csv": MACHINE,
        "ones.csv": {"flow": MACHINE["flow"], **ones, "state": MACHINE["state"]},
    }.items():
        config = data.config_like(str(write(table, name)), spec, label="state", normal=("ok",))
        dataset = data.load(config)
        assert dataset.feature_names == known.feature_names
        np.testing.assert_array_equal(dataset.x, known.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"category_values": {"mode": ("a", "b")}},
            "expected a list of categories, for their values",
        ),
        ({"categories": ("mode",), "label": "mode"}, "Received: mode twice."),
        (
            {"categories": ("mode",), "category_values": {"x": ("a",)}},
            "expected a list of values for each category",
        ),
    ],
)
def test_configurations_that_contradict_themselves_are_refused(options, message):
    with refuses(message):
        DataConfig("rows.csv", **options)
