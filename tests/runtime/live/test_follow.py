"""Following lines: JSON out for each result, no end for a bad line, no loss at a stop."""

import csv
import dataclasses
import io
import json
import re
import signal
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from vae_runtime import DriftSettings, StreamScorer
from vae_runtime.live.follow import Followed, FollowSettings, follow
from vae_runtime.live.result_records import result_record
from vae_runtime.live.stream import StreamResult
from vae_runtime.rows.windows.windows import window_starts

FEATURES = ("pressure", "flow", "current")  # of the pump
KEYS = ["first_row", "last_row", "time", "score", "p_value", "is_anomaly"]

FOLLOW_STDIN = """
import functools, pathlib, sys
from vae_runtime import Runner, StreamScorer
from vae_runtime.live.follow import FollowSettings, follow
runner = Runner.load(sys.argv[1])
settings = FollowSettings(state=pathlib.Path(sys.argv[2]))
write = functools.partial(print, flush=True)
print(follow(runner, StreamScorer(runner), sys.stdin.buffer, write, settings=settings))
"""


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def arrays(x):
    return [json.dumps(row).encode() + b"\n" for row in np.asarray(x, float).tolist()]


def run(case, lines, settings=None, **options):
    """Follows lines; gives what was written, parsed, and what was counted."""
    written = []
    stream = StreamScorer(case.runner, **options)
    settings = FollowSettings() if settings is None else settings
    done = follow(case.runner, stream, lines, written.append, settings=settings)
    assert not any("\n" in line for line in written)
    return [json.loads(line, parse_constant=pytest.fail) for line in written], done


@pytest.fixture(scope="session")
def pump_lines(pump_csv):
    """Lines of machine m0, with the hole in its times, and of its header."""
    with pump_csv.open("rb") as file:
        header, *lines = list(file)
    return header, [line for line in lines if line.startswith(b"m0,")]


def test_results_are_those_of_batch_scoring(table):
    records, done = run(table, arrays(table.x))
    expected = table.runner.score(table.x)
    assert [list(record) for record in records] == [KEYS] * len(table.x)
    assert [r["first_row"] for r in records] == [r["last_row"] for r in records]
    assert [r["p_value"] for r in records] == expected.p_value.tolist()
    assert [r["is_anomaly"] for r in records] == expected.is_anomaly.tolist()
    np.testing.assert_allclose([r["score"] for r in records], expected.score, rtol=1e-5)
    assert done == Followed(len(table.x), int(expected.is_anomaly.sum()), 0, 0)


