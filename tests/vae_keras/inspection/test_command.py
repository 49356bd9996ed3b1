"""The command that the survey of a table suggests."""

import shlex

import numpy as np
import pytest

from vae_keras.inspection.command import as_text, data_of, is_exact, name_of, plan, train_command
from vae_keras.survey import RawBlock, survey
from vae_runtime.cli.values import listed

ROWS = 1_500


def table(**more):
    rng = np.random.default_rng(0)
    load = rng.normal(size=ROWS)
    fault = np.arange(ROWS) >= ROWS - 100
    columns = {"temp": 40 + load, "flow": 100 + 20 * load, "fault": fault.astype(int)}
    return survey([RawBlock("a.csv", more | columns)])


def option(words, name):
    return words[words.index(name) + 1] if name in words else None


def command(**more):
    return train_command(table(**more), ["a.csv"])


def test_sensors_and_a_label():
    assert command() == [
        *("vae-keras", "train", "--data", "a.csv", "--label", "fault", "--out", "runs/a")
    ]


def test_a_regular_series_is_cut_into_windows():
    words = command(unix=1_772_352_000 + np.arange(ROWS))
    assert (option(words, "--time"), option(words, "--window")) == ("unix", "32")
    assert "--columns" not in words


@pytest.mark.parametrize(
    ("rows", "window"), [(100, None), (300, "8"), (509, "16"), (767, "16"), (768, "32")]
)
def test_a_short_series_is_cut_into_short_windows(rows, window):
    """Six stretches of four windows, so that there is one to test and some to calibrate."""
    x = np.random.default_rng(0).normal(size=(2, rows))
    block = {"unix": 1_772_352_000 + np.arange(rows), "a": x[0], "b": x[1]}
    words = train_command(survey([RawBlock("a.csv", block)]), ["a.csv"])
    assert option(words, "--window") == window


def test_many_short_recordings_make_windows_together():
    x = np.random.default_rng(0).normal(size=(2, 90))
    block = {"unix": 1_772_352_000 + np.arange(90), "a": x[0], "b": x[1]}
    files = [RawBlock(f"{i}.csv", block) for i in range(8)]
    assert option(train_command(survey(files), ["day"]), "--window") == "32"


