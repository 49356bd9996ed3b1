"""Files as the field has them, from the file to the alarm: training, scoring and calibration alike.

All hold one world: three sensors that follow one load, a row a second, the last rows faulty. A file
that says the same in another dialect must give the same rows, scores and thresholds, to the bit.
"""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from datetime import datetime, timedelta

import numpy as np
import pytest

from vae_export import export
from vae_keras import DataConfig, ModelConfig, TrainConfig, data, train
from vae_runtime import Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.cli import main
from vae_runtime.rows.inputs import read_input

ROWS, FAULTY = 900, 60
NAMES = ("oil [bar]", "speed", "torque")
START = datetime(2026, 5, 4, 23, 50)


def world():
    rng = np.random.default_rng(3)
    load = np.sin(np.arange(ROWS) / 25) + 0.2 * rng.normal(size=ROWS)
    x = np.stack([4 + load, 900 + 80 * load, 30 - 6 * load], 1) + 0.1 * rng.normal(size=(ROWS, 3))
    x[-FAULTY:, 0] -= 3
    return x.round(3), (np.arange(ROWS) >= ROWS - FAULTY).astype(int)


X, FAULT = world()
TIMES = [START + timedelta(seconds=i) for i in range(ROWS)]


def text(sep=",", decimal=".", *, head=NAMES, more=(), time=None, label=FAULT, end=""):
    """The table as text; `more` are columns of text in front, `time` makes text of a moment."""
    columns = [] if time is None else [("time", [time(moment) for moment in TIMES])]
    columns += list(more)
    columns += [(n, [f"{v}".replace(".", decimal) for v in X[:, i]]) for i, n in enumerate(head)]
    columns += [("fault", list(map(str, label)))]
    lines = [sep.join(name for name, _ in columns)]
    lines += [sep.join(cells) for cells in zip(*(cells for _, cells in columns), strict=True)]
    return "".join(f"{line}{end}\n" for line in lines)


def iso(moment):
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def zipped(name, content):
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return found.getvalue()


PLAIN = text(time=iso)
SAME = {
    "semicolons.csv": text(";", time=iso),
    "decimal_commas.csv": text(";", ",", time=iso),
    "tabs.txt": text("\t", time=iso),
    "table.TSV": text("\t", time=iso),
    "bars.dat": text("|", time=iso),
    "CAPITALS.CSV": PLAIN,
    "packed.csv.gz": gzip.compress(PLAIN.encode(), mtime=0),
    "packed.csv.bz2": bz2.compress(PLAIN.encode()),
    "packed.txt.xz": lzma.compress(text("\t", time=iso).encode()),
    "windows.csv": PLAIN.replace("\n", "\r\n"),
    "mark.csv": PLAIN.encode("utf-8-sig"),
    "wide.csv": text(";", time=iso).encode("utf-16"),
    "latin.csv": text(more=[("place", ["Süd"] * ROWS)]).encode("latin-1"),
    "comments.csv": "# logger 12\n# firmware, 2.2\n" + PLAIN,
    "preamble.csv": "Logger 12;serial 99\n\n" + text(";", time=iso),
    "units.csv": PLAIN.replace("\n", "\n,bar,1/min,Nm,\n", 1),
    "index.csv": text(more=[("", list(map(str, range(ROWS))))]),
    "trailing.csv": text(end=","),
    "quoted.csv": text(time=lambda moment: f'"{moment:%d.%m.%Y, %H:%M:%S}"'),
    "truths.csv": text(label=np.where(FAULT == 1, "True", "False"), time=iso),
    "words.csv": text(label=np.where(FAULT == 1, "yes", "no"), time=iso),
    "counters.csv": text(more=[("id", list(map(str, range(1, ROWS + 1))))], time=iso),
    "sep.csv": "sep=;\n" + text(";", ",", time=iso),
    "titles.csv": "Report of hall 7,,,,\nSerial:,99,,,\n" + PLAIN,
    "hash.csv": "# logger 12\n# " + PLAIN,
    "restart.csv": PLAIN.replace(
        "2026-05-04 23:59:59", PLAIN.partition("\n")[0] + "\n2026-05-04 23:59:59"
    ),
    "crash.csv": PLAIN + "\0" * 700,
    "packed.csv.zip": zipped("rows.csv", PLAIN),
    "sheet.csv": PLAIN.replace("\n", ",,\n"),
    "unix.csv": text(time=lambda moment: f"{moment.timestamp():.0f}"),
}


