"""Files of text by what is in them: archives, and what is no table."""

import gzip
import io
import re
import tarfile
import zipfile

import numpy as np
import pytest

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.text.text_files import is_packed

TEXT = "temp,flow\n1.5,20\n2.5,30\n"


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return path


def rows_of(path):
    wanted = registry.settle(path, Wanted())
    return np.concatenate(
        [b.x for s in registry.plan(path, wanted) for b in registry.read(s, wanted)]
    )


@pytest.mark.parametrize("name", ["a.csv.zip", "a.zip", "A.ZIP"])
def test_the_one_file_in_a_zip_is_read(tmp_path, name):
    notes = {"__MACOSX/._rows.csv": "\0", "day/.hidden": "x"}
    path = archive(tmp_path / name, **{"day/rows.csv": TEXT}, **notes)
    assert rows_of(path).tolist() == [[1.5, 20.0], [2.5, 30.0]]


def test_several_files_in_a_zip_are_refused_with_what_to_type(tmp_path):
    path = archive(tmp_path / "a.zip", **{"a.csv": TEXT, "b.csv": TEXT})
    with pytest.raises(ValueError, match=r"2 .a.csv, b.csv.. .*unzip FILE -d FOLDER"):
        rows_of(path)


def test_a_zip_that_is_cut_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", **{"a.csv": TEXT * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="expected a whole file"):
        rows_of(path)


def test_arrays_are_no_packed_text(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)))
    assert not is_packed(tmp_path / "a.npz")
    assert rows_of(tmp_path / "a.npz").shape == (3, 2)


def tar():
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as file:
        member = tarfile.TarInfo("a.csv")
        member.size = len(TEXT)
        file.addfile(member, io.BytesIO(TEXT.encode()))
    return found.getvalue()


NO_TABLES = {
    "tar.csv": (tar(), "tar -xf"),
    "packed.csv.gz": (gzip.compress(tar()), "tar -xf"),
    "page.csv": (b"<!DOCTYPE html>\n<html>", "the download may have failed"),
    "xml.txt": (b"\n<?xml version='1.0'?>", "a line of cells for each row"),
    "old.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(99), "Save the sheet as .csv"),
    "rows.csv": (b"PAR1" + bytes(50), "Call it .parquet"),
    "paper.txt": (b"%PDF-1.7\n", "as .csv"),
    "a.tgz": (b"\x1f\x8b", "Unpack it"),
    "a.ods": (b"PK\3\4", "Save the sheet as .csv"),
    "a.json": (b'[{"a": 1},\n {"a": 2}]', "an object a line: python3 -c"),
    "columns.json": (b'{"a": [1, 2], "b": [3, 4]}', "an object a line: python3 -c"),
    "all.jsonl": (b'[{"a": 1}, {"a": 2}]', "an object a line: python3 -c"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_refused_with_what_to_do(tmp_path, name):
    content, advice = NO_TABLES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(advice)):
        rows_of(tmp_path / name)


def test_a_sheet_that_is_called_csv_is_told(tmp_path):
    path = archive(tmp_path / "a.csv", **{"[Content_Types].xml": "", "xl/workbook.xml": ""})
    with pytest.raises(ValueError, match=r"office program. Save the sheet as .csv"):
        rows_of(path)


def test_lines_of_json_may_be_called_json(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n')
    assert rows_of(tmp_path / "a.json").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("option", [{"sep": ";"}, {"header": False}, {"encoding": "latin-1"}])
def test_options_of_text_are_refused_where_they_have_no_effect(tmp_path, name, option):
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)))
    (typed,) = option
    with pytest.raises(ValueError, match=f"expected no --{typed} with a {name[1:]} file"):
        registry.check_reading(tmp_path / name, Wanted(reading=Reading(**option)))
    registry.check_reading(tmp_path / name, Wanted(reading=Reading(missing=("-200",))))


def test_lines_of_json_have_an_encoding_alone(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n')
    registry.check_reading(path, Wanted(reading=Reading(encoding="latin-1")))
    with pytest.raises(ValueError, match=r"expected no --sep and --decimal with a .jsonl file"):
        registry.check_reading(path, Wanted(reading=Reading(sep=";", decimal=",")))