def test_a_table_with_other_columns_and_times_is_followed(pump, pump_windows, pump_lines):
    header, lines = pump_lines
    settings = FollowSettings(time="time")
    records, _ = run(pump, [header, *lines], settings, period=1.0)
    x, first, _, _ = pump_windows
    of_m0 = first % 6 == 0
    expected = pump.runner.score(x[of_m0])
    assert [r["first_row"] for r in records] == (first[of_m0] // 6).tolist()
    assert [r["is_anomaly"] for r in records] == expected.is_anomaly.tolist()
    assert records[0]["time"] == "2026-01-31T23:50:11"  # of the twelfth row, as it was given


def test_the_top_features_are_those_that_explain(table):
    records, _ = run(table, arrays(table.x[-9:]), FollowSettings(top=2))
    nats, names = table.runner.explain(table.x[-9:]), table.runner.manifest.model.feature_names
    for record, each in zip(records, nats, strict=True):
        best = np.argsort(-each)[:2]
        assert [share["feature"] for share in record["top"]] == [names[i] for i in best]
        np.testing.assert_allclose([s["nats"] for s in record["top"]], each[best], rtol=1e-4)


def test_the_top_features_of_a_window_are_its_channels(pump, pump_lines):
    header, lines = pump_lines
    records, _ = run(pump, [header, *lines[:12]], FollowSettings(top=9))
    channels = [row[2:5] for row in csv.reader(line.decode() for line in lines[:12])]
    expected = pump.runner.top_features(np.array([channels], float), 9)
    assert [share["feature"] for share in records[0]["top"]] == expected.names[0].tolist()
    nats = [share["nats"] for share in records[0]["top"]]
    np.testing.assert_allclose(nats, expected.nats[0], rtol=1e-3, atol=1e-3)


def test_features_without_names_are_told_by_their_place(digits):
    records, _ = run(digits, arrays(digits.x[:1]), FollowSettings(top=1))
    (share,) = records[0]["top"]
    nats = digits.runner.explain(digits.x[:1])[0]
    place = tuple(int(i) for i in np.unravel_index(nats.argmax(), nats.shape))
    assert share["feature"] == str(place)


def test_a_bad_line_says_so_and_is_a_gap(pump, pump_lines):
    _, lines = pump_lines
    good = [b",".join(line.split(b",")[2:5]) for line in lines]
    bad = [b"rubbish", b"\xff\xfe", b"1,2", b"1,nan,3", b"[" * 9999, b'"', b"{}", b"null"]
    for line in bad:
        records, done = run(pump, [*good[:14], line, b"\n", *good[14:29]])
        assert [r.get("first_row") for r in records] == [0, None, 15, 18]  # it is a row
        assert records[1]["line"] == 15
        assert len(records[1]["error"]) < 300
        assert done.errors == 1


def timed(table, seconds):
    """A JSON line of the same sample at each time."""
    names = table.runner.manifest.model.feature_names
    sample = dict(zip(names, table.x[0].tolist(), strict=True))
    return [json.dumps({**sample, "t": t}).encode() for t in seconds]


def test_a_wrong_period_is_told_of_once_until_it_was_right(pump, pump_lines):
    header, lines = pump_lines
    settings = FollowSettings(time="time")
    records, done = run(pump, [header, *lines[:40]], settings, period=0.1)
    (told,) = records  # nothing else: no window is ever full
    assert told["line"] == 14  # a header and twelve steps
    assert told["gaps"] == 12
    assert "expected steps in time of at most 0.35 s. Received: 12 longer ones" in told["error"]
    assert "the last of 1 s" in told["error"]
    assert done == Followed(0, 0, 0, 39, mostly_gaps=True)


def test_a_wrong_period_of_single_rows_is_told_of_too(table):
    slow, fast = np.arange(0, 300, 10), 290 + np.arange(1, 30)
    seconds = [*slow, *fast, *(slow[1:] + fast[-1])]
    settings = FollowSettings(time="t")
    records, done = run(table, timed(table, map(float, seconds)), settings, period=1.0)
    told = [r["line"] for r in records if "error" in r]
    assert told == [11, 69]  # ten steps into each slow part
    assert done == Followed(len(seconds), 0, 0, 58, mostly_gaps=True)


def test_a_few_gaps_are_only_counted(pump, pump_lines):
    header, lines = pump_lines
    records, done = run(pump, [header, *lines], FollowSettings(time="time"), period=1.0)
    assert done.gaps == 1
    assert not any("error" in r for r in records)


def test_times_and_period_go_together(pump, table, runner_of_clock):
    unknown = runner_of_clock(pump.runner, None)
    with refuses("expected the usual seconds between two samples (--period) with times in 'time'"):
        follow(unknown, StreamScorer(unknown), [], print, settings=FollowSettings(time="time"))
    run(pump, [], FollowSettings(time="time"))  # the bundle knows it
    for case in (pump, table):
        with refuses("expected the column or key of times (--time) with a period"):
            run(case, [], period=1.0)
    run(table, [], FollowSettings(time="time"))  # single rows: a hole does no harm


def test_an_endless_line_is_told_of_once_and_takes_no_memory(table):
    good = arrays(table.x[:2])
    source = io.BytesIO(good[0] + b"7" * 20_000_000 + b"\n" + good[1])
    tracemalloc.start()
    records, done = run(table, source)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [r.get("first_row") for r in records] == [0, None, 2]
    assert records[1]["error"].startswith("expected a line of at most 1,048,576 bytes.")
    assert done.errors == 1
    assert most < 10_000_000


def test_errors_are_about_lines(table):
    names = table.runner.manifest.model.feature_names
    numbers = ["1", "nan", *["1"] * (len(names) - 2)]
    (told,), _ = run(table, [",".join(numbers).encode()])
    assert told == {"line": 1, "error": f"no value in column {names[1]!r} (nan)."}


def test_a_clock_that_was_set_back_is_told_of_once_and_costs_no_sample(table):
    lines = timed(table, [1.0, 2.0, 9e8, 3.0, 4.0, 2.0])
    records, done = run(table, lines, FollowSettings(time="t"), period=1.0)
    assert [r.get("time") for r in records] == [1.0, 2.0, 9e8, None, 3.0, 4.0, 2.0]
    assert records[3] == {
        "line": 4,
        "note": "the clock was set back, from 900000000.0 to 3.0: the order of lines is kept, and "
        "no window spans such a step. Told once, and counted at the end.",
        "set_back": 1,
    }
    assert done == Followed(6, 0, 0, 1, set_back=2)


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ("2026-03-01 08:00:00", "2026-03-01 08:00:00"),
        ("2026-03-01T08:00:00.5Z", "2026-03-01T08:00:00.5Z"),
        ("01.03.2026 08:00", "01.03.2026 08:00"),
        (1772352000000, 1772352000000),
        ("1772352000", 1772352000),
        (0.5, 0.5),
    ],
)
def test_times_are_given_back_as_they_came_in(table, given, out):
    (record,), _ = run(table, timed(table, [given]), FollowSettings(time="t"))
    assert record["time"] == out
    assert type(record["time"]) is type(out)


