import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats import csv as csv_format


@pytest.fixture
def csv(tmp_path, read_rows):
    """Writes a table and reads it back with these options."""

    def read(text, **options):
        path = tmp_path / "rows.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_rows(path, **options)

    return read


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def test_a_header_names_the_columns(csv):
    rows = csv("a,b\n1,2\n3,4\n5,6\n")
    assert rows.names == ("a", "b")
    assert rows.y is None
    assert rows.x.dtype == np.float64
    np.testing.assert_array_equal(rows.x, [[1, 2], [3, 4], [5, 6]])


def test_without_a_header_all_lines_are_rows(csv):
    rows = csv("1,2\n3,4\n5,6\n")
    assert rows.names is None
    np.testing.assert_array_equal(rows.x, [[1, 2], [3, 4], [5, 6]])


@settings(max_examples=50, deadline=None)
@given(
    x=arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=4),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    header=st.booleans(),
)
def test_numbers_read_back_exactly(tmp_path_factory, x, header, read_rows):
    lines = [",".join(map(repr, row)) for row in x.tolist()]
    names = [",".join(f"c{i}" for i in range(x.shape[1]))] if header else []
    path = tmp_path_factory.getbasetemp() / "exact.csv"
    path.write_text("\n".join(names + lines))
    np.testing.assert_array_equal(read_rows(path).x, x)


def test_columns_are_taken_by_name_in_the_order_asked_for(csv):
    rows = csv("a,b,c,d\n1,2,3,4\n5,6,7,8\n", columns=("d", "a"))
    assert rows.names == ("d", "a")
    np.testing.assert_array_equal(rows.x, [[4, 1], [8, 5]])


def test_columns_that_are_not_asked_for_may_hold_anything(csv):
    rows = csv("time,a,note\nnoon,1,x\n,2,\n", columns=("a",))
    np.testing.assert_array_equal(rows.x, [[1], [2]])


def test_columns_are_not_guessed_where_there_is_no_header(csv):
    with refuses("expected the columns 'b', 'a'. Received: no such columns in 1, 2."):
        csv("1,2\n3,4\n", columns=("b", "a"))


def test_names_may_be_numbers_where_they_are_asked_for(csv):
    np.testing.assert_array_equal(csv("1,2\n3,4\n", columns=("2", "1")).x, [[4, 3]])


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_separator_is_recognised(csv, mark):
    np.testing.assert_array_equal(csv(f"a{mark}b\n1{mark}2\n").x, [[1, 2]])


def test_the_label_column_becomes_y_and_no_feature(csv):
    rows = csv("a,broken,b\n1,0,2\n3,1,4\n", label="broken")
    assert rows.names == ("a", "b")
    np.testing.assert_array_equal(rows.x, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(rows.y, [0, 1])


def test_columns_and_a_label_go_together(csv):
    rows = csv("a,broken,b,c\n1,0,2,9\n3,1,4,9\n", columns=("b", "a"), label="broken")
    np.testing.assert_array_equal(rows.x, [[2, 1], [4, 3]])
    np.testing.assert_array_equal(rows.y, [0, 1])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('\na,"b, c"\n\n1,2\n', id="blank lines"),
        pytest.param('"a","b, c"\n"1","2"\n', id="quotes"),
        pytest.param('\ufeffa,"b, c"\n1,2\n', id="byte order mark"),
        pytest.param(' a ,"b, c" \n 1 , 2 \n', id="spaces"),
        pytest.param('a,"b, c"\r\n1,2\r\n', id="windows line ends"),
        pytest.param('a,"b, c"\n1,2', id="no newline at the end"),
        pytest.param('a,"b, c"\n1,2\n\n', id="blank line at the end"),
    ],
)
def test_tables_as_other_programs_write_them(csv, text):
    rows = csv(text)
    assert rows.names == ("a", "b, c")
    np.testing.assert_array_equal(rows.x, [[1, 2]])


def test_a_byte_order_mark_is_no_part_of_the_first_number(csv):
    np.testing.assert_array_equal(csv("\ufeff1,2\n3,4\n").x, [[1, 2], [3, 4]])


def test_a_missing_column_is_refused_with_those_there_are(csv):
    with refuses("rows.csv: expected the column 'flow'. Received: no such column in a, b."):
        csv("a,b\n1,2\n", columns=("a", "flow"))


