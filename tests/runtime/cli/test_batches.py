"""Files of any length on the command line."""

import io
import json
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner

ROWS = 500


@pytest.fixture(scope="module")
def names(golden):
    return Runner.load(golden).manifest.model.feature_names


@pytest.fixture
def readings(golden_rows, names, tmp_path):
    """A table of rows, of which two are none, with columns that are no features."""
    x = golden_rows(ROWS, 0)
    x[[7, 300], 2] = np.nan
    columns = dict(zip(names, x.T, strict=True))
    ids = [f"r{i}" for i in range(ROWS)]
    path = tmp_path / "readings.parquet"
    pq.write_table(pa.table({**columns, "id": ids}), path, row_group_size=64)
    return path


def test_every_row_is_scored_or_rejected_and_both_are_told(run, golden, readings, tmp_path):
    output = tmp_path / "scores.parquet"
    options = ("--on-bad-row", "reject", "--keep", "id", "--json")
    done = run("score", golden, readings, "-o", output, *options)
    assert done.code == 0
    found = json.loads(done.out)
    assert (found["rows"], found["scored"], found["rejected"]) == (ROWS, ROWS - 2, 2)
    table = pq.read_table(output)
    assert table.column_names == ["row", "id", "score", "p_value", "is_anomaly"]
    assert table.num_rows == ROWS - 2
    assert sum(table["is_anomaly"].to_pylist()) == found["anomalies"]
    assert table["id"][299].as_py() == "r301"
    rejects = (tmp_path / "scores.parquet.rejects.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in rejects] == ["row", "7", "300"]
    assert done.err == (
        f"{found['anomalies']} anomalies in {ROWS - 2} rows; 2 of {ROWS} rejected, see "
        f"{tmp_path / 'scores.parquet.rejects.csv'}\n"
    )


def test_a_bad_row_stops_the_run_which_goes_on_once_the_file_is_mended(
    run, golden, readings, tmp_path, check_failed, names
):
    output = tmp_path / "scores.csv"
    done = run("score", golden, readings, "-o", output)
    assert done.code == 1
    assert f"{readings}, row 7: no value in column 'pressure' (nan)" in done.err
    assert not output.exists()
    table = pq.read_table(readings)
    x = np.nan_to_num(np.stack([table[name].to_numpy() for name in names], 1))
    pq.write_table(pa.table(dict(zip(names, x.T, strict=True))), readings, row_group_size=64)
    assert run("score", golden, readings, "-o", output, "--resume").code == 0
    assert len(output.read_text().splitlines()) == ROWS + 1


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz", "parquet", "arrow", "feather"])
def test_outputs_of_all_formats_say_the_same(run, golden, golden_rows, tmp_path, ending):
    np.save(tmp_path / "rows.npy", golden_rows(ROWS, 0))
    output = tmp_path / f"out.{ending}"
    assert run("score", golden, tmp_path / "rows.npy", "-o", output, "--latents").code == 0
    z = Runner.load(golden).encode(golden_rows(ROWS, 0))
    np.testing.assert_allclose(latents(output), z, rtol=1e-5, atol=1e-6)


def latents(path):
    """The column or columns z of a file of results."""
    if path.suffix == ".csv":
        return np.genfromtxt(path, delimiter=",", names=True)[["z_0", "z_1", "z_2"]].tolist()
    if path.suffix == ".jsonl":
        return [json.loads(line)["z"] for line in path.read_text().splitlines()]
    if path.suffix == ".npz":
        return np.load(path)["z"]
    table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()
    return table["z"].to_pylist()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz", "npy", "parquet"])
def test_inputs_of_all_formats_score_the_same(run, golden, golden_rows, tmp_path, names, ending):
    x = golden_rows(ROWS, 0)
    np.save(tmp_path / "expected.npy", x)
    path, columns = tmp_path / f"rows.{ending}", dict(zip(names, x.T.tolist(), strict=True))
    if ending == "csv":
        np.savetxt(path, x, "%.9g", delimiter=",", header=",".join(names), comments="")
    elif ending == "jsonl":
        lines = (dict(zip(names, row, strict=True)) for row in x.tolist())
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    elif ending == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        np.save(path, x) if ending == "npy" else np.savez(path, x=x)
    expected = run("score", golden, tmp_path / "expected.npy")
    assert run("score", golden, path).out == expected.out


def test_standard_input_and_output_are_files_too(run, golden, golden_rows, tmp_path, monkeypatch):
    np.save(tmp_path / "rows.npy", golden_rows(ROWS, 0))
    content = (tmp_path / "rows.npy").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    expected = run("score", golden, tmp_path / "rows.npy").out
    assert run("score", golden, "-", "-o", "-").out == expected


def test_a_bad_row_of_standard_input_is_not_said_to_be_of_a_temporary_file(
    run, golden, golden_rows, tmp_path, monkeypatch
):
    x, content = golden_rows(5, 0), io.BytesIO()
    x[3, 1] = np.nan
    np.save(content, x)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.getvalue())))
    options = ("-o", tmp_path / "s.csv", "--on-bad-row", "reject")
    assert run("score", golden, "-", *options).code == 0
    assert "\nstdin,3," in (tmp_path / "s.csv.rejects.csv").read_text()


