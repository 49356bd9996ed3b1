"""Recognition of dialects: what stands between cells, how numbers are written, what is no row."""

import logging
import re

import pytest

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.text.dialect import Reading, described, open_dialect, options_of, recognise

ROWS = [
    ("a,b\n1,2\n", {}),
    ("1,5\n2,5\n", {"header": False}),
    ("", {}),
    ("x\n1\n2\n", {}),
    ("No,temp\n1,2\n2,3\n", {}),
    ("name,what\nx,hello world\ny,hello you\n", {}),
    ("12,pump 1 2 3 4\n13,pump 1 2 3 4\n", {"header": False}),
    ("a,b,c\n1,2\n3,4\n", {}),
    ("1,5;2,5\n3,5;4,5\n", {"sep": ";", "decimal": ",", "header": False}),
    ("t;v\n1.234,5;2\n", {"sep": ";", "decimal": ",", "thousands": "."}),
    ("t;v\n1 234,5;2\n", {"sep": ";", "decimal": ",", "thousands": " "}),
    ("t;v\n1'234.5;2\n", {"sep": ";", "thousands": "'"}),
    ('t,v\n"1,234.5",2\n', {"thousands": ","}),
    ("temp\n1,5\n2,5\n", {"sep": ";", "decimal": ","}),
    ("name;value\npump;1,5\npump;2,5\n", {"sep": ";", "decimal": ","}),
    ("d t\tx\n2026-01-01 08:00:00\t1,5\n", {"sep": "\t", "decimal": ","}),
    ("a|b\n1|x y\n2|z w\n", {"sep": "|"}),
    ("a b\n 1,5  2,5\n 1  2\n", {"sep": " ", "decimal": ","}),
    (" 1.5  2.5 \n 1  2\n", {"sep": " ", "header": False}),
    ("# x\n# y\na\tb\n1\t2\n", {"sep": "\t", "comment": "#"}),
    (
        "Logger 7;serial 12\n\ntime;a;b\n2026-01-01 00:00:00;1,5;2\n2026-01-01 00:00:01;1,5;2\n",
        {"sep": ";", "decimal": ",", "skiprows": 2},
    ),
    ("a,b\nm/s,°C\n1,2\n3,4\n", {"units": 1}),
    ("TS,n,T\nTS,RN,C\n,,Avg\n1,1,2\n2,1,2\n", {"units": 2}),
    ("0,1,2\n1,2,3\n", {}),
    ("sep=;\na;b\n1;2\n", {"sep": ";", "skiprows": 1}),
    ("SEP=;\nt;a;b\nx;1,500;2,250\n", {"sep": ";", "decimal": ",", "skiprows": 1}),
    ('"sep=,"\na,b\n1,2\n', {"skiprows": 1}),
    ("A title,,\nLat:,39.7,\nt,a,b\n8:00,1,2\n8:01,1,2\n", {"skiprows": 2}),
    ("178,13,x,y,z\n1,2,3\n4,5,6\n7,8,9\n", {"skiprows": 1, "header": False}),
    ("Hall\n 37.7 2317 m\n 1 2 3 4\n 5 6 7 8\n", {"sep": " ", "skiprows": 2, "header": False}),
    ("id,city,unit\n7,Bonn,C\nday,temp,flow\n1,2,3\n2,3,4\n", {"skiprows": 2}),
    ("a,b,c\nx,y,z\nk,l,m\n1,2,3\n4,5,6\n", {"units": 2}),
    ("a b\n1.5D+02 2.D0\n1.25D+01 3.D-1\n", {"sep": " "}),
    ("1.5D+02,2.D0\n1.25D+01,3.D-1\n", {"header": False}),
    ("d;x\n27.02.2026 08:00;1,500\n27.02.2026 08:01;2,250\n", {"sep": ";", "decimal": ","}),
    ("| a | b |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n", {"sep": "|", "units": 1}),
]


@pytest.mark.parametrize(("text", "fields"), ROWS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_dialect_is_recognised(text, fields, encoding):
    found = recognise(text.encode(encoding), Reading())
    expected = encoding if text else "utf-8"
    assert found == Dialect(**(fields | {"encoding": expected}))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_an_encoding_is_told_by_bytes_and_marks(encoding):
    sign = "€" if encoding == "cp1252" else "°"
    found = recognise(f"{sign}C;x\n1;2\n".encode(encoding), Reading())
    assert found.encoding == ("utf-16-le" if encoding == "utf-16" else encoding)


def test_a_character_that_the_head_cuts_is_no_other_encoding():
    assert recognise("a,°".encode()[:-1], Reading(), is_whole=False).encoding == "utf-8"


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("a;b\n1,234;5,678\n", ("--sep ';' --decimal ,", "--sep ';' --decimal . --thousands ,")),
        ('a,b\n"1,234","5,678"\n', ("--sep , --decimal ,", "--sep , --decimal . --thousands ,")),
        ("1 234,5 678\n2 345,6 789\n", ("--thousands blanks", "--sep blanks --decimal ,")),
    ],
)
def test_two_readings_that_are_equally_likely_are_refused_with_both(text, ways):
    with pytest.raises(ValueError, match="which may be") as refused:
        recognise(text.encode(), Reading())
    assert all(way in str(refused.value) for way in ways)


def test_what_is_said_settles_it_and_so_does_training():
    text = b"a;b\n1,234;5,678\n"
    assert recognise(text, Reading(decimal=",")).thousands is None
    assert recognise(text, Reading(thousands=",")).decimal == "."
    recorded = Dialect(sep=";", thousands=",")
    assert recognise(text, Reading(recorded=recorded)).thousands == ","
    assert recognise(b"a,b\n1,2\n", Reading(recorded=recorded)).sep == ","


def test_it_is_told_once_in_one_line_and_plain_tables_are_not(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    (tmp_path / "plain.csv").write_bytes("größe;b\n1,5;2,5\n".encode("latin-1"))
    (tmp_path / "comma.csv").write_text("a,b\n1,2\n")
    for name in ("plain.csv", "plain.csv", "comma.csv"):
        open_dialect(tmp_path / name)
    assert caplog.messages == [
        f"{tmp_path}/plain.csv: read as: semicolons between cells, decimal commas, Latin-1 "
        "(--sep ';' --decimal , --encoding latin-1 say so)"
    ]


def test_what_was_said_is_not_told(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    (tmp_path / "t.csv").write_text("a;b\n1,5;2,5\n")
    open_dialect(tmp_path / "t.csv", Reading(sep=";", decimal=","))
    assert not caplog.messages


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": "abc"}, "expected --sep of one character"),
        ({"decimal": "1"}, "expected --decimal of one character"),
        ({"decimal": ",", "thousands": ","}, "expected different marks"),
        ({"encoding": "klingon"}, "expected an encoding of utf-8,"),
        ({"skiprows": -1}, "expected --skiprows of 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Reading(**options)


def test_a_wrong_encoding_is_refused():
    with pytest.raises(ValueError, match="expected text in utf-8"):
        recognise(b"a;\xe9;long enough\n1;2;3\n", Reading(encoding="utf-8"))


def test_words_and_options_of_a_dialect():
    dialect = Dialect(sep="\t", decimal=",", thousands="'", comment="#", skiprows=1, units=2)
    assert described(dialect) == (
        'tabs between cells, decimal commas, "\'" between thousands, lines of # left out, 1 line '
        "above the table left out, 2 lines of units below the names left out"
    )
    marks = "--thousands ''\"'\"'' --comment '#'"
    assert options_of(dialect) == f"--sep tab --decimal , {marks} --skiprows 1"