def save(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("field")


@pytest.fixture(scope="module")
def bundle(folder):
    """A bundle of a model of rows, trained on the plain file."""
    path = save(folder, "plain.csv", PLAIN)
    config = DataConfig(str(path), label="fault", folds=1)
    quick = ModelConfig(hidden=(8,), latent_dim=2), TrainConfig(epochs=2, alpha=0.05)
    run, _ = train(config, *quick, out=folder / "run", log=lambda line: None)
    return export(run.path, folder / "bundle", formats=("onnx",), log=lambda line: None)


def loaded(path, **options):
    return data.load(DataConfig(str(path), label="fault", bad_columns="drop", **options))


def scored(bundle, path, folder, *options):
    out = folder / "scores.npz"
    assert main(["score", str(bundle), str(path), "-o", str(out), *options]) == 0
    with np.load(out) as found:
        return found["score"]


@pytest.mark.parametrize("name", SAME)
def test_what_says_the_same_is_the_same_to_the_bit(bundle, folder, name):
    path = save(folder, name, SAME[name])
    dataset = loaded(path)
    assert dataset.feature_names == NAMES
    np.testing.assert_array_equal(dataset.x, X.astype(np.float32))
    np.testing.assert_array_equal(dataset.y, FAULT == 1)
    expected = scored(bundle, folder / "plain.csv", folder)
    np.testing.assert_array_equal(scored(bundle, path, folder), expected)
    assert len(expected) == ROWS


@pytest.mark.parametrize("name", ["decimal_commas.csv", "packed.csv.gz", "wide.csv", "units.csv"])
def test_thresholds_are_the_same_too(bundle, folder, name):
    found = []
    for each in (PLAIN, SAME[name]):
        normal = save(folder, name, each)
        command = ["calibrate", str(bundle), str(normal), "-o", str(folder / "new"), "--force"]
        assert main([*command, "--alpha", "0.05"]) == 0
        found.append(open_bundle(folder / "new").manifest.calibration["fp32"].scores)
    assert found[0] == found[1]


def test_the_model_alarms_on_what_is_faulty(bundle):
    alarms = Runner.load(bundle).score(X.astype(np.float32)).is_anomaly
    assert alarms[-FAULTY:].mean() > 0.9
    assert alarms[:-FAULTY].mean() < 0.15


@pytest.mark.parametrize("word", ["", "NA", "null", "-", "?", "Bad", "n/a"])
def test_a_missing_cell_costs_its_row_alone(bundle, folder, word):
    lines = PLAIN.splitlines()
    cells = lines[100].split(",")
    lines[100] = ",".join([*cells[:2], word, *cells[3:]])
    path = save(folder, "hole.csv", "\n".join(lines))
    dataset = loaded(path, on_bad_row="reject")
    assert len(dataset.x) == ROWS - 1
    assert any("no value in column 'speed'" in note for note in dataset.notes)
    assert len(scored(bundle, path, folder, "--on-bad-row", "reject")) == ROWS - 1


def test_a_code_for_missing_is_told_and_taken_as_said(folder):
    x = np.where(np.arange(ROWS) % 2, "-200", [f"{v}" for v in X[:, 1]])
    lines = [",".join(cells) for cells in zip(map(str, X[:, 0]), x, map(str, X[:, 2]), strict=True)]
    path = save(folder, "codes.csv", "\n".join(["a,b,c", *lines]))
    told = data.load(DataConfig(str(path))).notes
    assert any("b is -200 in 50" in note and "--missing=-200" in note for note in told)
    dataset = data.load(DataConfig(str(path), missing=("-200",), on_bad_row="reject"))
    assert len(dataset.x) == ROWS // 2


def test_words_of_few_kinds_are_categories_where_that_is_asked_for(folder):
    mode = np.array(["idle", "run", "wash"])[np.arange(ROWS) // 100 % 3].tolist()
    path = save(folder, "modes.csv", text(more=[("mode", mode)]))
    with pytest.raises(ValueError, match="--categories mode"):
        data.load(DataConfig(str(path), label="fault"))
    dataset = data.load(DataConfig(str(path), label="fault", categories=("mode",)))
    assert dataset.feature_names == (*NAMES, "mode_idle", "mode_run", "mode_wash")


WRITTEN = ["%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


@pytest.mark.parametrize("written", WRITTEN)
def test_windows_are_the_same_however_times_are_written(folder, written):
    path = save(folder, "times.csv", text(time=lambda moment: f"{moment:{written}}"))
    expected = loaded(save(folder, "plain.csv", PLAIN), window=8, time="time")
    found = loaded(path, window=8, time="time")
    assert (found.clock.step, found.clock.gap) == (1.0, 3.5)
    assert len(found.x) == len(expected.x) == ROWS - 7


def test_a_date_and_a_clock_in_two_columns_are_one_time(folder):
    more = [
        (name, [f"{t:{form}}" for t in TIMES])
        for name, form in (("date", "%Y/%m/%d"), ("clock", "%H:%M:%S"))
    ]
    found = loaded(save(folder, "two.csv", text(more=more)), window=8, time="date,clock")
    assert found.clock.columns == ("date", "clock")
    assert len(found.x) == ROWS - 7


def test_missed_samples_and_a_clock_set_back_make_windows_and_are_told(folder):
    moments = iter(range(10_000))

    def jittered(moment):
        i = next(moments)
        return iso(START + timedelta(seconds=i + i // 15 - (300 if i >= 600 else 0)))

    found = loaded(save(folder, "jitter.csv", text(time=jittered)), window=8, time="time")
    assert len(found.x) == ROWS - 2 * 7  # on both sides of where the clock was set back
    assert any("set back" in note for note in found.notes)


def test_each_file_of_a_folder_is_a_recording(folder):
    day = folder / "day"
    day.mkdir(exist_ok=True)
    lines = text(";", time=iso).splitlines()
    for k in range(6):
        save(day, f"run_{k}.csv", "\n".join([lines[0], *lines[1 + 150 * k : 151 + 150 * k]]))
    found = loaded(day)
    assert sorted(set(found.recordings)) == [f"run_{k}" for k in range(6)]
    np.testing.assert_array_equal(found.x, X.astype(np.float32))
    assert len(loaded(day, window=8, time="time").x) == 6 * (150 - 7)


REASONS = {
    100: "no value in column 'speed' (NA).",
    200: "expected a number in column 'speed'. Received: 'far'.",
    300: "expected 5 cells. Received: 4.",
}  # by the number of the row in the file


def spoilt():
    """The plain table in another dialect, in which three rows are bad."""
    lines = text(";", time=iso).splitlines()
    for row, cell in ((100, "NA"), (200, "far")):
        cells = lines[1 + row].split(";")
        lines[1 + row] = ";".join([*cells[:2], cell, *cells[3:]])
    lines[301] = lines[301].rpartition(";")[0]
    return "\n".join([*lines, ""])


def test_the_same_rows_are_rejected_everywhere_for_the_same_reasons(bundle, folder, capsys):
    path = save(folder, "spoilt.csv", spoilt())
    trained = data.load(DataConfig(str(path), label="fault", time="time", on_bad_row="reject"))
    out = folder / "judged.csv"
    command = ["score", str(bundle), str(path), "-o", str(out), "--on-bad-row", "reject"]
    assert main(command) == 0
    listed = (folder / "judged.csv.rejects.csv").read_text()
    calibrated = read_input(path, open_bundle(bundle).manifest.model, reject=True)
    capsys.readouterr()
    assert main(["score", str(bundle), str(path), "--follow"]) == 0
    streamed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    errors = {record["line"] - 2: record["error"] for record in streamed if "error" in record}
    assert errors == REASONS
    assert {reject.row for reject in calibrated.rejects} == {*REASONS}
    note = next(note for note in trained.notes if "rows rejected" in note)
    for row, reason in REASONS.items():
        whole = f"line {row + 2}: {reason}"
        assert whole in note
        assert whole in listed.replace('""', '"')
        assert whole in {reject.reason for reject in calibrated.rejects}
    assert len(trained.x) == len(calibrated.x) == ROWS - len(REASONS)
