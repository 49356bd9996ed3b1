"""CSV as a table that is written at once, and JSON lines that read back the same."""

import csv
import datetime
import decimal
import io
import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.batch.writing import text
from vae_runtime.batch.writing.text import CsvWriter, JsonLinesWriter

FLOATS = [np.float16, np.float32, np.float64]
NUMBERS = [*FLOATS, np.int8, np.int64, np.uint64, np.bool_]


def text_of(opener, folder, *tables):
    path = folder / "results.text"
    writer = opener(path)
    try:
        for table in tables:
            writer.write(table)
    finally:
        writer.close()
    return path.read_bytes().decode()


def written_at_once(table):
    """A whole table by Python's csv, value after value."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table)
    plain = [c.astype(np.int8) if c.dtype == bool else c for c in table.values()]
    writer.writerows(zip(*plain, strict=True))
    return file.getvalue()


def lines_of(folder, *tables):
    return [json.loads(line) for line in text_of(JsonLinesWriter, folder, *tables).splitlines()]


columns_of_numbers = st.integers(0, 6).flatmap(
    lambda n: st.lists(st.sampled_from(NUMBERS).flatmap(lambda d: arrays(d, n)), min_size=1)
)


@settings(max_examples=200, deadline=None)
@given(columns=columns_of_numbers)
@example(columns=[np.array([0.1, 12.345679, 1e16, 1e-5, -0.0, 2**-149, 3.4e38], np.float32)])
@example(columns=[np.array([0.1, 1e16, 123456789012345680.0, 1e-5, 1e23, 5e-324, np.nan, np.inf])])
def test_csv_of_numbers_is_what_a_whole_table_is(tmp_path_factory, columns):
    folder, table = tmp_path_factory.getbasetemp(), {f"c{i}": c for i, c in enumerate(columns)}
    assert text_of(CsvWriter, folder, table) == written_at_once(table)


def test_csv_of_a_million_scores_is_what_a_whole_table_is(tmp_path):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 50_000, dtype=np.uint32).view(np.float32)
    table = {
        "score": np.concatenate([rng.gamma(3, 9, 200_000).astype(np.float32), bits]),
        "p_value": rng.integers(1, 5001, 250_000) / 5001,
        "is_anomaly": rng.random(250_000) < 0.1,
    }
    assert text_of(CsvWriter, tmp_path, table) == written_at_once(table)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))))
@example(texts=["a,b", 'say "x"', "two\nlines", "", " ", "é"])
def test_csv_of_text_is_what_a_whole_table_is(tmp_path_factory, texts):
    folder = tmp_path_factory.getbasetemp()
    table = {"machine": np.array(texts, np.str_), "n": np.arange(len(texts))}
    whole = written_at_once(table)
    assert text_of(CsvWriter, folder, table) == whole
    kept = {"machine": pa.array(table["machine"].tolist(), pa.string()), "n": pa.array(table["n"])}
    found = text_of(CsvWriter, folder, kept)  # where empty text is in quotes
    assert list(csv.reader(io.StringIO(found, newline=""))) == list(
        csv.reader(io.StringIO(whole, newline=""))
    )


def test_csv_has_one_header_and_a_column_for_each_of_several_dimensions(tmp_path):
    table = {"n": np.arange(2), "z": np.array([[[0.5, 1], [2, 3]]] * 2, np.float32)}
    assert text_of(CsvWriter, tmp_path, table, table, {k: c[:0] for k, c in table.items()}) == (
        "n,z_0,z_1,z_2,z_3\n" + "0,0.5,1.0,2.0,3.0\n1,0.5,1.0,2.0,3.0\n" * 2
    )


BERLIN = datetime.timezone(datetime.timedelta(hours=2))
KEPT = {  # column, cells of CSV, values of JSON
    "float": (pa.array([12.345679, None], pa.float32()), ["12.345679", ""], [12.345679, None]),
    "int": (pa.array([2**62 + 1, None]), ["4611686018427387905", ""], [2**62 + 1, None]),
    "bool": (pa.array([True, None, False]), ["1", "", "0"], [True, None, False]),
    "text": (pa.array(["a,b", None, ""]), ["a,b", "", ""], ["a,b", None, ""]),
    "large": (pa.array(["é", None], pa.large_string()), ["é", ""], ["é", None]),
    "category": (pa.array(["x", None, "x"]).dictionary_encode(), ["x", "", "x"], ["x", None, "x"]),
    "nothing": (pa.nulls(2), ["", ""], [None, None]),
    "day": (pa.array([datetime.date(2026, 1, 2), None]), ["2026-01-02", ""], ["2026-01-02", None]),
    "time": (pa.array([datetime.time(1, 2, 3)]), ["01:02:03"], ["01:02:03"]),
    "decimal": (pa.array([decimal.Decimal("1.50"), None]), ["1.50", ""], [1.5, None]),
    "list": (pa.array([[1.5, 2.0], None]), ["[1.5, 2.0]", ""], [[1.5, 2.0], None]),
    "ns": (
        pa.array([0, 1, 10**9, 1500000, None], pa.timestamp("ns")),
        [
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.000000001",
            "1970-01-01T00:00:01",
            "1970-01-01T00:00:00.001500",
            "",
        ],
        None,
    ),
    "zone": (
        pa.array([datetime.datetime(2026, 1, 2, 3, tzinfo=BERLIN)], pa.timestamp("s", "+02:00")),
        ["2026-01-02T03:00:00+02:00"],
        None,
    ),
}


def test_a_return_within_text_is_in_quotes(tmp_path):
    found = text_of(CsvWriter, tmp_path, {"n": np.arange(2), "k": np.array(["a\rb", "c"])})
    assert list(csv.reader(io.StringIO(found, newline=""))) == [
        ["n", "k"],
        ["0", "a\rb"],
        ["1", "c"],
    ]


def test_empty_text_is_told_from_none_in_csv(tmp_path):
    table = {"n": np.arange(3), "k": pa.array(["", None, "a"])}
    assert text_of(CsvWriter, tmp_path, table) == 'n,k\n0,""\n1,\n2,a\n'
    plain = {"n": np.arange(2), "k": np.array(["", "a"])}  # where no row has none
    assert text_of(CsvWriter, tmp_path, plain) == "n,k\n0,\n1,a\n"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", ["2026-01-01T00:59:59.123456789+01:00", "2026-07-01T02:00:00+02:00", ""]),
        ("Asia/Kolkata", ["2026-01-01T05:29:59.123456789+05:30", "2026-07-01T05:30:00+05:30", ""]),
        ("-03:30", ["2025-12-31T20:29:59.123456789-03:30", "2026-06-30T20:30:00-03:30", ""]),
        ("UTC", ["2025-12-31T23:59:59.123456789+00:00", "2026-07-01T00:00:00+00:00", ""]),
    ],
)
def test_moments_stay_in_their_time_zone(tmp_path, zone, expected):
    moments = np.array(["2025-12-31T23:59:59.123456789", "2026-07-01", "NaT"], "M8[ns]")
    table = {"n": np.arange(3), "k": pa.array(moments).cast(pa.timestamp("ns", zone))}
    rows = csv.DictReader(io.StringIO(text_of(CsvWriter, tmp_path, table)))
    assert [row["k"] for row in rows] == expected
    found = [line["k"] for line in lines_of(tmp_path, table)]
    assert found == [text or None for text in expected]


def test_a_time_zone_that_is_not_known_is_refused_by_name(tmp_path):
    table = {"k": pa.array([1], pa.timestamp("s", "Mars/Base"))}
    for opener in (CsvWriter, JsonLinesWriter):
        with pytest.raises(ValueError, match=r"column 'k'.*tz=Mars/Base.*not known here"):
            text_of(opener, tmp_path, table)


@pytest.mark.parametrize("name", KEPT)
def test_kept_columns(tmp_path, name):
    column, in_csv, in_json = KEPT[name]
    table = {"n": np.arange(len(column)), "kept": column}
    rows = list(csv.DictReader(io.StringIO(text_of(CsvWriter, tmp_path, table))))
    assert [row["kept"] for row in rows] == in_csv
    if in_json is None:
        in_json = [cell or None for cell in in_csv]
    assert [line["kept"] for line in lines_of(tmp_path, table)] == in_json


@given(micros=st.integers(-(10**16), 10**16))
def test_times_are_as_datetime_gives_them(tmp_path_factory, micros):
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    for unit in ("us", "ns")[: 1 + (abs(micros) < 2**62 // 1000)]:
        column = pa.array([time], pa.timestamp(unit))
        text = text_of(CsvWriter, tmp_path_factory.getbasetemp(), {"at": column})
        assert text == f"at\n{time.isoformat()}\n"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FLOATS).flatmap(lambda dtype: arrays(dtype, st.integers(1, 6))))
def test_floats_of_json_lines_read_back_the_same_and_are_short(tmp_path_factory, column):
    folder = tmp_path_factory.getbasetemp()
    found = [line["x"] for line in lines_of(folder, {"x": column})]
    for value, read in zip(column, found, strict=True):
        if math.isfinite(value):
            assert column.dtype.type(read) == value
            assert math.copysign(1, read) == math.copysign(1, value)
        else:
            assert read is None
    short = [str(value) for value in column if math.isfinite(value)]
    texts = text_of(JsonLinesWriter, folder, {"x": column}).splitlines()
    assert [t for t in texts if "null" not in t] == [f'{{"x": {text}}}' for text in short]


def test_json_lines_of_all_kinds(tmp_path):
    table = {
        "row": np.array([3]),
        "is_anomaly": np.array([True]),
        '100 %s "é"': np.array(['a"b\né']),
        "z": np.array([[[0.1, np.nan], [2, 3]]], np.float32),
        "none": np.empty((1, 0), np.float32),
        "at": np.array(["2026-01-02"], "datetime64[D]"),
    }
    assert lines_of(tmp_path, table, table) == 2 * [
        {
            "row": 3,
            "is_anomaly": True,
            '100 %s "é"': 'a"b\né',
            "z": [[0.1, None], [2.0, 3.0]],
            "none": [],
            "at": "2026-01-02",
        }
    ]


def test_json_lines_refuse_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="numbers, text, times or lists of them"):
        lines_of(tmp_path, {"x": pa.array([b"ab"])})


@pytest.mark.parametrize("values", [1, 5, 100])
def test_lines_do_not_depend_on_how_many_are_made_at_a_time(tmp_path, monkeypatch, values):
    table = {"n": np.arange(50), "z": np.arange(150, dtype=np.float32).reshape(50, 3)}
    expected = [text_of(opener, tmp_path, table) for opener in (CsvWriter, JsonLinesWriter)]
    monkeypatch.setattr(text, "VALUES_AT_ONCE", values)
    assert [text_of(opener, tmp_path, table) for opener in (CsvWriter, JsonLinesWriter)] == expected


def test_json_lines_of_numbers_and_of_others_are_of_one_form(tmp_path):
    table = {"n": np.arange(2), "z": np.array([[0.5, np.nan], [-1, 2]], np.float32)}
    alone = text_of(JsonLinesWriter, tmp_path, table)
    assert alone == '{"n": 0, "z": [0.5, null]}\n{"n": 1, "z": [-1.0, 2.0]}\n'
    mixed = text_of(JsonLinesWriter, tmp_path, {**table, "machine": np.array(["a", "b"])})
    assert mixed == alone.replace("}", ', "machine": "X"}').replace("X", "a", 1).replace("X", "b")
