"""Times as files have them become instants; two readings are told apart, or refused."""

import datetime
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vae_runtime.rows.times.times import TimeError, read_times, time_columns

START = datetime.datetime(2026, 3, 1, 8, 0, 0)
SECONDS = [START + datetime.timedelta(seconds=i) for i in range(50)]
NANOSECONDS = [int(t.replace(tzinfo=datetime.UTC).timestamp()) * 10**9 for t in SECONDS]


def refuses(message):
    return pytest.raises(TimeError, match=re.escape(message))


def written(moments, format):
    return np.array([moment.strftime(format) for moment in moments])


KNOWN = {  # as loggers write, with nothing said about it
    "%Y-%m-%d %H:%M:%S": None,
    "%Y-%m-%dT%H:%M:%S": None,
    "%Y-%m-%dT%H:%M:%SZ": None,
    "%Y-%m-%d %H:%M:%S,000": None,
    "%Y-%m-%d %H:%M:%S.000000000": None,
    "%Y-%m-%d %H:%M:%S+00:00": None,
    "%Y-%m-%d %H:%M:%S UTC": None,
    "%Y/%m/%d %H:%M:%S": "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S": "%Y.%m.%d %H:%M:%S",
    "%Y%m%d %H%M%S": "%Y%m%d %H%M%S",
    "%Y%m%dT%H%M%S": "%Y%m%dT%H%M%S",
    "%d.%m.%Y %H:%M:%S": "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M:%S": "%d.%m.%y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S": "%d-%b-%Y %H:%M:%S",
    "%d %B %Y %H:%M:%S": "%d %B %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p": "%b %d, %Y %I:%M:%S %p",
}


@pytest.mark.parametrize("format", KNOWN)
def test_common_dates_are_read_without_a_word_of_how(format):
    times = read_times(written(SECONDS, format))
    assert times.values.tolist() == NANOSECONDS
    assert times.values.dtype == np.int64
    assert times.good.all()
    assert times.format == KNOWN[format]


@pytest.mark.parametrize("format", [*KNOWN, "%H.%M.%S/%d/%m/%Y", "%a %b %d %T %Y", "%Y %j %H%M%S"])
def test_a_format_that_is_given_reads_what_it_writes(format):
    format = format.replace(" UTC", " %z").replace("Z", "%z")
    zoned = [moment.replace(tzinfo=datetime.UTC) for moment in SECONDS]
    assert read_times(written(zoned, format), format=format).values.tolist() == NANOSECONDS


moments = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2199, 12, 31))
FORMATS = ["%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %I:%M:%S.%f %p", "%b %d %Y %H:%M:%S,%f"]


@given(st.lists(moments, min_size=1, max_size=9), st.sampled_from(FORMATS))
def test_writing_and_reading_gives_the_same_instants_as_strptime(given_moments, format):
    texts = written(given_moments, format)
    expected = [datetime.datetime.strptime(text, format) for text in texts.tolist()]
    times = read_times(texts, format=format)
    assert times.good.all()
    assert times.values.astype("datetime64[ns]").astype("datetime64[us]").tolist() == expected


def may_be_refused(texts, mark):
    """True where reading is refused, with both formats named."""
    try:
        read_times(texts)
    except TimeError as error:
        return all(f"--time-format '%{first}{mark}" in str(error) for first in "dm")
    return False


@given(st.lists(moments, min_size=2, max_size=20), st.sampled_from("/-"))
def test_day_and_month_are_told_apart_or_refused_and_never_confused(given_moments, mark):
    """Where a day is above 12 the reading is the one that was written; else it is no guess."""
    days = sorted(moment.replace(microsecond=0) for moment in given_moments)
    for format in (f"%d{mark}%m{mark}%Y %H:%M:%S", f"%m{mark}%d{mark}%Y %H:%M:%S"):
        texts = written(days, format)
        sure = any(day.day > 12 for day in days)
        if not sure:
            assert may_be_refused(texts, mark) or read_times(texts).format is not None
            continue
        times = read_times(texts)
        assert times.format == format
        assert times.values.astype("datetime64[ns]").astype("datetime64[s]").tolist() == days


def test_the_order_of_rows_tells_where_midnight_is_in_a_file():
    for format in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"):
        minutes = [
            START.replace(hour=23, minute=50) + datetime.timedelta(minutes=i) for i in range(20)
        ]
        assert read_times(written(minutes, format)).format == format


def test_one_day_of_slashes_is_refused_with_both_commands():
    with refuses(
        "m.csv: expected dates that say which number is the day. Received: '03/01/2026 08:00 PM', "
        "and in no row a day above 12 or an order that tells. Give --time-format "
        "'%d/%m/%Y %I:%M %p' or --time-format '%m/%d/%Y %I:%M %p'."
    ):
        read_times(np.array(["03/01/2026 08:00 PM", "03/01/2026 08:01 PM"]), where="m.csv")


@pytest.mark.parametrize("format", ["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"])
def test_the_order_of_training_is_that_of_the_device(format):
    times = read_times(written(SECONDS, format.replace(":%S", ":%S.%f")), hint=format)
    assert times.values.tolist() == NANOSECONDS


def test_a_file_that_is_written_otherwise_than_in_training_is_read_all_the_same():
    iso = read_times(written(SECONDS, "%Y-%m-%d %H:%M:%S"), hint="%d.%m.%Y %H:%M:%S")
    assert iso.values.tolist() == NANOSECONDS


