"""Lines: each way to write a sample gives the same sample; what is none is named."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.bundle.records import Dialect
from vae_runtime.live.lines import LineReader

SECONDS = 1769903999.0  # 2026-01-31T23:59:59 in UTC


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(scope="session")
def of_pump(pump):
    """Makes a reader of pressure, flow and current."""
    return lambda time=None: LineReader(pump.runner.manifest.model, time)


@pytest.fixture(scope="session")
def nameless(pump):
    """The same model, had its features no names."""
    return dataclasses.replace(pump.runner.manifest.model, feature_names=None)


@pytest.fixture(scope="session")
def written(pump):
    """Makes a reader of a model whose training read text in a dialect."""
    model = pump.runner.manifest.model

    def make(names=model.feature_names, **dialect):
        return LineReader(
            dataclasses.replace(model, feature_names=names, dialect=Dialect(**dialect))
        )

    return make


TEXTS = [
    (dict(sep="tab"), ["pressure\tflow\tcurrent", "101.5\t3\t10.25"]),
    (dict(sep=";", decimal=","), ["101,5;3,0;10,25"]),
    (dict(sep=" "), ["pressure  flow  current", "101.5  3  10.25"]),
    (dict(comment="#"), ["# logger 7", "# flow,current,pressure", "3,10.25,101.5"]),
    (dict(sep=" ", comment="#"), ["#  flow current pressure", "3 10.25 101.5"]),
    (dict(units=1), ["pressure,flow,current", "bar,l/min,A", "101.5,3,10.25"]),
    (dict(sep=";"), ["sep=;", "pressure;flow;current", "101.5;3;10.25"]),
    ({}, ["pressure,flow,current", "101.5,3,10.25,"]),
    ({}, ["pressure,flow,current", "17,101.5,3,10.25"]),
    ({}, ["pressure,flow,current", "\0\0\0", "1.015D+02,3.D0,10.25"]),
]


@pytest.mark.parametrize(("dialect", "lines"), TEXTS)
def test_a_stream_is_read_as_its_file_was(written, dialect, lines):
    reader = written(**dialect)
    found = [reader.read(line) for line in lines]
    assert found[:-1] == [None] * (len(lines) - 1)
    assert found[-1].x.tolist() == [101.5, 3.0, 10.25]


def test_names_with_blanks_stand_between_several(written):
    reader = written(("oil pressure", "flow", "current"), sep=" ")
    assert reader.read("  oil pressure   flow   current") is None
    assert reader.read("101.5  3  10.25").x.tolist() == [101.5, 3.0, 10.25]


def test_columns_that_training_called_by_their_places_are_there(written):
    reader = written(("2", "4", "5"), sep=";", header=False)
    assert reader.read("8:00;101.5;off;3;10.25").x.tolist() == [101.5, 3.0, 10.25]


@pytest.mark.parametrize("line", ["end of file", "2026-03-0", "101.5,\0\0,10.25"])
def test_a_line_below_the_names_is_a_bad_row_and_no_other_header(of_pump, line):
    reader = of_pump()
    reader.read("pressure,flow,current")
    with refuses("zero bytes" if "\0" in line else "expected 3 cells. Received: 1."):
        reader.read(line)
    assert reader.read("101.5,3,10.25").x.tolist() == [101.5, 3.0, 10.25]


@pytest.mark.parametrize(
    "lines",
    [
        ["[101.5, 3, 10.25]"],
        ["  [101.5, 3.0, 1025e-2]\r\n"],
        ['{"flow": 3, "note": [1], "current": 10.25, "pressure": "101.5"}'],
        ["101.5,3,10.25"],
        ["\ufeff101.5, 3 ,10.25"],
        ['"101.5","3","10.25"'],
        ["pressure,flow,current", "101.5,3,10.25"],
        ["flow,extra,current,pressure", "3,text,10.25,101.5"],
        ["flow,current,pressure", "1,2,3", "pressure,flow,current", "101.5,3,10.25"],
        ["", "   ", "101.5,3,10.25"],
    ],
)
def test_every_way_to_write_a_sample_gives_it(of_pump, lines):
    reader = of_pump()
    found = [reader.read(line) for line in lines][-1]
    assert found.x.tolist() == [101.5, 3.0, 10.25]
    assert found.x.dtype == np.float64
    assert found.time is None


@pytest.mark.parametrize(
    "line", ["", "\n", "\ufeff", "pressure,flow,current", "a,flow,7,current,pressure"]
)
def test_blank_lines_and_headers_are_no_samples(of_pump, line):
    assert of_pump().read(line) is None


@pytest.mark.parametrize(
    "lines",
    [
        [f'{{"flow": 3, "current": 1, "pressure": 1, "at": {SECONDS}}}'],
        ['{"flow": 3, "current": 1, "pressure": 1, "at": "2026-01-31T23:59:59"}'],
        ['{"flow": 3, "current": 1, "pressure": 1, "at": "2026-02-01T01:59:59+02:00"}'],
        ["flow,at,current,pressure", f"3,{SECONDS},1,1"],
        ["flow,at,current,pressure", "3,2026-01-31 23:59:59,1,1"],
    ],
)
def test_times_are_seconds(of_pump, lines):
    reader = of_pump("at")
    assert [reader.read(line) for line in lines][-1].time.seconds == SECONDS


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["[1, 2]"], "expected 3 numbers. Received: 2"),
        (["1,2,3,4"], "expected 3 numbers. Received: 4"),
        (["[1, 2, null]"], "no value in column 'current'."),
        (["[1, 2, [3]]"], "expected a number in column 'current'. Received: [3]"),
        (["[1, 2"], "expected JSON. Received: '[1, 2'"),
        (["[" * 100_000], "expected JSON"),
        (["[1, 2, " + "9" * 5000 + "]"], "expected"),
        (["1,x,3"], "expected a number in column 'flow'. Received: 'x'"),
        (["1,1_0,3"], "expected a number in column 'flow'. Received: '1_0'"),
        (["1,,3"], "no value in column 'flow'."),
        (['1,"2,3'], "expected a line of CSV. Received: '1,\"2,3'"),
        (["sensor offline"], "expected one column 'pressure' in a header"),
        (["pressure,flow,current,flow"], "expected one column 'flow' in a header"),
        (['{"flow": 1, "current": 2}'], "expected 'pressure'. Received: ['flow', 'current']"),
        (['{"flow": [1], "current": 2, "pressure": 3}'], "expected a number in column 'flow'"),
        (["pressure,flow,current", "1,2"], "expected 3 cells. Received: 2"),
        (["pressure,flow,current", ",,"], "no value in column 'pressure'"),
        (["at,pressure,flow,current", "noon,NA,NA,null"], "no value in column 'pressure' (NA)."),
    ],
)
def test_what_is_no_sample_is_named(of_pump, lines, message):
    reader = of_pump()
    with refuses(message):
        for line in lines:
            reader.read(line)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1,2,3"], "expected a header that names 'at'"),
        (["[1, 2, 3]"], "expected a JSON object that names 'at'"),
        (["pressure,flow,current"], "expected one column 'at' in a header"),
        (['{"flow": 1, "current": 2, "pressure": 3}'], "expected 'at'"),
        (["pressure,flow,current,at", "1,2,3,inf"], "expected 'at' as finite seconds"),
        (
            ["pressure,flow,current,at", "1,2,3,noon"],
            "'at': expected times as numbers, or as 2026-",
        ),
    ],
)
def test_a_time_that_is_asked_for_must_be_there(of_pump, lines, message):
    reader = of_pump("at")
    with refuses(message):
        for line in lines:
            reader.read(line)


def test_a_whole_number_beyond_any_float_is_infinite(of_pump):
    assert of_pump().read(f"[1, 2, {10**400}]").x.tolist() == [1.0, 2.0, np.inf]


def test_features_without_names_are_in_the_order_of_the_columns(nameless):
    reader = LineReader(nameless, "at")
    assert reader.read("a,at,b,c") is None
    assert reader.read("1,7,2,3").x.tolist() == [1.0, 2.0, 3.0]
    with refuses("expected an array"):
        LineReader(nameless).read('{"a": 1}')


def test_a_remark_is_no_header_where_features_have_no_names(nameless):
    reader = LineReader(nameless)
    with refuses("expected a number. Received: 'sensor offline'"):
        reader.read("sensor offline")
    assert reader.read("1,2,3").x.tolist() == [1.0, 2.0, 3.0]
    with refuses("expected a number"):
        reader.read("a,b,c")


def test_images_are_nested_or_flat_and_whole_numbers_where_the_model_takes_these(digits):
    model = dataclasses.replace(digits.runner.manifest.model, input_dtype="uint8")
    x = np.arange(64).reshape(8, 8, 1)
    for line in (str(x.tolist()), str(x.ravel().tolist())):
        found = LineReader(model).read(line).x
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, x)
    for wrong in (0.5, -1, 256):
        with refuses("expected whole numbers from 0 to 255"):
            LineReader(model).read(str([wrong] * 64))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(of_pump, text):
    reader = of_pump()
    try:
        found = reader.read(text)
    except ValueError:
        return
    assert found is None or found.x.shape == (3,)


def test_numbered_columns_are_a_header_at_the_begin_alone(nameless):
    reader = LineReader(nameless)
    assert reader.read("0,1,2") is None
    assert reader.read("0,1,2").x.tolist() == [0.0, 1.0, 2.0]
    reader = LineReader(nameless)
    assert reader.read("0,1,5").x.tolist() == [0.0, 1.0, 5.0]
    assert reader.read("0,1,2").x.tolist() == [0.0, 1.0, 2.0]


def test_numbered_columns_are_a_header_of_samples_in_the_order_of_names_too(of_pump):
    reader = of_pump()
    assert reader.read("0,1,2") is None
    assert reader.read("101.5,3,10.25").x.tolist() == [101.5, 3.0, 10.25]
    assert reader.read("0,1,2").x.tolist() == [0.0, 1.0, 2.0]


def test_features_that_are_numbers_have_a_header_at_the_begin_alone(nameless):
    reader = LineReader(dataclasses.replace(nameless, feature_names=("0", "1", "2")))
    assert reader.read("2,1,0") is None
    assert reader.read("7,8,9").x.tolist() == [9.0, 8.0, 7.0]
    assert reader.read("2,0,1").x.tolist() == [1.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("names", "line", "told"),
    [
        (("0", "1", "2"), "2,1,0", 1),
        (("0", "1", "2"), "0,1,2", 0),
        (("1", "2", "3"), "1,2,3", 1),
        (("a", "b", "c"), "a,b,c", 0),
    ],
)
def test_names_that_may_be_a_sample_are_told_of_each_stream(nameless, caplog, names, line, told):
    for _ in range(2):
        assert LineReader(dataclasses.replace(nameless, feature_names=names)).read(line) is None
    assert caplog.text.count("the stream: the first line") == 2 * told