def test_several_files_are_named_beside_their_rows(run, golden, golden_rows, tmp_path, table_of):
    for day in (1, 2):
        np.save(tmp_path / f"{day}.npy", golden_rows(5, day))
    found = table_of(run("score", golden, tmp_path / "1.npy", tmp_path / "2.npy").out)
    assert found["file"].tolist() == [str(tmp_path / "1.npy")] * 5 + [str(tmp_path / "2.npy")] * 5
    assert found["row"].astype(int).tolist() == [0, 1, 2, 3, 4] * 2
    same = table_of(run("score", golden, f"{tmp_path}/*.npy").out)
    np.testing.assert_array_equal(same["score"], found["score"])


@pytest.mark.parametrize("name", ["row", "score", "is_anomaly", "z", "z_0"])
def test_a_kept_column_that_is_called_like_a_result_is_refused_not_lost(
    run, golden, golden_rows, names, tmp_path, check_failed, name
):
    columns = dict(zip(names, golden_rows(10, 0).T, strict=True))
    pq.write_table(pa.table({**columns, name: np.arange(10)}), tmp_path / "rows.parquet")
    options = ("-o", tmp_path / "s.csv", "--keep", name, "--latents")
    done = run("score", golden, tmp_path / "rows.parquet", *options)
    check_failed(done, f"differ in name from each other and from results. Received: {name} twice")
    assert not (tmp_path / "s.csv").exists()


def test_metrics_are_left_for_a_monitoring_system(run, golden, readings, tmp_path):
    metrics = tmp_path / "run.prom"
    options = ("--on-bad-row", "reject", "--metrics", metrics)
    assert run("score", golden, readings, "-o", tmp_path / "s.csv", *options).code == 0
    assert f"vae_batch_rows_scored_total {ROWS - 2}\n" in metrics.read_text()
    assert "vae_batch_finished 1\n" in metrics.read_text()