def test_a_date_and_a_clock_may_be_two_keys(table):
    names = table.runner.manifest.model.feature_names
    sample = dict(zip(names, table.x[0].tolist(), strict=True))
    lines = [
        json.dumps({**sample, "d": "2026/03/01", "c": f"08:00:{i:02}"}).encode() for i in (0, 1, 9)
    ]
    records, done = run(table, lines, FollowSettings(time="d,c"), period=1.0)
    assert [r["time"] for r in records] == [f"2026/03/01 08:00:{i:02}" for i in (0, 1, 9)]
    assert done.gaps == 1


def test_dates_may_be_written_as_is_said(table):
    lines = timed(table, ["03/01/2026 08:00 PM", "03/01/2026 08:01 PM"])
    records, done = run(table, lines, FollowSettings(time="t"), period=60.0)
    assert done.errors == 2
    assert "Give --time-format '%d/%m/%Y %I:%M %p' or" in records[0]["error"]
    settings = FollowSettings(time="t", time_format="%d/%m/%Y %I:%M %p")
    assert run(table, lines, settings, period=60.0)[1] == Followed(2, 0, 0, 0)
    with refuses("expected a format"):
        run(table, [], FollowSettings(time="t", time_format="%Q"))


@pytest.mark.parametrize("stride", [1, 3, 5])
def test_a_file_and_its_lines_have_the_same_windows(pump, pump_lines, tmp_path, stride):
    """With holes, missed samples, repeated times, a clock set back, and values that are missing."""
    header, lines = pump_lines
    names = header.decode().strip().split(",")
    rows = [line.decode().strip().split(",") for line in lines[:140]]
    start = np.datetime64("2026-03-01T08:00:00")
    step = np.ones(140, int)
    step[[20, 21, 50]] = 2, 3, 60
    step[70:74], step[100] = 0, -300
    at, bad = (start + np.cumsum(step)).astype(str), {5, 60, 61, 62, 63, 120}
    for i, row in enumerate(rows):
        row[names.index("time")] = at[i]
        if i in bad:
            row[names.index("flow")] = ""
    text = "\n".join([",".join(names), *map(",".join, rows)]) + "\n"
    good = np.array([i not in bad for i in range(140)])
    order, first = window_starts(140, 12, stride, time=at, good=good, gap=3.5)
    x = np.array([[float(row[names.index(n)] or 0) for n in FEATURES] for row in rows])
    expected = pump.runner.score(x[order[first[:, None] + np.arange(12)]])
    settings, options = FollowSettings(time="time"), {"period": 1.0, "stride": stride}
    records, done = run(pump, io.BytesIO(text.encode()), settings, **options)
    found = [r for r in records if "score" in r]
    assert [r["first_row"] for r in found] == first.tolist()
    np.testing.assert_allclose([r["score"] for r in found], expected.score, rtol=1e-4)
    assert [r["p_value"] for r in found] == expected.p_value.tolist()
    assert (done.gaps, done.set_back, done.repeated, done.errors) == (1, 1, 4, len(bad))


def test_drift_is_told_of_once_even_after_a_restart(table, tmp_path):
    x = table.x[table.y == 0]
    x = np.concatenate([x, x + 2 * x.std(0), x + 2 * x.std(0)])
    settings = FollowSettings(state=tmp_path / "state.json")
    records, _ = run(table, arrays(x), settings, drift=DriftSettings(1000.0))
    (told,) = [r["drift"] for r in records if "drift" in r]
    assert told["since"] <= told["row"] < len(x)
    assert told["since"] > len(x) // 3 - 20
    again, _ = run(table, arrays(x[-20:]), settings, drift=DriftSettings(1000.0))
    assert len(again) == 20
    assert again[0]["first_row"] == len(x)


@pytest.mark.parametrize("stop", [0, 5, 12, 40])
def test_a_restart_goes_on_as_if_there_had_been_none(pump, pump_lines, tmp_path, stop):
    header, lines = pump_lines
    settings = FollowSettings(time="time", state=tmp_path / "state.json", save_every=2)
    whole, _ = run(pump, [header, *lines[:80]], FollowSettings(time="time"), period=1.0)
    found = []
    for part in (lines[:stop], lines[stop:80]):
        found += run(pump, [header, *part], settings, period=1.0)[0]
    assert found == whole