def test_a_missing_label_column_is_refused(csv):
    with refuses("expected the column 'y'. Received: no such column in a, b."):
        csv("a,b\n1,2\n", label="y")


def test_a_label_is_refused_where_there_is_no_header(csv):
    with refuses("rows.csv: expected the column 'y'. Received: no such column in 1, 2."):
        csv("1,2\n3,4\n", label="y")


@pytest.mark.parametrize("options", [{}, {"columns": ("a",)}, {"columns": ("b",), "label": "a"}])
def test_a_column_named_twice_is_refused(csv, options):
    with refuses("expected the column 'a'. Received: several columns of that name in a, b, a."):
        csv("a,b,a\n1,2,3\n", **options)


def test_a_column_named_twice_is_no_matter_where_nobody_asks_for_it(csv):
    np.testing.assert_array_equal(csv("a,b,a\n1,2,3\n", columns=("b",)).x, [[2]])


@pytest.mark.parametrize("row", [1, 2, 3])
@pytest.mark.parametrize(
    ("cell", "received"),
    [("x", "'x'"), ("1.5.2", "'1.5.2'"), ("12V", "'12V'"), ("#", "'#'")],
)
def test_a_cell_that_is_no_number_is_named_by_line_and_column_name(csv, row, cell, received):
    lines = ["a,flow,c", "1,2,3", "4,5,6", "7,8,9"]
    lines[row] = f"1,{cell},3"
    expected = f"line {row + 1}: expected a number in column 'flow'. Received: {received}."
    with refuses(f"rows.csv, row {row - 1}: {expected}"):
        csv("\n".join(lines))


def test_a_number_in_the_manner_of_python_is_no_number_of_a_table(csv):
    with refuses("line 2: expected a number in column 'a'. Received: '1_0'."):
        csv("a,b\n1_0,2\n")


def test_a_cell_that_is_no_number_is_named_by_its_own_column_whatever_the_order(csv):
    with refuses("line 2: expected a number in column 'c'. Received: 'x'."):
        csv("a,b,c\n1,2,x\n", columns=("c", "a"))


def test_a_cell_with_an_apostrophe_is_quoted_whole(csv):
    with refuses("expected a number in column 'a'. Received: \"it's\"."):
        csv("a,b\nit's,2\n")


def test_a_cell_that_is_no_number_is_named_by_line_and_place_where_there_is_no_header(csv):
    with refuses("line 2: expected a number in column '2'. Received: 'x'."):
        csv("1,2\n3,x\n")


def test_lines_are_numbered_as_an_editor_does_whatever_is_blank_or_quoted(csv):
    with refuses("line 6: expected a number in column 'a'. Received: 'x'."):
        csv('a,b\n\n1,"2\n"\n\nx,3\n')


@pytest.mark.parametrize(
    ("header", "options"), [("a,b,c\n", {}), ("a,b,c\n", {"columns": ("a", "b")}), ("", {})]
)
@pytest.mark.parametrize("line", ["4,5", "4,5,6,7", "4,5,6,"])
def test_a_row_of_another_length_is_refused_by_its_number(csv, header, line, options):
    number = 3 if header else 2
    with refuses(f"line {number}: expected 3 cells. Received: {line.count(',') + 1}."):
        csv(f"{header}1,2,3\n{line}\n7,8,9\n", **options)


@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_an_empty_table_is_refused(csv, text):
    with refuses("rows.csv: expected rows of numbers. Received: an empty file."):
        csv(text)


def test_a_header_without_rows_is_refused(csv):
    with refuses("rows.csv: expected rows. Received: none."):
        csv("a,b\n")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_table_in_another_encoding_is_recognised(csv, encoding):
    assert csv("température,b\n1,2\n".encode(encoding)).names == ("température", "b")


def test_bytes_that_are_no_utf_8_further_down_are_refused_by_the_name(csv):
    with pytest.raises(ValueError, match=r"rows\.csv: expected text in utf-8.*--encoding latin-1"):
        csv(b"a,b\n" + b"1,2\n" * 20_000 + b"\xe9,2\n")