@pytest.mark.parametrize("parts", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("kind", [np.int64, str, np.float64])
def test_epochs_are_known_by_their_magnitude(parts, kind):
    if kind is np.float64 and parts == 10**9:
        pytest.skip("no float holds nanoseconds of today")
    epochs = np.array([n // (10**9 // parts) for n in NANOSECONDS]).astype(kind)
    assert read_times(epochs).values.tolist() == NANOSECONDS


def test_fractions_of_epochs_are_kept_to_the_microsecond():
    found = read_times(np.array([1772352000.1, 1772352000.123456]))
    assert found.values.tolist() == [1772352000_100_000_000, 1772352000_123_456_000]
    assert read_times(np.array(["1772352000.1"])).values.tolist() == [1772352000_100_000_000]


@pytest.mark.parametrize(
    "counter", [np.arange(5), np.arange(5.0) / 10, np.array(["1", "2.5", "3"]), np.array([-1, 2e9])]
)
def test_other_numbers_stay_numbers(counter):
    times = read_times(counter)
    assert not times.are_dates
    assert times.values.tolist() == counter.astype(float).tolist()


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("%Y/%m/%d", "%H:%M:%S"),
        ("%d.%m.%Y", "%H:%M:%S"),
        ("%Y-%m-%d", "%I:%M:%S %p"),
        ("%Y%m%d", "%H%M%S"),
    ],
)
def test_date_and_clock_may_be_two_columns(date, clock):
    assert (
        read_times(written(SECONDS, date), written(SECONDS, clock)).values.tolist() == NANOSECONDS
    )


@pytest.mark.parametrize("kind", ["datetime64[D]", "datetime64[ns]", object])
def test_a_date_and_a_clock_may_be_of_types_of_their_own(kind):
    dates = np.array([moment.date() for moment in SECONDS], "datetime64[D]").astype(kind)
    clocks = np.array([moment.time() for moment in SECONDS], object)
    if kind is object:
        dates = np.array([moment.date() for moment in SECONDS], object)
    assert read_times(dates, clocks).values.tolist() == NANOSECONDS


def test_zones_are_taken_off():
    texts = ["2026-03-01T09:00:00+01:00", "2026-03-01 02:30:01 -0530", "2026-03-01T08:00:02Z"]
    assert read_times(np.array(texts)).values.tolist() == NANOSECONDS[:3]


def test_dates_with_and_without_a_fraction_are_one_column():
    """pandas leaves out a fraction of zero."""
    texts = np.array(["2026-03-01 08:00:00", "2026-03-01 08:00:00.500000", "2026-03-01 08:00:01"])
    assert read_times(texts).steps(np.arange(3)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("kind", ["datetime64[s]", "datetime64[ns]", "datetime64[D]"])
def test_dates_of_numpy_are_what_they_are(kind):
    dates = np.array(["2026-03-01", "NaT", "2026-03-02"], kind)
    times = read_times(dates)
    assert times.good.tolist() == [True, False, True]
    assert times.steps(np.arange(3)).tolist() == [0.0, 86400.0]


@pytest.mark.parametrize("missing", ["", "NaT", "nan", None, "-", " ", "no time", "2026-02-30"])
def test_a_row_without_a_time_is_a_bad_row_and_not_the_end(missing):
    times = read_times(np.array(["2026-03-01", missing, "2026-03-03"], object))
    assert times.good.tolist() == [True, False, True]
    assert times.reason(1).startswith("expected a time. Received: ")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["", ""], "expected times. Received: none in any row."),
        (["north", "south"], "expected times as numbers, or as 2026-01-31 23:59:59 or 31.01.2026"),
        (["32.13.2026"], "Say how they are written: --time-format '%d.%m.%Y %H:%M:%S'."),
    ],
)
def test_a_column_without_any_time_is_refused(column, message):
    with refuses(message):
        read_times(np.array(column), where="m.csv")


def test_a_format_that_fits_no_row_is_refused_with_what_is_there():
    with refuses("expected times as --time-format says, %d.%m.%Y. Received: '2026-03-01'."):
        read_times(np.array(["2026-03-01"]), format="%d.%m.%Y")


@pytest.mark.parametrize("format", ["%Q", "noon", "%d.%d", "%", "%Y %y"])
def test_a_format_that_cannot_be_is_refused(format):
    with pytest.raises(ValueError, match="expected a format"):
        read_times(np.array(["2026-03-01"]), format=format)


@settings(max_examples=200)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_is_read_or_refused(texts):
    texts = [text.replace("\0", "") for text in texts]
    try:
        times = read_times(np.array(texts))
    except TimeError:
        return
    assert len(times.values) == len(times.good) == len(texts)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=9))
def test_any_numbers_are_read(numbers):
    assume(numbers)
    assert read_times(np.array(numbers)).good.all()


def test_many_layouts_are_read_too():
    texts = np.array([f"{'x' * (i % 150)}{i % 7}" for i in range(400)] + ["2026-03-01"])
    assert read_times(texts[::-1]).good.sum() == 1


@pytest.mark.parametrize(
    ("option", "names"), [(None, ()), ("", ()), ("t", ("t",)), ("date, clock", ("date", "clock"))]
)
def test_the_option_names_one_column_or_two(option, names):
    assert time_columns(option) == names


@pytest.mark.parametrize("option", ["a,b,c", "a,", "a,a"])
def test_other_numbers_of_columns_are_refused(option):
    with pytest.raises(ValueError, match="expected a column of times, or two"):
        time_columns(option)
