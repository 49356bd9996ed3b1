"""A category in windows: in each time step one of its channels is 1, by every way in alike."""

import csv
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from vae_export import export
from vae_keras import DataConfig, ModelConfig, TrainConfig, data, train
from vae_runtime import Runner
from vae_runtime.cli import main
from vae_runtime.engines.record_batches import BatchScorer
from vae_runtime.live import StreamScorer
from vae_runtime.rows.inputs import read_input
from vae_runtime.rows.windows.windows import window_rows

ROWS, WINDOW, STRIDE = 900, 8, 2
MODES = ("idle", "run", "wash")
QUIET = {"log": lambda line: None}


def machine(rows, seed):
    """Two sensors whose level depends on a machine's mode, which lasts for a while."""
    rng = np.random.default_rng(seed)
    mode = np.repeat(rng.integers(0, 3, rows // 20 + 1), 20)[:rows]
    numbers = rng.normal(np.stack([mode * 3.0, 2.0 - 2.0 * mode], 1), 0.2)
    return pa.table(
        {
            "time": [f"2026-03-01T08:{i // 60 % 60:02}:{i % 60:02}" for i in range(rows)],
            "mode": np.array(MODES)[mode],
            "flow": numbers[:, 0],
            "speed": numbers[:, 1],
        }
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, workstation):
    folder = tmp_path_factory.mktemp("windowed")
    pyarrow.csv.write_csv(machine(ROWS, 0), folder / "rows.csv")
    config = DataConfig(
        str(folder / "rows.csv"), window=WINDOW, stride=STRIDE, categories=("mode",), time="time"
    )
    run, _ = train(
        config,
        ModelConfig(latent_dim=2),
        TrainConfig(epochs=2, alpha=0.1),
        out=folder / "run",
        **QUIET,
    )
    return export(run, folder / "bundle", formats=("onnx",), **QUIET)


@pytest.fixture(scope="module")
def runner(bundle):
    return Runner.load(bundle)


@pytest.fixture(scope="module")
def table():
    return machine(60, 3)


def coded(table):
    """Rows as the model takes them."""
    mode = np.array(table["mode"].to_pylist())
    groups = [mode == name for name in MODES]
    return np.stack([table["flow"], table["speed"], *groups], 1).astype(np.float32)


@pytest.fixture(scope="module")
def scores(runner, table):
    return runner.score(coded(table)[window_rows(60, WINDOW, STRIDE)]).score


def test_the_bundle_says_the_values(runner):
    model = runner.manifest.model
    assert model.categories == {"mode": MODES}
    assert model.feature_names == ("flow", "speed", "mode_idle", "mode_run", "mode_wash")
    assert (model.input_shape, model.one_hot) == ((WINDOW, 5), ())


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_files_are_cut_and_scored_alike(bundle, table, scores, tmp_path, ending):
    path, out = tmp_path / f"rows.{ending}", tmp_path / "out.csv"
    if ending == "csv":
        pyarrow.csv.write_csv(table, path)
    elif ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        pq.write_table(table, path)
    assert main(["score", str(bundle), str(path), "-o", str(out)]) == 0
    with out.open(newline="") as file:
        found = [float(row["score"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(found, scores, rtol=1e-6)


def test_one_hot_columns_are_taken_as_they_are(bundle, table, scores, tmp_path):
    names = ("flow", "speed", "mode_idle", "mode_run", "mode_wash")
    columns = {name: coded(table)[:, i] for i, name in enumerate(names)}
    pyarrow.csv.write_csv(pa.table({"time": table["time"], **columns}), tmp_path / "ones.csv")
    out = tmp_path / "out.npz"
    assert main(["score", str(bundle), str(tmp_path / "ones.csv"), "-o", str(out)]) == 0
    np.testing.assert_allclose(np.load(out)["score"], scores, rtol=1e-6)


def test_a_stream_of_lines_or_tables_gives_the_same(
    bundle, runner, table, scores, tmp_path, capsys
):
    path = tmp_path / "rows.csv"
    pyarrow.csv.write_csv(table, path)
    assert main(["score", str(bundle), str(path), "--follow"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose([line["score"] for line in lines], scores, rtol=1e-6)
    pushed = StreamScorer(runner).push(table.drop_columns("time"))
    np.testing.assert_allclose([result.score for result in pushed], scores, rtol=1e-6)


def test_a_new_value_spoils_the_windows_over_it_everywhere(bundle, table, scores, tmp_path, capsys):
    words = table["mode"].to_pylist()
    words[20] = "boil"
    path, out = tmp_path / "rows.csv", tmp_path / "out.npz"
    pyarrow.csv.write_csv(table.set_column(1, "mode", pa.array(words)), path)
    reason = "expected idle, run or wash in column 'mode'. Received: 'boil'."
    command = ["score", str(bundle), str(path)]
    assert main([*command, "-o", str(out), "--on-bad-row", "reject"]) == 0
    first = np.arange(0, 60 - WINDOW + 1, STRIDE)
    over = (first <= 20) & (20 < first + WINDOW)
    np.testing.assert_allclose(np.load(out)["score"], scores[~over], rtol=1e-6)
    assert reason in (tmp_path / "out.npz.rejects.csv").read_text()
    capsys.readouterr()
    assert main([*command, "--follow"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["error"] for line in lines if "error" in line] == [reason]
    followed = [line["score"] for line in lines if "score" in line]
    np.testing.assert_allclose(followed, scores[~over], rtol=1e-6)
    calibrated = read_input(path, Runner.load(bundle).manifest.model, reject=True)
    assert len(calibrated.x) == int((~over).sum())


def test_training_rejects_it_and_evaluation_reads_as_the_device_does(bundle, table, tmp_path):
    words = table["mode"].to_pylist()
    words[20] = None
    path = tmp_path / "rows.csv"
    pyarrow.csv.write_csv(table.set_column(1, "mode", pa.array(words)), path)
    config = data.config_like(
        str(path), Runner.load(bundle).manifest.model, time="time", on_bad_row="reject"
    )
    dataset = data.load(config)
    assert dataset.feature_names == ("flow", "speed", "mode_idle", "mode_run", "mode_wash")
    assert (len(dataset.x), dataset.one_hot) == (60 - 2 * WINDOW + 1, ())
    assert any("Received: no value" in note for note in dataset.notes)


def test_top_features_name_the_column(runner, table):
    x = coded(table)[window_rows(60, WINDOW, STRIDE)]
    x[:, :, 2:] = np.roll(x[:, :, 2:], 1, axis=2)
    assert set(runner.top_features(x, 3).names[0]) == {"flow", "speed", "mode"}


def test_record_batches_of_windows_are_scored_alike(bundle, table, scores):
    """Engines take windows that are cut already: a table is cut as a whole."""
    windows = coded(table)[window_rows(60, WINDOW, STRIDE)]
    batch = pa.record_batch({"x": pa.array(windows.tolist())})
    found = BatchScorer.of(bundle)(batch)
    np.testing.assert_allclose(found["score"].to_numpy(), scores, rtol=1e-6)


def test_samples_that_lack_a_value_are_expected_in_files_and_streams_alike(
    bundle, table, tmp_path, capsys
):
    words, flow = table["mode"].to_pylist(), table["flow"].to_pylist()
    words[20], flow[31] = None, None
    path, out = tmp_path / "rows.csv", tmp_path / "out.npz"
    holes = table.set_column(1, "mode", pa.array(words)).set_column(2, "flow", pa.array(flow))
    pyarrow.csv.write_csv(holes, path)
    command = ["score", str(bundle), str(path), "--missing-values", "expect"]
    assert main([*command, "-o", str(out)]) == 0
    capsys.readouterr()
    assert main([*command, "--follow"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose([line["score"] for line in lines], np.load(out)["score"], rtol=1e-5)
    assert len(lines) == len(window_rows(60, WINDOW, STRIDE))


def test_a_stream_that_lacks_values_goes_on_after_a_restart(bundle, table):
    """A sample without any value is none: the state keeps those that lack one."""
    runner = Runner.load(bundle, missing_values="expect")
    x = coded(table)
    x[3, 0] = x[21, 2:] = np.nan
    expected = [result.score for result in StreamScorer(runner).push(x)]
    before, after = StreamScorer(runner), StreamScorer(runner)
    scores = [result.score for result in before.push(x[:23])]
    after.restore(json.loads(json.dumps(before.state())))
    scores += [result.score for result in after.push(x[23:])]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    with pytest.raises(ValueError, match="finite numbers"):
        StreamScorer(Runner.load(bundle)).restore(before.state())
    with pytest.raises(ValueError, match="expected a value in some column"):
        after.push(np.full(5, np.nan, np.float32))


def test_rows_without_any_value_are_bad_in_files_and_streams_alike(bundle, table, tmp_path, capsys):
    empty = [None if i == 20 else value for i, value in enumerate(table["mode"].to_pylist())]
    columns = {
        name: [None if i == 20 else v for i, v in enumerate(table[name].to_pylist())]
        for name in ("flow", "speed")
    }
    path, out = tmp_path / "rows.csv", tmp_path / "out.npz"
    pyarrow.csv.write_csv(pa.table({"time": table["time"], "mode": empty, **columns}), path)
    command = ["score", str(bundle), str(path), "--missing-values", "expect"]
    assert main([*command, "-o", str(out), "--on-bad-row", "reject"]) == 0
    capsys.readouterr()
    assert main([*command, "--follow"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    reason = "expected a value in some column. Received: none."
    assert [line["error"] for line in lines if "error" in line] == [reason]
    assert reason in (tmp_path / "out.npz.rejects.csv").read_text()
    followed = [line["score"] for line in lines if "score" in line]
    np.testing.assert_allclose(followed, np.load(out)["score"], rtol=1e-5)


def test_one_hot_groups_of_columns_stay_without_windows():
    with pytest.raises(ValueError, match=re.escape("expected windows without one-hot groups")):
        DataConfig("rows.csv", window=4, one_hot=("mode",))