def test_a_line_too_long_for_a_table_is_refused_by_its_name(csv):
    with refuses("rows.csv"):
        csv("x" * 200_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,,3\n4,5,6\n", "no value in column '2'."),
        ("1,x\n", "expected a number in column '2'. Received: 'x'."),
    ],
)
def test_a_first_row_with_a_bad_cell_is_not_taken_for_a_header(csv, text, reason):
    with refuses(f"line 1: {reason}"):
        csv(text)


def test_extra_columns_are_text_as_it_stands(csv):
    rows = csv("m,a,time\nm1, 1 ,2026-01-31\n 7 ,2,\n", extra=("time", "m"))
    assert rows.names == ("a",)
    np.testing.assert_array_equal(rows.x, [[1], [2]])
    assert rows.extra["m"].tolist() == ["m1", "7"]
    assert rows.extra["time"].tolist() == ["2026-01-31", ""]


def test_columns_a_label_and_extra_columns_go_together(csv):
    text = "m,b,broken,a,c\nx,1,0,2,9\ny,3,1,4,9\n"
    rows = csv(text, columns=("a", "b"), label="broken", extra=("m",))
    np.testing.assert_array_equal(rows.x, [[2, 1], [4, 3]])
    np.testing.assert_array_equal(rows.y, [0, 1])
    assert rows.extra["m"].tolist() == ["x", "y"]


def test_a_table_of_extra_columns_alone_has_no_features(csv):
    with refuses("rows.csv: expected columns of numbers. Received: none."):
        csv("m,n\nx,1\ny,2\n", extra=("m", "n"))


def test_a_missing_extra_column_is_refused(csv):
    with refuses("expected the column 'time'. Received: no such column in a, b."):
        csv("a,b\n1,2\n", extra=("time",))


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "null", "None"])
def test_a_missing_value_is_an_error(csv, cell):
    said = f" ({cell})" if cell else ""
    with refuses(f"line 3: no value in column 'a'{said}."):
        csv(f"a,b\n1,2\n{cell},4\n")


@pytest.mark.parametrize("cell", ["x", "1_0"])
def test_what_is_no_number_is_not_missing(csv, cell):
    with refuses("line 2: expected a number in column 'a'. Received: "):
        csv(f'a,b\n"{cell}",2\n')


@pytest.mark.parametrize(
    ("text", "number"),
    [("a,\n1,\n2,7\n", "2 of 2"), ("a, ,b\n1,2,3\n", "2 of 3")],
)
def test_a_column_without_a_name_is_refused(csv, text, number):
    with refuses(f"expected a name for each column. Received: none for column {number}"):
        csv(text)


@pytest.mark.parametrize("text", [",a\n0,1\n1,2\n", "a,\n1,\n2,\n"])
def test_an_index_and_a_comma_too_many_are_no_columns(csv, text):
    """What pandas writes of a row index is no measurement."""
    table = csv(text)
    assert table.names == ("a",)
    np.testing.assert_array_equal(table.x, [[1], [2]])


def test_a_column_without_a_name_is_no_matter_where_others_are_asked_for(csv):
    np.testing.assert_array_equal(csv(",a\n0,1\n1,2\n", columns=("a",)).x, [[1], [2]])


@pytest.fixture
def columns_of(tmp_path):
    def read(text, named=()):
        path = tmp_path / "rows.csv"
        path.write_text(text)
        return csv_format.columns(path, Wanted(extra=tuple(named)))

    return read


def test_columns_say_whether_they_hold_numbers(columns_of):
    text = "a,empty,m,late,broken\n1,,x,2,0\nNA,,7,soon,1\n\n3,null,8,4,0\n"
    expected = {"a": True, "empty": True, "m": False, "late": False}
    assert columns_of(text, ("broken",)) == expected


def test_columns_are_told_apart_by_names_alone(columns_of):
    assert columns_of("1,x\n2,y\n") is None
    assert columns_of("400,410,y\n1,2,0\n", ("y",)) == {"400": True, "410": True}


@pytest.mark.parametrize("name", ["flow\trate", "flow\nrate", "\x1b[2Jflow", "\u202eflow"])
def test_a_name_that_no_bundle_could_say_is_refused_at_once(tmp_path, name, read_rows):
    path = tmp_path / "rows.csv"
    path.write_text(f'"{name}",speed\n1,2\n', encoding="utf-8")
    with pytest.raises(ValueError, match="expected text without control characters"):
        read_rows(path)
