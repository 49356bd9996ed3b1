"""Columns that have names are matched by name, whatever carries them, or refused."""

import dataclasses
import decimal
import re
from collections import OrderedDict, UserList, deque, namedtuple

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from vae_runtime import Runner, StreamScorer, recalibrate
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.rows.frames import has_names, named_array

NAMES = ("temperature", "vibration", "pressure", "flow", "current", "speed")
ORDER = [3, 1, 5, 0, 4, 2]  # of the columns in what is given


@pytest.fixture(scope="module")
def runner(golden):
    found = Runner.load(golden)
    assert found.manifest.model.feature_names == NAMES
    return found


@pytest.fixture(scope="module")
def rows(golden_rows):
    return golden_rows(150, 1)


def shuffled(rows):
    """The columns in another order, with one that is no feature: {name: (rows,)}."""
    columns = {NAMES[i]: rows[:, i] for i in ORDER}
    return {"note": np.arange(len(rows)), **columns}


def structured(rows):
    columns = shuffled(rows)
    made = np.empty(len(rows), [(name, np.float32) for name in columns])
    for name, values in columns.items():
        made[name] = values
    return made


Row = namedtuple("Row", [NAMES[i] for i in ORDER])

# What carries names, made of rows (rows, 6).
KINDS = {
    "pandas": lambda rows: pd.DataFrame(shuffled(rows)),
    "pandas, indexed": lambda rows: pd.DataFrame(shuffled(rows)).set_index("note"),
    "pandas of objects": lambda rows: pd.DataFrame(shuffled(rows)).astype(object),
    "polars": lambda rows: pl.DataFrame(shuffled(rows)),
    "pyarrow table": lambda rows: pa.table(shuffled(rows)),
    "pyarrow record batch": lambda rows: pa.RecordBatch.from_pydict(shuffled(rows)),
    "structured": structured,
    "recarray": lambda rows: structured(rows).view(np.recarray),
    "narwhals": lambda rows: nw.from_native(pd.DataFrame(shuffled(rows))),
    "dict": shuffled,
    "ordered dict": lambda rows: OrderedDict(shuffled(rows)),
    "named tuples": lambda rows: [Row(*row) for row in rows[:, ORDER].tolist()],
    "tuples of pandas": lambda rows: list(pd.DataFrame(shuffled(rows)).itertuples()),
    "dicts": lambda rows: pl.DataFrame(shuffled(rows)).to_dicts(),
    "series": lambda rows: series(rows),
    "tuple of series": lambda rows: tuple(series(rows)),
    "deque of series": lambda rows: deque(series(rows)),
    "another list of series": lambda rows: UserList(series(rows)),
    "arrays, then series": lambda rows: [rows[0], *series(rows[1:])],
    "series, then arrays": lambda rows: [*series(rows[:1]), *rows[1:]],
}


def series(rows):
    """The rows, each with its own names."""
    return [row for _, row in pd.DataFrame(shuffled(rows)).iterrows()]


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_takes_columns_by_their_names(runner, rows, kind):
    given = KINDS[kind](rows[:20])
    x = rows[:20]
    assert has_names(given)
    for name in ("score", "explain", "top_features", "encode", "reconstruct"):
        found, expected = getattr(runner, name)(given), getattr(runner, name)(x)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_rows_that_spark_collected_have_names(runner, rows):
    sql = pytest.importorskip("pyspark.sql", reason="needs vae-runtime[spark]")
    collected = [sql.Row(**row) for row in KINDS["dicts"](rows)]
    np.testing.assert_array_equal(runner.score(collected).score, runner.score(rows).score)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_takes_columns_by_their_names(runner, rows, kind):
    expected = [result.score for result in StreamScorer(runner).push(rows[:20])]
    found = StreamScorer(runner).push(KINDS[kind](rows[:20]))
    assert [result.score for result in found] == expected


ONE = {
    "pandas series": lambda row: pd.DataFrame(shuffled(row[None])).iloc[0],
    "named tuple": lambda row: Row(*row[ORDER].tolist()),
    "dict": lambda row: {name: values[0] for name, values in shuffled(row[None]).items()},
    "structured scalar": lambda row: structured(row[None])[0],
    "record": lambda row: structured(row[None]).view(np.recarray)[0],
}