def test_without_times_a_restart_is_a_gap(pump, pump_lines, tmp_path):
    _, lines = pump_lines
    good = [b",".join(line.split(b",")[2:5]) for line in lines]
    settings = FollowSettings(state=tmp_path / "state.json")
    run(pump, good[:14], settings)
    records, _ = run(pump, good[14:29], settings)
    assert [r["first_row"] for r in records] == [14, 17]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"{}", b"\xff", b'{"bundle": NaN}'])
def test_a_damaged_state_is_refused_before_a_line_is_read(table, tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with refuses(f"{path}: "):
        run(table, [b"rubbish"], FollowSettings(state=path))
    assert path.read_bytes() == content


def test_a_state_of_other_settings_is_refused(table, tmp_path):
    settings = FollowSettings(state=tmp_path / "state.json")
    run(table, [], settings)
    message = "drift.capacity: 10000, the state has none; drift.seed: 0, the state has none."
    with refuses(message):
        run(table, [], settings, drift=DriftSettings())
    run(table, [], settings, alpha=0.2)  # remembers nothing otherwise


def test_a_state_that_cannot_be_written_is_found_at_the_start(table, tmp_path):
    (tmp_path / "file").touch()
    settings = FollowSettings(state=tmp_path / "file" / "state.json")
    with pytest.raises(OSError, match="file"):
        run(table, pytest.fail, settings)


def test_later_it_does_not_silence_the_alarm(table, tmp_path):
    folder = tmp_path / "folder"
    written = []

    def lines():
        yield from arrays(table.x[:2])
        (folder / "state.json").unlink()
        folder.rmdir()
        folder.touch()  # a file where the folder was
        yield from arrays(table.x[2:4])
        folder.unlink()

    settings = FollowSettings(state=folder / "state.json", save_every=1)
    follow(table.runner, StreamScorer(table.runner), lines(), written.append, settings=settings)
    records = [json.loads(line) for line in written]
    assert [r.get("first_row") for r in records] == [0, 1, 2, None, 3, None]
    assert "the state was not saved" in records[3]["error"]
    assert json.loads((folder / "state.json").read_bytes())["rows"] == 4


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_null(score):
    record = result_record(StreamResult(0, 0, None, float(score), 0.01, True, False), None)
    assert json.dumps(record, allow_nan=False).count("null") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_the_state_is_saved(table, tmp_path, number):
    state = tmp_path / "state.json"
    command = [sys.executable, "-c", FOLLOW_STDIN, table.bundle, state]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        for number_of_row, line in enumerate(arrays(table.x[:3])):
            process.stdin.write(line)
            process.stdin.flush()  # each result comes before the next line is there
            assert json.loads(process.stdout.readline())["first_row"] == number_of_row
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"Followed(results=3, anomalies=0, errors=0, gaps=0,")
    assert json.loads(state.read_bytes())["rows"] == 3


def test_other_threads_follow_without_signals(table):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(table, arrays(table.x[:2]))))
    thread.start()
    thread.join()
    assert len(found[0][0]) == 2


@pytest.mark.parametrize("options", [{"top": -1}, {"save_every": 0}, {"save_seconds": 0.0}])
def test_settings_out_of_range_are_refused(options):
    with refuses("expected top from 0, save_every from 1 and save_seconds"):
        dataclasses.replace(FollowSettings(), **options)


def csv_lines(x):
    return b"".join(
        ",".join(map(str, row)).encode() + b"\n" for row in np.asarray(x, float).tolist()
    )


@pytest.mark.parametrize("cut", [1, 3, 6])
def test_a_last_line_that_may_be_cut_short_is_told_and_not_scored(table, cut):
    whole = csv_lines(table.x[:5])
    records, done = run(table, io.BytesIO(whole[:-cut]))
    assert records[-1]["line"] == 5
    assert records[-1]["error"].startswith("expected a line end. Received: the end of the source")
    assert (done.results, done.errors) == (4, 1)
    assert run(table, io.BytesIO(whole))[1].errors == 0


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n", b"\n"])
def test_a_last_line_of_json_is_whole_by_its_brackets(table, end):
    lines = b"".join(arrays(table.x[:3])).rstrip() + end
    assert run(table, io.BytesIO(lines))[1] == run(table, arrays(table.x[:3]))[1]
    assert run(table, io.BytesIO(lines.rstrip()[:-1]))[1].errors == 1
