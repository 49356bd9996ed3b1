"""Missing names are told in a line that can be read, whatever the file and however many."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner
from vae_runtime.cli import main
from vae_runtime.rows.names.missing_names import SHOWN, meant, no_such, quoted, some
from vae_runtime.rows.text.tables import ColumnError

WANTED = [f"sensor {i}" for i in range(100)]
THERE = [*WANTED[:2], "Sensor_2", *(f"{i}{i}" for i in range(100, 500))]
LONGEST = 900  # characters of a message


def test_a_list_is_told_as_far_as_it_can_be_read():
    assert some(WANTED).endswith(f"sensor {SHOWN - 1} and 90 more")
    assert some(WANTED[:SHOWN]).endswith(f"sensor {SHOWN - 1}")
    assert quoted(WANTED).endswith("'sensor 4' and 95 more")
    assert len(some(["x" * 100_000] * 1000)) < LONGEST
    assert len(quoted(["\x1b" * 100_000] * 1000)) < LONGEST
    assert (some([]), quoted([])) == ("", "")


def test_missing_names_come_first_and_then_what_is_there():
    said = no_such("column", ["flow", "speed"], ["a", "b"], ["flow", "speed", "a"])
    assert said == "expected the columns 'flow', 'speed'. Received: no such columns in a, b."


@pytest.mark.parametrize(
    ("name", "near"),
    [("flow", "Flow"), ("flow", "flow "), ("FLOW", "flow"), ("temperature", "temprature")],
)
def test_a_name_that_is_close_is_asked_for(name, near):
    assert meant([name], ["speed", near], [name, "speed"]) == f" Did you mean {near!r}?"


@pytest.mark.parametrize("there", [[], ["pressure"], ["", "x" * 100_000], ["sensor 2"]])
def test_nothing_is_asked_where_nothing_is_close_or_it_is_wanted_itself(there):
    assert meant(["sensor 1"], there, ["sensor 1", "sensor 2"]) == ""
    assert meant(["x" * 100_001], there, []) == ""


def test_of_several_names_each_is_asked_for():
    said = meant(["flow", "speed", "load"], ["Flow", "spede", "q"], ["flow", "speed", "load"])
    assert said == " Did you mean 'Flow' for 'flow', 'spede' for 'speed'?"


def test_one_name_is_asked_for_once():
    said = meant([f"sensor {i}" for i in range(5)], ["Sensor_3"], [])
    assert said == " Did you mean 'Sensor_3' for 'sensor 3'?"


def check_short(message):
    assert "expected the columns 'sensor 2', 'sensor 3'" in message
    assert "and 93 more" in message
    assert "Did you mean 'Sensor_2' for 'sensor 2'?" in message
    assert message.count("sensor 99") == 0
    assert len(message) < LONGEST


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_of_hundreds_of_columns_of_a_file(tmp_path, ending, read_rows):
    path = tmp_path / f"rows{ending}"
    frame = pd.DataFrame(np.zeros((3, len(THERE))), columns=THERE)
    frame.to_csv(path, index=False) if ending == ".csv" else frame.to_parquet(path)
    with pytest.raises(ColumnError) as e:
        read_rows(path, columns=WANTED)
    check_short(str(e.value))


def test_of_hundreds_of_keys(tmp_path, read_rows):
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.zeros((3, 2)), Machine=np.zeros(3), **{n: np.zeros(3) for n in THERE})
    with pytest.raises(ColumnError, match=r"and 395 more\. Did you mean 'Machine'\?$") as e:
        read_rows(path, extra=("machine",))
    assert len(str(e.value)) < LONGEST


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow", ".jsonl"])
def test_the_command_line_says_so_in_one_line(golden, tmp_path, capsys, ending):
    rows, path = {"Flow": [1.0], **{name: [0.0] for name in THERE}}, tmp_path / f"rows{ending}"
    if ending == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif ending == ".jsonl":
        path.write_text(json.dumps({name: value for name, (value,) in rows.items()}) + "\n")
    else:
        (pq.write_table if ending == ".parquet" else feather.write_feather)(pa.table(rows), path)
    assert main(["score", str(golden), str(path)]) == 1
    err = capsys.readouterr().err
    assert "'flow'" in err
    assert "Did you mean 'Flow' for 'flow'?" in err
    assert err.count("\n") == 1
    assert len(err) < LONGEST


def test_the_runner_says_so_too(golden):
    with pytest.raises(ValueError, match="Did you mean 'Flow' for 'flow'") as e:
        Runner.load(golden).score(pd.DataFrame({"Flow": [1.0], **{name: [0.0] for name in THERE}}))
    assert len(str(e.value)) < LONGEST


def test_files_of_a_folder_that_differ_say_where(tmp_path, read_rows):
    for name, columns in (("1", THERE), ("2", [*THERE, "more"])):
        table = pa.table({column: [0.0] for column in columns})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"Received: 'more' in 2\.parquet alone\.$"):
        read_rows(tmp_path)