@pytest.mark.parametrize("kind", ONE)
def test_a_single_row_has_names_too(runner, rows, kind):
    (found,) = StreamScorer(runner).push(ONE[kind](rows[0]))
    assert found.score == StreamScorer(runner).push(rows[0])[0].score
    start, end = (ONE[kind](rows[i]) for i in (0, 1))
    np.testing.assert_array_equal(
        runner.interpolate(start, end), runner.interpolate(rows[0], rows[1])
    )
    with pytest.raises(ValueError, match=re.escape("a single row. Pass x[None]")) as raised:
        runner.score(ONE[kind](rows[0]))
    assert "(Of a row with names, [x].)" in str(raised.value)
    assert runner.score([ONE[kind](rows[0])]).score == runner.score(rows[:1]).score


def test_thresholds_are_those_of_columns_by_their_names(golden, rows, tmp_path):
    expected = recalibrate(golden, rows, tmp_path / "array").changes[0].threshold
    given = pd.DataFrame(shuffled(rows))
    assert recalibrate(golden, given, tmp_path / "frame").changes[0].threshold == expected


def test_classes_are_those_of_columns_by_their_names(states):
    names = states.runner.manifest.model.feature_names
    frame = pd.DataFrame(states.x, columns=names)[list(names)[::-1]]
    np.testing.assert_array_equal(states.runner.classify(frame), states.runner.classify(states.x))


def test_machines_are_of_the_rows_of_a_frame(golden, rows, tmp_path):
    names = np.array(["a", "b", "c"]).repeat(50)
    recalibrate(golden, rows, tmp_path / "new", alpha=0.05, machines={"machine": names})
    runner = Runner.load(tmp_path / "new")
    frame = pd.DataFrame(shuffled(rows)).assign(machine=names)
    found = runner.score(frame, machines=frame["machine"]).p_value
    np.testing.assert_array_equal(found, runner.score(rows, machines=names).p_value)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow table", "dict", "structured"])
def test_a_column_that_is_missing_is_named(runner, rows, kind):
    columns = {name: rows[:, i] for i, name in enumerate(NAMES) if name != "flow"}
    given = {
        "pandas": pd.DataFrame,
        "polars": pl.DataFrame,
        "pyarrow table": pa.table,
        "dict": dict,
        "structured": lambda columns: pd.DataFrame(columns).to_records(index=False),
    }[kind](columns)
    with pytest.raises(
        ValueError, match=r"x: expected a column 'flow'\. Received: a .* with 'temp"
    ):
        runner.score(given)


def test_a_column_that_is_there_twice_is_refused(runner, rows):
    frame = pd.DataFrame(rows, columns=NAMES)
    with pytest.raises(ValueError, match=r"expected a column 'flow'\. Received: 2 of that name"):
        runner.score(pd.concat([frame, frame[["flow"]]], axis=1))
    table = pa.table([rows[:, 0]] * 7, names=[*NAMES, "flow"])
    with pytest.raises(ValueError, match=r"expected a column 'flow'\. Received: 2 of that name"):
        runner.score(table)


@pytest.mark.parametrize(
    ("value", "received"),
    [
        ("12", "'12' in row 3"),
        (None, "None in row 3"),
        (pd.NA, "<NA> in row 3"),
        ([1.0], r"\[1.0\] in row 3"),
        (1j, "1j in row 3"),
        (10**400, "1000000"),
        (decimal.Decimal("sNaN"), r"Decimal\('sNaN'\) in row 3"),
    ],
)
def test_a_cell_that_is_no_number_is_named(runner, rows, value, received):
    frame = pd.DataFrame(shuffled(rows)).astype(object)
    frame.at[3, "flow"] = value
    with pytest.raises(
        ValueError, match=f"expected numbers in column 'flow'. Received: {received}"
    ):
        runner.score(frame)


@pytest.mark.parametrize(
    "column",
    [
        np.array(["1.5"] * 150),
        np.arange(150).astype("datetime64[s]"),
        np.full(150, 1 + 0j),
        pa.array(["x"] * 150).dictionary_encode(),
    ],
    ids=["text", "times", "complex", "categories"],
)
def test_a_column_of_something_else_is_named(runner, rows, column):
    with pytest.raises(
        ValueError, match=r"expected numbers in column 'flow'\. Received: .* in row 0"
    ):
        runner.score({**shuffled(rows), "flow": column})


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_missing_value_is_named_by_row_and_column(runner, rows, frame):
    values = [None if i == 7 else float(v) for i, v in enumerate(rows[:, 3])]
    given = frame({**shuffled(rows), "flow": values})
    with pytest.raises(ValueError, match="Received: nan in row 7, feature 'flow'"):
        runner.score(given)


