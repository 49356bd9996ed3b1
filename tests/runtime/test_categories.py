"""A model with a category, by every way in: libraries, files, lines, engines give one score."""

import csv
import dataclasses
import json
import re

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner
from vae_runtime.cli import main
from vae_runtime.engines.options import RowOptions
from vae_runtime.engines.record_batches import BatchScorer
from vae_runtime.live import StreamScorer
from vae_runtime.live.lines import LineReader

ROWS = 40


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(scope="module")
def table(modes):
    return modes[1](ROWS, 7)


@pytest.fixture(scope="module")
def encoded(table):
    """Rows as the model takes them."""
    mode = np.array(table["mode"].to_pylist())
    groups = [mode == name for name in ("idle", "run", "wash")]
    return np.stack([table["flow"], table["speed"], *groups], 1).astype(np.float32)


@pytest.fixture(scope="module")
def scores(modes, encoded):
    return modes[0].score(encoded).score


def renamed(table, place, word):
    words = table["mode"].to_pylist()
    words[place] = word
    return table.set_column(0, "mode", pa.array(words))


def test_the_bundle_says_the_values(modes):
    model = modes[0].manifest.model
    assert model.categories == {"mode": ("idle", "run", "wash")}
    assert model.one_hot == (3,)


@pytest.mark.parametrize(
    "made",
    [
        lambda table: table,
        lambda table: table.combine_chunks().to_batches()[0],
        lambda table: table.to_pandas(),
        lambda table: table.to_pandas().astype({"mode": "category"}),
        pl.from_arrow,
        lambda table: table.to_pylist(),
        lambda table: {name: table[name].to_numpy() for name in table.column_names},
        lambda table: table.to_pandas().to_records(index=False),
    ],
)
def test_tables_of_every_library_are_encoded(modes, table, scores, made):
    np.testing.assert_array_equal(modes[0].score(made(table)).score, scores)


def test_one_hot_columns_are_taken_as_they_are(modes, table, encoded, scores):
    names = modes[0].manifest.model.feature_names
    columns = {name: encoded[:, i] for i, name in reversed(list(enumerate(names)))}
    np.testing.assert_array_equal(modes[0].score(columns).score, scores)


def test_a_new_value_is_refused_by_its_name(modes, table):
    with refuses("expected idle, run or wash in column 'mode'. Received: 'boil' (row 3; 1 such"):
        modes[0].score(renamed(table, 3, "boil"))
    with refuses("Received: nan in row 3, column 'mode'"):
        modes[0].score(renamed(table, 3, None))
    with refuses("expected a column 'mode'."):
        modes[0].score(table.drop_columns("mode"))


def test_top_features_are_columns_of_the_table(modes, encoded):
    wrong = encoded.copy()
    wrong[:, 2:] = np.roll(wrong[:, 2:], 1, axis=1)
    top = modes[0].top_features(wrong, 3)
    assert set(top.names[0]) == {"flow", "speed", "mode"}
    assert (top.names[:, 0] == "mode").mean() > 0.9
    assert modes[0].explain(wrong).shape == wrong.shape


def test_files_are_scored_alike(modes_bundle, table, scores, tmp_path):
    bad = renamed(table, 5, "boil")
    pyarrow.csv.write_csv(bad, tmp_path / "rows.csv")
    pq.write_table(bad, tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in bad.to_pylist()))
    for name in ("rows.csv", "rows.parquet", "rows.jsonl"):
        out = tmp_path / "out.csv"
        given = [str(modes_bundle), str(tmp_path / name), "--on-bad-row", "reject"]
        assert main(["score", *given, "-o", str(out), "--keep", "mode"]) == 0
        with out.open(newline="") as file:
            found = list(csv.DictReader(file))
        assert [int(row["row"]) for row in found] == [i for i in range(ROWS) if i != 5]
        assert [row["mode"] for row in found] == np.delete(bad["mode"].to_pylist(), 5).tolist()
        np.testing.assert_allclose(
            [float(row["score"]) for row in found], np.delete(scores, 5), rtol=1e-6
        )
        rejects = (tmp_path / "out.csv.rejects.csv").read_text()
        assert "expected idle, run or wash in column 'mode'. Received: 'boil'." in rejects


def test_lines_are_read_alike(modes, table, encoded):
    reader = LineReader(modes[0].manifest.model)
    first = table.slice(0, 1).to_pylist()[0]
    assert reader.read("speed,mode,flow") is None
    cells = f"{first['speed']!r},{first['mode']},{first['flow']!r}"
    for line in (cells, json.dumps(first), json.dumps({**first, "mode": f" {first['mode']} "})):
        np.testing.assert_allclose(reader.read(line).x, encoded[0], rtol=1e-6)
    with refuses("expected idle, run or wash in column 'mode'. Received: 'boil'."):
        reader.read(json.dumps({**first, "mode": "boil"}))
    with refuses("Received: no value."):
        reader.read(json.dumps({**first, "mode": None}))
    with refuses("expected 'mode'."):
        reader.read(json.dumps({"flow": 1, "speed": 2}))


def test_lines_may_lack_values_where_these_are_expected(modes, modes_bundle, table):
    reader = LineReader(modes[0].manifest.model, allow_missing=True)
    first = table.slice(0, 1).to_pylist()[0]
    x = reader.read(json.dumps({**first, "mode": None, "flow": None})).x
    assert np.isnan(x).tolist() == [True, False, True, True, True]
    assert np.isnan(reader.read("[null, 1, 0, 1, 0]").x).tolist() == [True] + [False] * 4
    stream = StreamScorer(Runner.load(modes_bundle, missing_values="expect"))
    [result] = stream.push(x)
    assert np.isfinite(result.score)


def test_a_stream_takes_tables(modes, table, scores):
    results = StreamScorer(modes[0]).push(table)
    np.testing.assert_allclose([result.score for result in results], scores, rtol=1e-6)


def test_record_batches_are_scored_alike(modes_bundle, table, scores):
    scorer = BatchScorer.of(modes_bundle, row_options=RowOptions(on_bad_row="reject"))
    beside = renamed(table, 5, "boil").append_column("id", pa.array(range(ROWS)))
    found = scorer(beside.combine_chunks().to_batches()[0])
    assert found.schema.names[0] == "id"
    np.testing.assert_array_equal(
        np.delete(found["score"].to_numpy(False), 5), np.delete(scores, 5)
    )
    assert found["rejected"][5].as_py() == (
        "expected idle, run or wash in column 'mode'. Received: 'boil'."
    )
    kept = dataclasses.replace(scorer, row_options=RowOptions(keep=("mode",)))
    assert kept(table.combine_chunks().to_batches()[0])["mode"].to_pylist() == (
        table["mode"].to_pylist()
    )
