"""Layouts of tables: where names are, where rows begin, what between them is no row."""

import logging

import numpy as np
import pytest

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats import csv
from vae_runtime.rows.text.dialect import Reading

EXPECTED = [[1.5, 20.0], [2.5, 30.0], [3.5, 40.0], [4.5, 50.0]]
ROWS = "1.5,20\n2.5,30\n3.5,40\n4.5,50\n"
LAYOUTS = {
    "names in a comment": "# logger 7\n# temp,flow\n" + ROWS,
    "names in a tight comment": "#temp,flow\n" + ROWS,
    "blanks": "#  temp  flow\n" + ROWS.replace(",", " "),
    "names again": "temp,flow\n" + ROWS.replace("3.5", "temp,flow\n3.5"),
    "names again, other ends": ("temp,flow\n" + ROWS.replace("3.5", "temp,flow\n3.5")).replace(
        "\n", "\r\n"
    ),
    "zero bytes": "temp,flow\n" + ROWS.replace("3.5", "\0\0\0\n3.5") + "\0" * 50,
    "columns without names at the end": "temp,flow,,,\n" + ROWS.replace("\n", ",,,\n"),
    "exponents of Fortran": "temp,flow\n1.5D0,2D+01\n2.5,30\n.35D1,40\n4.5,50\n",
    "titles": "A report,\nof hall 7,\ntemp,flow\n" + ROWS,
}


def rows_of(path, names=None, **reading):
    wanted = Wanted(reading=Reading(**reading))
    if names is not None:
        wanted = wanted._replace(features=names, shape=(len(names),))
    wanted = csv.settle(path, wanted)
    blocks = [b for shard in csv.plan(path, wanted) for b in csv.read(shard, wanted)]
    bad = [reason for block in blocks for reason in block.bad.values()]
    return wanted.features, np.concatenate([block.x for block in blocks]), bad


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("asked", [None, ("temp", "flow")])
def test_rows_are_found_however_a_file_is_laid_out(tmp_path, layout, asked):
    path = tmp_path / "a.csv"
    path.write_text(LAYOUTS[layout])
    names, x, bad = rows_of(path, asked)
    assert (names, bad) == (("temp", "flow"), [])
    assert x.tolist() == EXPECTED


@pytest.mark.parametrize("text", ["1,5;20\n2,5;30\n", "1,5 20\n2,5 30\n", "1,5\t20\n2,5\t30\n"])
def test_a_first_row_with_decimal_commas_is_a_row(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    names, x, _ = rows_of(tmp_path / "a.txt")
    assert names is None
    assert x.tolist() == EXPECTED[:2]


def test_names_with_blanks_stand_between_columns_that_have_several(tmp_path):
    (tmp_path / "a.txt").write_text("  Air temp   Flow\n  1.5   20\n  2.5   30\n")
    names, x, _ = rows_of(tmp_path / "a.txt")
    assert names == ("Air temp", "Flow")
    assert x.tolist() == EXPECTED[:2]


def test_more_names_than_cells_are_refused_with_what_to_type(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("bearing, drive side,flow\n" + ROWS)
    with pytest.raises(ValueError, match=r"3 names in line 1 .* and rows of 2 cells") as refused:
        rows_of(path)
    assert "--skiprows 1 --header none" in str(refused.value)
    names, x, _ = rows_of(path, skiprows=1, header=False)
    assert (names, x.tolist()) == (None, EXPECTED)


@pytest.mark.parametrize("head", ["temp,temp", "temp,"])
def test_names_that_are_twice_or_none_are_refused_with_what_to_type(tmp_path, head):
    path = tmp_path / "a.csv"
    path.write_text(f"{head}\n{ROWS}")
    with pytest.raises(ValueError, match="--header none, with --skiprows LINES"):
        rows_of(path)
    assert rows_of(path, skiprows=1, header=False)[1].tolist() == EXPECTED


def test_a_row_with_zero_bytes_is_a_bad_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time,temp\n8:00,1.5\n\0\0\0:01,2.5\n8:02,3.5\n")
    wanted = csv.settle(path, Wanted(extra=("time",), features=("temp",)))
    (shard,) = csv.plan(path, wanted)
    (block,) = csv.read(shard, wanted)
    assert block.bad == {1: "line 3: expected text. Received: zero bytes, as of a crash."}


def test_columns_by_number_are_found_where_training_had_no_names(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,1.5,20\ny,2.5,30\n")
    names, x, _ = rows_of(path, ("2", "3"), recorded=Dialect(header=False))
    assert (names, x.tolist()) == (("2", "3"), EXPECTED[:2])


def test_what_was_decided_is_told_once(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    path = tmp_path / "a.csv"
    path.write_text(LAYOUTS["names in a comment"].replace("3.5", "# x\n3.5"))
    rows_of(path)
    rows_of(path)
    assert caplog.text.count("called as the comment above the rows says: temp,flow") == 1
