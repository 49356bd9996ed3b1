"""One-hot groups: last, in the order asked for, and one kind a row."""

import re

import numpy as np
import pytest

from vae_keras.configs import DataConfig
from vae_keras.data.one_hot import check_kinds, groups_last

SHOP = {
    "size_s": [1, 0, 0],
    "price": [9, 8, 7],
    "size_l": [0, 1, 1],
    "color_red": [0, 1, 0],
    "weight": [3, 4, 5],
    "color_blue": [1, 0, 0],
    "color_green": [0, 0, 1],
}
WAYS = ("csv", "parquet", "stream")


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def with_row(*cells):
    return {name: [*column, cell] for (name, column), cell in zip(SHOP.items(), cells, strict=True)}


@pytest.mark.parametrize("way", WAYS)
def test_groups_come_last_in_the_order_asked_for(load, rows_of, way):
    table = load(SHOP, way, one_hot=("color", "size"))
    names = ("price", "weight", "color_red", "color_blue", "color_green", "size_s", "size_l")
    assert table.feature_names == names
    assert table.one_hot == (3, 2)
    expected = [[9, 3, 0, 1, 0, 1, 0], [8, 4, 1, 0, 0, 0, 1]]
    np.testing.assert_array_equal(rows_of(table.x)[:2], expected)


@pytest.mark.parametrize("way", WAYS)
def test_groups_are_found_among_chosen_columns(load, way):
    columns = ("size_l", "weight", "size_s")
    table = load(SHOP, way, one_hot=("size",), columns=columns)
    assert table.feature_names == ("weight", "size_l", "size_s")


@pytest.mark.parametrize("way", WAYS)
def test_dropping_constant_columns_leaves_groups_whole(load, rows_of, way):
    table = load({**SHOP, "price": [9, 9, 9]}, way, one_hot=("size", "color"), bad_columns="drop")
    names = ("weight", "size_s", "size_l", "color_red", "color_blue", "color_green")
    assert table.feature_names == names
    assert table.one_hot == (2, 3)
    np.testing.assert_array_equal(rows_of(table.x)[0], [3, 1, 0, 0, 1, 0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "cells", [(0, 9, 0, 0, 3, 1, 0), (1, 9, 1, 0, 3, 1, 0), (0.5, 9, 0.5, 0, 3, 1, 0)]
)
def test_a_row_of_no_or_of_two_kinds_is_refused(load, way, cells):
    with pytest.raises(
        ValueError, match=r", row 3: x: expected exactly one 1 among size_s, size_l."
    ):
        load(with_row(*cells), way, one_hot=("size",))


@pytest.mark.parametrize("way", WAYS)
def test_such_a_row_is_left_out_as_others_that_are_bad(load, way):
    shop = {name: [None, *column] for name, column in with_row(0, 9, 0, 0, 3, 1, 0).items()}
    dataset = load(shop, way, one_hot=("size",), on_bad_row="reject")
    assert len(dataset.x) == len(SHOP["weight"])
    (note,) = dataset.notes
    assert note.startswith("2 of 5 rows rejected. Row 0 of ")
    assert " Row 4 of " in note


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prefix", ["colour", "price"])
def test_a_group_that_is_not_there_is_refused(load, way, prefix):
    with refuses(f"several columns named {prefix}_... for the one-hot group {prefix!r}"):
        load(SHOP, way, one_hot=(prefix,))


def test_a_group_is_refused_where_columns_have_no_names(tmp_path):
    from vae_keras import data

    (tmp_path / "rows.csv").write_text("1,0\n0,1\n")
    with refuses("Received: 0 in a file without names."):
        data.load(DataConfig(str(tmp_path / "rows.csv"), one_hot=("a",)))


@pytest.mark.parametrize("way", WAYS)
def test_a_kind_that_is_never_seen_is_refused(load, way):
    shop = {**SHOP, "color_red": [0, 0, 0], "color_blue": [1, 1, 0]}
    with refuses("none in which color_red is"):
        load(shop, way, one_hot=("color",))


def test_the_functions_by_themselves():
    names, groups = groups_last(("b_x", "a", "b_y"), ("b",))
    assert (names, groups) == (("a", "b_x", "b_y"), (2,))
    check_kinds(np.array([False, True, True]), names, groups)
    with refuses("none in which b_y is"):
        check_kinds(np.array([True, True, False]), names, groups)
