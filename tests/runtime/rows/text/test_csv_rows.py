"""Rows of CSV: those of Python's reader, but for quotes that are never closed."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.cli import main
from vae_runtime.rows.formats import ranges, registry
from vae_runtime.rows.text.csv_rows import Lines, OpenQuote, csv_rows

HEAD = "a,b,note\n" + "1,2,n\n" * 3
OPEN = {
    "at the end": (HEAD + '1,2,"n', 5),
    "of all that follows": (HEAD + '1,2,"n\n' + "3,4,n\n" * 12, 5),
    "of a number": (HEAD + '1,"2,n\n' + "3,4,n\n" * 12, 5),
    "up to another quote": (HEAD + '1,2,"n\n3,4,"n"\n5,6,n\n', 5),
    "up to a quote with the cells of a row": (HEAD + '1,2,"n\n3,4,"n\n5,6,n\n', 5),
    "behind one that is closed": (HEAD + '1,2,"n\nn"\n5,6,"n\n5,6,n\n', 7),
    "in the header": ('a,b,"note\n' + "1,2,n\n" * 9, 1),
    "too long for a cell": (HEAD + '1,2,"n\n' + "3,4,n\n" * 30_000 + '"', 5),
}


def whole(text):
    lines = Lines(io.StringIO(text, newline=""))
    return [(lines.first, cells) for cells in csv_rows(lines)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", OPEN)
def test_the_line_in_which_a_quote_was_opened_is_told(name, end):
    text, line = OPEN[name]
    with pytest.raises(OpenQuote) as caught:
        whole(text.replace("\n", end))
    assert caught.value.line == line


@pytest.mark.parametrize("name", OPEN)
def test_each_reader_tells_it(tmp_path, wanted, name, read_rows):
    text, line = OPEN[name]
    path = tmp_path / "rows.csv"
    path.write_text(text)
    message = re.escape(f"{path}: expected lines of a table. Received: in line {line} ")
    with pytest.raises(ValueError, match=message):
        read_rows(path, columns=("a", "b"))
    with pytest.raises(ValueError, match=message):
        registry.plan(path, wanted((2,), ("a", "b"), keep=("note",)))


@pytest.mark.parametrize("size", [1, 7, 30])
def test_it_is_told_however_the_file_is_cut(tmp_path, wanted, monkeypatch, size):
    monkeypatch.setattr(ranges, "BLOCK", size)
    monkeypatch.setattr(ranges, "SHARD_BYTES", size)
    path = tmp_path / "rows.csv"
    path.write_text(OPEN["of all that follows"][0])
    with pytest.raises(ValueError, match="in line 5 a quote that is never closed"):
        registry.plan(path, wanted((2,), ("a", "b")))


@given(st.lists(st.lists(st.text('a",\n\r é', max_size=5), min_size=1, max_size=3), max_size=5))
def test_what_csv_writes_is_read_back(rows):
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    assert [cells for _, cells in whole(file.getvalue())] == rows


@pytest.mark.parametrize("text", ['1,2"3\n', '1,"2"3\n', '"a""b",1\n', '1,"2"', 'x,"a\n\nb"\n'])
def test_other_quotes_are_as_they_were(text):
    assert [cells for _, cells in whole(text)] == list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("on_bad_row", ["fail", "reject"])
def test_no_row_is_lost_in_silence(golden, tmp_path, capsys, on_bad_row):
    from vae_runtime import Runner

    names = Runner.load(golden).manifest.model.feature_names
    rows = [",".join("1" for _ in names) for _ in range(16)]
    rows[2] = '"' + rows[2]
    (tmp_path / "rows.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    arguments = ["score", golden, tmp_path / "rows.csv", "-o", tmp_path / "o.csv"]
    assert main([*map(str, arguments), "--on-bad-row", on_bad_row]) == 1
    assert "in line 4 a quote that is never closed" in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()