def test_text_of_few_kinds_is_encoded_in_windows_too():
    mode = np.array(["idle", "run", "wash"])[np.arange(ROWS) // 40 % 3]
    words = command(unix=1_772_352_000 + np.arange(ROWS), mode=mode)
    assert (option(words, "--window"), option(words, "--categories")) == ("32", "mode")


def test_an_irregular_series_is_not():
    steps = np.random.default_rng(0).exponential(60, ROWS)
    words = command(unix=1_772_352_000 + np.cumsum(steps))
    assert "--window" not in words
    assert "--time" not in words


def test_columns_are_named_where_others_must_stay_out():
    words = command(note=np.array([f"{i} b" for i in range(ROWS)]))
    assert option(words, "--columns") == "temp,flow"


def test_a_column_that_mostly_lacks_a_value_is_left_out():
    current = np.random.default_rng(1).normal(12, 1, ROWS)
    current[::2] = -200
    found = table(current=current)
    assert plan(found).sparse == ("current",)
    assert option(train_command(found, ["a.csv"]), "--columns") == "temp,flow"


def test_codes_in_few_rows_are_taken_as_missing():
    current = np.random.default_rng(1).normal(12, 1, ROWS)
    current[::50] = -200
    words = command(current=current)
    assert "--missing=-200" in words


def series(rows, **more):
    rng = np.random.default_rng(0)
    times = 1_772_352_000 + np.arange(rows)
    return survey([RawBlock("a.csv", {"unix": times, "temp": rng.normal(size=rows)} | more)])


@pytest.mark.parametrize(
    ("rows", "window"), [(900, "32"), (500, "16"), (250, "8"), (150, None), (20, None)]
)
def test_windows_are_as_long_as_the_rows_suffice_for(rows, window):
    assert option(train_command(series(rows), ["a.csv"]), "--window") == window


def test_windows_are_shorter_where_holes_leave_few_whole_ones():
    temp = np.random.default_rng(0).normal(size=1_000)
    temp[::20] = np.nan
    assert plan(series(1_000, temp=temp)).window == 16
    temp[::5] = np.nan
    assert plan(series(1_000, temp=temp)).window is None


def test_names_with_commas_are_quoted_and_read_back():
    found = table(**{"oil, rear": np.random.default_rng(2).normal(size=ROWS), "x": np.ones(ROWS)})
    words = train_command(found, ["a.csv"])
    assert option(words, "--columns") == '"oil, rear",temp,flow'
    assert listed(option(words, "--columns")) == ("oil, rear", "temp", "flow")


def test_a_name_that_no_bundle_can_hold_is_left_out():
    found = table(**{"bad\x1b[31m": np.random.default_rng(2).normal(size=ROWS)})
    assert plan(found).unprintable == ("bad\x1b[31m",)
    assert option(train_command(found, ["a.csv"]), "--columns") == "temp,flow"


def test_there_is_no_command_where_nothing_is_left():
    text = np.array([f"{i} bar" for i in range(ROWS)])
    assert train_command(survey([RawBlock("a.csv", {"p": text})]), ["a.csv"]) == []
    assert train_command(series(5), ["a.csv"]) == []


def test_rows_that_cannot_be_read_are_no_missing_values():
    block = {"temp": np.array([f"{i % 17}.5" for i in range(300)] + [""] * 200)}
    bad = dict.fromkeys(range(300, 500), "line 9: expected 1 cells. Received: 2.")
    found = survey([RawBlock("a.csv", block, bad)])
    assert (found.rows, found.bad_rows, found.column("temp").missing) == (500, 200, 0)
    words = train_command(found, ["a.csv"])
    assert option(words, "--on-bad-row") == "reject"
    assert plan(found).incomplete == 0


def test_a_clock_without_a_date_comes_with_its_format():
    clock = np.array([f"{8 + i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}" for i in range(ROWS)])
    words = command(clock=clock)
    assert (option(words, "--time"), option(words, "--time-format")) == ("clock", "%H:%M:%S")


def test_rare_kinds_are_no_category():
    side = np.where(np.arange(ROWS) < ROWS - 3, "front", "rear")
    assert plan(table(side=side)).categories == ()


def test_few_rows_raise_the_level():
    few = survey([RawBlock("a.csv", {"temp": np.random.default_rng(0).normal(size=60)})])
    assert plan(few).alpha == 0.02


def test_names_are_quoted_for_the_shell():
    words = train_command(table(**{"it's [K]": np.full(ROWS, 3.0)}), ["my file.csv"])
    assert shlex.split(as_text(words)) == words
    assert "'my file.csv'" in as_text(words)


def test_several_files_are_one_glob_or_a_folder(tmp_path):
    files = [str(tmp_path / f"run{i}.csv") for i in (1, 2, 10)]
    for file in files:
        with open(file, "w"):  # noqa: PTH123 - a path as it is typed
            pass
    assert data_of(files) == str(tmp_path / "run*.csv")
    assert data_of([str(tmp_path)]) == str(tmp_path)


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (["a b.csv.gz"], "a-b"),
        (["x/run1.csv", "x/run2.csv"], "x"),
        (["x/run*.csv"], "run"),
        (["..csv"], "mine"),
    ],
)
def test_the_run_is_named_like_its_data(sources, name):
    assert name_of(sources) == name


def test_a_column_that_changes_in_anomalies_alone_is_left_out():
    alarm = (np.arange(ROWS) >= ROWS - 90).astype(float) * 7
    found = table(alarm=alarm)
    assert plan(found).still == ("alarm",)
    assert option(train_command(found, ["a.csv"]), "--columns") == "temp,flow"


def test_labels_in_words_come_with_the_normal_one():
    state = np.where(np.arange(ROWS) < ROWS - 100, "OK", "jammed")
    found = survey(
        [RawBlock("a.csv", {"temp": np.random.default_rng(0).normal(size=ROWS), "state": state})]
    )
    words = train_command(found, ["a.csv"])
    assert (option(words, "--label"), option(words, "--normal")) == ("state", "OK")
    assert found.column("state").ones == 100


def test_recordings_whose_rows_are_numbered_are_cut_into_windows():
    words = command(engine=np.arange(ROWS) // 100 + 1, cycle=np.arange(ROWS) % 100)
    assert (option(words, "--window"), option(words, "--recording")) == ("32", "engine")


def test_files_beside_others_are_named_by_their_letters_or_told(tmp_path):
    files = [str(tmp_path / f"run{i}.csv") for i in (1, 2, 10)]
    for file in files:
        with open(file, "w"):  # noqa: PTH123 - a path as it is typed
            pass
    assert data_of(files[:2]) == str(tmp_path / "run[12].csv")
    assert is_exact(files[:2])
    assert not is_exact(files[1:])