@pytest.mark.parametrize(
    "convert",
    [
        lambda column: column.astype(np.int64),
        lambda column: pd.array(column.astype(np.int64), dtype="Int64"),
        lambda column: column > 0,
        lambda column: [decimal.Decimal(float(value)) for value in column],
        lambda column: column.astype(np.float16),
    ],
    ids=["whole", "nullable", "bool", "decimal", "float16"],
)
def test_numbers_of_any_type_are_numbers(runner, rows, convert):
    x, column = rows.copy(), convert(rows[:, 3])
    x[:, 3] = np.asarray(column, np.float64)
    given = pd.DataFrame({**shuffled(rows), "flow": column})
    np.testing.assert_array_equal(runner.score(given).score, runner.score(x).score)


def test_columns_of_several_lengths_are_named(runner, rows):
    columns = {name: rows[:, i] for i, name in enumerate(NAMES)}
    message = r"of one shape. Received: \(150,\) in 'temperature', \(5,\) in 'flow'"
    with pytest.raises(ValueError, match=message):
        runner.score({**columns, "flow": rows[:5, 0]})
    with pytest.raises(ValueError, match=r"expected rows of one shape.* in 0, \(5,\) in 1"):
        runner.score([*series(rows[:1]), rows[1, :5]])


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame(columns=NAMES),
        pl.DataFrame({name: pl.Series([], dtype=pl.String) for name in NAMES}),
        np.empty(0, [(name, "U4") for name in NAMES]),
    ],
    ids=["pandas", "polars", "structured"],
)
def test_a_table_without_rows_is_told(runner, given):
    with pytest.raises(ValueError, match="expected at least one row"):
        runner.score(given)