def test_samples_of_any_number_go_to_any_format(run, golden, tmp_path):
    assert run("sample", golden, "-n", 40, "--seed", 3, "-o", tmp_path / "s.parquet").code == 0
    found = np.array(pq.read_table(tmp_path / "s.parquet")["x_mean"].to_pylist())
    expected = Runner.load(golden).sample(40, seed=3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.txt"], "out.txt: expected an output of .csv, .jsonl, .npz"),
        (["-o", "IN"], "expected another file than the input. Received: the same"),
        (["-o", "a.csv"], "expected a file to write. Received: a folder of that name"),
        (["--column", "x", "--keep", "nothing"], "expected the column 'nothing'"),
        (["IN", "-o", "s.csv", "--metrics", "s.csv"], "expected a file for each output"),
        (["IN", "-o", "s.csv", "--on-bad-row", "reject", "--rejects", "s.csv"], "for each output"),
        (["IN", "-o", "s.csv", "--on-bad-row", "reject", "--rejects", "IN"], "than the input"),
        (["IN", "-o", "s.csv", "--metrics", "IN"], "expected another file than the input"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    run, golden, readings, tmp_path, monkeypatch, check_failed, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").mkdir()
    given = [str(readings) if each == "IN" else each for each in arguments]
    check_failed(run("score", golden, readings, *given), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rows.npy", "--resume"], "expected -o FILE with --resume"),
        (["rows.npy", "--json"], "expected -o FILE with --json"),
        (["-", "rows.npy"], "expected - alone"),
        (["-", "-o", "s.csv", "--resume"], "cannot be read again"),
        (["rows.npy", "--rejects", "r.csv"], "expected --on-bad-row reject with --rejects"),
        (["rows.npy", "--follow", "--keep", "id"], "expected no --keep with --follow"),
        (["rows.npy", "--keep", "id,"], "expected names of columns with --keep"),
        (
            ["rows.npy", "-o", "x.jsonl", "--to", "csv"],
            "name ends in .csv, as --to says. Received: x",
        ),
        (["rows.npy", "-o", "x", "--to", "csv"], "name ends in .csv"),
        (["rows.npy", "-o", "x.txt", "--to", "arrow"], "name ends in .arrow"),
        (
            ["rows.npy", "-o", "f", "--engine", "ray", "--to", "csv"],
            "expected no --to with --engine",
        ),
        ([], "expected an input to score, or --follow"),
    ],
)
def test_wrong_usage_is_said(run, golden, capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        run("score", golden, *arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["score", "explain", "encode", "decode", "reconstruct", "sample"])
def test_a_format_and_a_name_that_differ_are_wrong_usage(
    run, golden, golden_rows, tmp_path, capsys, verb
):
    np.save(tmp_path / "rows.npy", golden_rows(9, 0))
    given = ["-n", "3"] if verb == "sample" else [tmp_path / "rows.npy"]
    output = tmp_path / "out.jsonl"
    with pytest.raises(SystemExit) as stopped:
        run(verb, golden, *given, "-o", output, "--to", "npz")
    assert stopped.value.code == 2
    assert f"expected an output whose name ends in .npz, as --to says. Received: {output}" in (
        capsys.readouterr().err
    )
    assert not output.exists()
    if verb != "decode":  # which reads latents
        assert run(verb, golden, *given, "-o", output, "--to", "jsonl").code == 0
        assert run(verb, golden, *given, "-o", "-", "--to", "jsonl").code == 0


def test_a_bad_row_says_how_to_go_on_and_the_run_goes_on_so(run, golden, readings, tmp_path):
    options = ("score", golden, readings, "-o", tmp_path / "s.csv", "--threads", "1")
    done = run(*options)
    assert "have them rejected (--on-bad-row reject)" in done.err
    assert run(*options, "--on-bad-row", "reject", "--resume").code == 0
    whole = (tmp_path / "s.csv").read_bytes()
    assert run(*options, "--on-bad-row", "reject").code == 0
    assert (tmp_path / "s.csv").read_bytes() == whole


def test_an_option_that_differs_is_named_when_a_run_is_resumed(
    run, golden, golden_rows, tmp_path, check_failed
):
    x = golden_rows(10, 0)
    np.save(tmp_path / "a.npy", x)
    x[3, 1] = np.nan
    np.save(tmp_path / "b.npy", x)
    options = ("score", golden, tmp_path / "a.npy", tmp_path / "b.npy", "-o", tmp_path / "s.csv")
    done = run(*options)
    message, hint = done.err.splitlines()
    assert message.startswith(f"vae-runtime: {tmp_path / 'b.npy'}, row 3")
    assert hint == f"--resume goes on from {tmp_path / 's.csv.journal'}"
    done = run(*options, "--resume", "--top", "2")
    check_failed(done, "with --top null. Received: 2. Resume with what the run began with")


def test_a_file_that_is_gone_when_a_run_is_resumed_is_named(
    run, golden, golden_rows, tmp_path, check_failed
):
    x = golden_rows(10, 0)
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", x)
    x[3, 1] = np.nan
    np.save(tmp_path / "b.npy", x)
    options = ("score", golden, f"{tmp_path}/*.npy", "-o", tmp_path / "s.csv")
    assert run(*options).code == 1
    (tmp_path / "c.npy").unlink()
    done = run(*options, "--resume", "--on-bad-row", "reject")
    check_failed(done, f"Received: no {tmp_path / 'c.npy'} now. Bring them back")


@pytest.fixture
def interruptible():
    """As in a terminal: `make test &` is started with SIGINT ignored, `nohup make test` SIGHUP."""
    handlers = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}
    numbers = {getattr(signal, name): h for name, h in handlers.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_run_with_nothing_half_written(
    run, golden, readings, tmp_path, monkeypatch, name, code
):
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("no such signal here")

    def stop(*arguments, **options):
        signal.raise_signal(number)

    monkeypatch.setattr("vae_runtime.batch.progress.Progress.__call__", stop)
    before = signal.getsignal(signal.SIGTERM)  # a cluster of Ray leaves its own in its process
    options = ("--on-bad-row", "reject", "-o", tmp_path / "s.csv")
    done = run("score", golden, readings, *options)
    assert done.code == code
    assert done.err.startswith("vae-runtime: ")
    assert ("interrupted" if code == 130 else f"stopped by {name}") in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["readings.parquet"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("options", [(), ("--fdr", "0.1"), ("--rejects", "list.csv")])
def test_rows_of_which_none_is_good_are_listed(run, golden, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    np.save("bad.npy", np.full((40, 6), np.nan, np.float32))
    done = run("score", golden, "bad.npy", "-o", "o.csv", "--on-bad-row", "reject", *options)
    listed = "list.csv" if "list.csv" in options else "o.csv.rejects.csv"
    assert done.code == 1
    assert "Received: 40, all of them rejected" in done.err
    assert done.err.endswith(f"All of them are listed in {listed}.\n")
    assert len(Path(listed).read_text().splitlines()) == 41
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["bad.npy", listed])
    to_stdout = run("score", golden, "bad.npy", "--on-bad-row", "reject")
    assert (to_stdout.code, to_stdout.out) == (1, "")
    assert "listed in" not in to_stdout.err


def test_a_key_that_stands_twice_is_a_bad_row(run, golden, tmp_path):
    names = ("temperature", "vibration", "pressure", "flow", "current", "speed")
    good = json.dumps(dict.fromkeys(names, 1.0))
    lines = [
        good,
        f'{good[:-1]}, "flow": 2.0}}',
        f'{good[:-1]}, "note": {{"a": 1, "a": 2}}}}',
        good,
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    failed = run("score", golden, tmp_path / "rows.jsonl")
    assert failed.code == 1
    assert "row 1: line 2: expected JSON." in failed.err
    assert "the key flow twice in an object" in failed.err
    out = tmp_path / "out.csv"
    done = run("score", golden, tmp_path / "rows.jsonl", "-o", out, "--on-bad-row", "reject")
    assert done.code == 0
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == ["row", "0", "3"]
