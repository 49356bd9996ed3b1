"""Written dates are read by their layout, whatever else is in the column."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.rows.times.months import MONTHS as MONTH_NAMES
from vae_runtime.rows.times.written_dates import FORMS, NAT, describe, parse_form, parse_format

WRITTEN = {
    "ymd": ("2026-03-01 08:00:00.5", "%Y-%m-%d %H:%M:%S.%f"),
    "ymd compact": ("20260301T080000.5Z", "%Y%m%dT%H%M%S.%f%z"),
    "dmy": ("1.3.2026 8:00:00,5", "%d.%m.%Y %H:%M:%S,%f"),
    "mdy": ("3/1/26 8:00:00.5 AM", "%m/%d/%y %I:%M:%S.%f %p"),
    "yymd": ("26-03-01, 08:00:00.5", "%y-%m-%d, %H:%M:%S.%f"),
    "d month y": ("1-Mar-2026 08:00:00:5", "%d-%b-%Y %H:%M:%S:%f"),
    "month d y": ("March 1, 2026 8:00:00.5 am", "%B %d, %Y %I:%M:%S.%f %p"),
}
AT = 1772352000_500_000_000


def test_every_form_has_an_example():
    assert set(WRITTEN) == set(FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_and_described_as_a_format_that_reads_the_same(form):
    text, format = WRITTEN[form]
    assert parse_form(np.array([text]), form).tolist() == [AT]
    assert describe(text, form) == format
    assert parse_format(np.array([text]), format).tolist() == [AT]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "1600-01-01"),
        *("2026-01-01 24:01", "2026-01-01 00:60", "2026-01-01 00:00:61", "2026-01-01 13:00 pm"),
        *("", "2026", "2026-01-01 at noon", "२०२६-०१-०१", "2026-01-01\n", "2300-01-01"),
    ],
)
def test_a_date_that_cannot_be_is_none(text):
    assert parse_form(np.array([text]), "ymd").tolist() == [NAT]


MONTHS = [
    ("27. Februar 2026", (2026, 2, 27)),
    ("1. März 2026", (2026, 3, 1)),
    ("01-MAERZ-2026", (2026, 3, 1)),
    ("27 févr. 2026", (2026, 2, 27)),
    ("3 août 2026", (2026, 8, 3)),
    ("3 aout 2026", (2026, 8, 3)),
    ("12-ene-26", (2026, 1, 12)),
    ("5 de septiembre de 2026", (2026, 9, 5)),
    ("15 de dezembro de 2026", (2026, 12, 15)),
    ("30/giu/2026", (2026, 6, 30)),
    ("2 mrt 2026", (2026, 3, 2)),
    ("31 Okt 2026", (2026, 10, 31)),
]


@pytest.mark.parametrize(("text", "day"), MONTHS)
def test_months_have_names_in_several_languages(text, day):
    (found,) = parse_form(np.array([text]), "d month y").astype("datetime64[ns]")
    assert found == np.datetime64(datetime.date(*day))
    format = describe(text, "d month y")
    assert parse_format(np.array([text]), format).astype("datetime64[ns]")[0] == found


def test_no_name_means_two_months():
    every = [name for names in MONTH_NAMES for name in names.split()]
    assert len({*every}) == len(every)


@pytest.mark.parametrize("word", ["blah", "mardi", "m", "janvember"])
def test_another_word_is_no_month(word):
    assert parse_form(np.array([f"1 {word} 2026"]), "d month y").tolist() == [NAT]


@given(st.lists(st.dates(datetime.date(1700, 1, 1), datetime.date(2261, 12, 31)), min_size=1))
def test_dates_are_those_of_numpy(days):
    texts = np.array([day.isoformat() for day in days])
    found = parse_form(texts, "ymd").astype("datetime64[ns]")
    assert found.astype("datetime64[D]").tolist() == days


@pytest.mark.parametrize("hour", range(24))
def test_noon_and_midnight_are_where_they_belong(hour):
    at = datetime.datetime(2026, 3, 1, hour, 30)
    texts = np.array([at.strftime("%m/%d/%Y %I:%M %p")])
    assert parse_form(texts, "mdy").astype("datetime64[ns]").astype("datetime64[s]")[0] == at


def test_a_day_may_end_at_24_hours_as_iso_has_it():
    found = parse_form(np.array(["2026-01-31 24:00", "2026-02-01 00:00:00"]), "ymd")
    assert found[0] == found[1] != NAT