class Masked:
    """An array of a library that has masks."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(
    "given",
    [
        lambda masked: [*masked],
        lambda masked: [*masked.data[1:], masked[0]],
        lambda masked: [[np.ma.masked, *row[1:]] for row in masked.data.tolist()],
        lambda masked: [*series(masked.data), masked[0]],
        Masked,
    ],
    ids=["rows", "one row", "constants", "beside series", "of a library"],
)
def test_a_mask_is_not_lost_in_a_list_or_a_library(runner, rows, given):
    masked = np.ma.masked_greater(rows, np.median(rows))
    with pytest.raises(ValueError, match=r"x: expected an array\. Received: a masked array"):
        runner.score(given(masked))


@pytest.mark.parametrize("order", [["2", "0", "1"], ["0", "1", "2"]])
def test_names_that_are_numbers_are_names_where_the_model_has_them(runner, order):
    names = dict(input_shape=(3,), feature_names=tuple(order), value_range=None, one_hot=())
    model = dataclasses.replace(runner.manifest.model, **names)
    x = RowCheck(model)(pd.DataFrame([[10.0, 11.0, 12.0]]))
    assert x.tolist() == [[10.0 + int(name) for name in order]]


@pytest.mark.parametrize("dtype", ["Float64", "float64[pyarrow]", object])
def test_a_frame_of_an_array_is_that_array(runner, rows, dtype):
    np.testing.assert_array_equal(runner.score(pd.DataFrame(rows)).score, runner.score(rows).score)
    frame = pd.DataFrame(rows).astype(dtype)
    np.testing.assert_array_equal(runner.score(frame).score, runner.score(rows).score)
    frame = pd.DataFrame(rows).astype(object)
    frame.iat[3, 2] = None
    with pytest.raises(ValueError, match=r"numbers in column '2'\. Received: None in row 3"):
        runner.score(frame)
    with pytest.raises(ValueError, match=r"expected shape \(batch, 6\)"):
        runner.score(pd.DataFrame(rows[:, :5]))
    with pytest.raises(ValueError, match="expected the columns 'temperature'"):
        runner.score(pd.DataFrame(rows)[[0, 1, 2, 3, 5, 4]])  # somebody's own order


class Exchanged:
    """Gives a table by protocol alone."""

    def __dataframe__(self, **_):
        raise AssertionError("nobody can read this without a library")


class Streamed:
    def __arrow_c_stream__(self, schema=None):
        raise AssertionError("nobody can read this without a library")


class Single:
    def __arrow_c_array__(self, schema=None):
        raise AssertionError("nobody can read this without a library")


class Labelled:
    """As xarray's: an array that knows what its columns are called."""

    dims = ("row", "channel")
    coords = {"channel": NAMES}  # noqa: RUF012 - a test's own

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("its labels would be lost")


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (Exchanged(), "Make a pandas, Polars or pyarrow table of it first"),
        (Streamed(), "Make a pandas, Polars or pyarrow table of it first"),
        (Single(), "Make a pandas, Polars or pyarrow table of it first"),
        (Labelled(), "Make a pandas, Polars or pyarrow table of it first"),
        ([Labelled()], r"x\[0\]: .* Make a pandas, Polars or pyarrow table of it first"),
        (pd.DataFrame({"flow": [1.0]}).__dataframe__(), "Make a pandas, Polars or pyarrow table"),
        (pl.DataFrame({n: [1.0] for n in NAMES}).to_struct(), "a polars Series. Make a pandas"),
        (nw.from_native(pl.DataFrame({n: [1.0] for n in NAMES}).lazy()), "Load it first"),
        ({}, "'current' and 1 more. Received: a dict with no columns.$"),
        ({0: [1.0], 1: [2.0]}, "the columns 'temperature', .*. Received: a dict with '0', '1'"),
        (pa.RecordBatchReader.from_batches(pa.schema([]), []), "Make a pandas, Polars or pyarrow"),
        (pl.DataFrame({name: [1.0] for name in NAMES}).lazy(), "Load it first"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*LazyFrame.*")  # that its columns are not for free
def test_what_cannot_be_read_by_name_is_refused_with_what_to_do(runner, given, received):
    with pytest.raises(ValueError, match=received):
        runner.score(given)


def test_a_model_without_names_is_given_arrays(digits):
    flat = digits.x.reshape(len(digits.x), -1)
    with pytest.raises(ValueError, match=r"features of this model have no names.*to_numpy"):
        digits.runner.score(pd.DataFrame(flat).add_prefix("pixel_"))


def test_rows_of_a_table_are_no_windows_and_it_says_what_cuts_them(pump):
    names = pump.runner.manifest.model.feature_names
    frame = pd.DataFrame(pump.x[:, 0], columns=names)[list(names)[::-1]]
    with pytest.raises(ValueError, match="the model takes windows of 12: StreamScorer"):
        pump.runner.score(frame)
    found = StreamScorer(pump.runner).push(frame)
    expected = StreamScorer(pump.runner).push(pump.x[:, 0])
    assert [result.score for result in found] == [result.score for result in expected]


def test_windows_may_be_a_structured_array(pump):
    names = pump.runner.manifest.model.feature_names
    windows = np.empty(pump.x.shape[:2], [(name, np.float32) for name in names[::-1]])
    for i, name in enumerate(names):
        windows[name] = pump.x[..., i]
    np.testing.assert_array_equal(pump.runner.score(windows).score, pump.runner.score(pump.x).score)


def test_latents_have_no_names(runner):
    with pytest.raises(ValueError, match="z: expected an array"):
        runner.decode(pd.DataFrame({"a": [0.0], "b": [1.0]}))


def test_arrays_and_plain_lists_have_none(rows):
    for given in (rows, rows.tolist(), tuple(rows[0]), rows[0], np.float32(1), 1.0, [], "abc"):
        assert not has_names(given)
    for given in (memoryview(rows), deque(rows.tolist()), pl.Series(rows[0]), pa.array(rows[0])):
        assert not has_names(given)
    assert named_array({"b": [2], "a": [1]}, ("a", "b")).tolist() == [[1.0, 2.0]]


def test_a_frame_with_features_as_rows_is_refused():
    names = ("a", "b", "c")
    frame = pd.DataFrame(np.eye(3), columns=names)
    with pytest.raises(ValueError, match=r"with a row for each\. Pass its transpose"):
        named_array(frame.T, names)
    assert named_array(frame, names).tolist() == np.eye(3).tolist()
    assert named_array(pd.DataFrame(np.eye(3)), names).tolist() == np.eye(3).tolist()
