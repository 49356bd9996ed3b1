"""Rows by name, file or folder: each kind has its options, and no other is ignored."""

import dataclasses
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vae_keras import data
from vae_keras.cli import main
from vae_keras.configs import DataConfig
from vae_keras.data.sources import ALL_OPTIONS, OPTIONS
from vae_runtime.bundle.manifest import Clock
from vae_runtime.rows.text.endings import ENDINGS

VALUES = {
    "classes": "c",
    "labels_per_class": 3,
    "data_dir": "there",
    "label": "y",
    "columns": ("a",),
    "one_hot": ("a",),
    "value_range": (0.0, 1.0),
    "window": 2,
    "stride": 3,
    "recording": "m",
    "time": "t",
    "on_bad_row": "reject",
    "time_format": "%d.%m.%Y",
    "gap": 2.0,
    "bad_columns": "drop",
    "stream": True,
    "image_size": (8, 8),
    "channels": 1,
    "machine": "m",
    "normal": ("ok",),
    "categories": ("a",),
    "category_values": {"a": ("x", "y")},
    "sep": ";",
    "decimal": ",",
    "thousands": ".",
    "encoding": "latin-1",
    "comment": "#",
    "header": True,
    "skiprows": 1,
    "missing": ("-200",),
}
WINDOWED = ("stride", "recording", "gap")  # said of a window alone
TIMED = ("time_format", "gap")  # said of times alone


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture
def sources(tmp_path):
    """A source of each kind, by kind."""
    x = np.arange(8.0).reshape(4, 2)
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), tmp_path / "rows.parquet")
    (tmp_path / "day").mkdir()
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), tmp_path / "day" / "1.parquet")
    np.savez(tmp_path / "rows.npz", x=x)
    np.save(tmp_path / "rows.npy", x)
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "photos" / "a.png")
    return {
        "digits": ["digits"],
        "idx": ["mnist", "fashion_mnist"],
        "table": [str(tmp_path / name) for name in ("rows.csv", "rows.parquet", "day")],
        "arrays": [str(tmp_path / name) for name in ("rows.npz", "rows.npy")],
        "images": [str(tmp_path / "photos")],
    }


@pytest.mark.parametrize(
    ("kind", "shape"), [("table", (2,)), ("arrays", (2,)), ("images", (8, 8, 1))]
)
def test_files_and_folders_are_told_apart(sources, kind, shape):
    for source in sources[kind]:
        assert data.load(DataConfig(source)).x.shape[1:] == shape


@pytest.mark.parametrize("kind", [kind for kind in OPTIONS if kind != "given"])
def test_an_option_of_no_use_is_refused_and_not_ignored(sources, kind):
    assert set(VALUES) == ALL_OPTIONS
    for source in sources[kind]:
        for option in ALL_OPTIONS - set(OPTIONS[kind]):
            asked = {option: VALUES[option]}
            if option in WINDOWED:
                asked["window"] = VALUES["window"]
            if option in TIMED:
                asked["time"] = VALUES["time"]
            if option == "labels_per_class":
                asked["classes"] = VALUES["classes"]
            if option == "category_values":
                asked["categories"] = VALUES["categories"]
            config = DataConfig(source, **asked)
            with refuses(", which would be ignored.") as e:
                data.load(config)
            said = [name.replace("_", "-") for name in asked]
            assert any(
                f"expected no {name} for {source}. Received: " in str(e.value) for name in said
            )


def test_a_csv_is_not_streamed(sources):
    with refuses(f"expected Parquet to stream. Received: {sources['table'][0]}. Convert it, or"):
        data.load(DataConfig(sources["table"][0], stream=True))


@pytest.mark.parametrize("name", ["nowhere", "nowhere.csv", "nowhere.parquet", "no/where.npz"])
@pytest.mark.parametrize("options", [{}, {"label": "y"}])
def test_where_nothing_is_it_says_what_may_be(tmp_path, name, options):
    with refuses(
        f"{tmp_path / name}: expected digits, mnist, fashion_mnist, a file of "
        f"{', '.join(ENDINGS)}, a folder or glob of such files, or a folder of images. "
        "Received: nothing at that path."
    ):
        data.load(DataConfig(str(tmp_path / name), **options))


def test_the_command_says_so_in_one_line(tmp_path, capsys):
    assert main(["train", "--data", "nowhere", "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("vae-keras: nowhere: expected digits, mnist, fashion_mnist, a file of ")
    assert said.endswith("Received: nothing at that path.\n")
    assert said.count("\n") == 1


def test_rows_are_read_as_a_run_of_a_table_takes_them(table_run, sensor_csv):
    config = data.config_like(str(sensor_csv), table_run.data, label="broken")
    names = table_run.data.feature_names
    assert config == DataConfig(str(sensor_csv), label="broken", columns=names)
    assert data.load(config).x.shape == (940, 6)


def test_rows_are_read_as_a_run_of_windows_takes_them(pump_run, pump_csv, pump_windows):
    options = {"label": "fault", "recording": "machine", "time": "time"}
    dataset = data.load(data.config_like(str(pump_csv), pump_run.data, **options))
    first, last, y = pump_windows[1:]
    number = {window.tobytes(): i for i, window in enumerate(dataset.x[:])}
    found = [number[window.tobytes()] for window in pump_windows[0]]  # those at the stride
    np.testing.assert_array_equal(dataset.y[found], y)
    assert len(dataset.x) == len({*number}) > 2.9 * len(first)
    assert len(data.evaluation_rows(dataset).x) == dataset.x.counted.sum() < len(first) + len(last)


def test_windows_that_are_cut_already_are_read_as_they_are(pump_run, pump_windows, tmp_path):
    np.savez(tmp_path / "windows.npz", x=pump_windows[0], y=pump_windows[3])
    dataset = data.load(data.config_like(str(tmp_path / "windows.npz"), pump_run.data))
    np.testing.assert_array_equal(dataset.x, pump_windows[0])
    np.testing.assert_array_equal(dataset.y, pump_windows[3])


@pytest.mark.parametrize("run", ["table_run", "pump_run", "digits_run"])
def test_names_and_windows_are_asked_of_tables_alone(request, sources, run):
    known = request.getfixturevalue(run).data
    for source in ("digits", "mnist", *sources["images"]):
        assert data.config_like(source, known) == DataConfig(source)


def test_times_are_as_in_training_where_nothing_else_is_said(pump_run):
    clock = Clock(("day", "at"), "%d/%m/%Y %H:%M", 60.0, 210.0)
    known = dataclasses.replace(pump_run.data, clock=clock)
    like = data.config_like("rows.csv", known, time="day,at")
    assert (like.gap, like.time_format) == (210.0, "%d/%m/%Y %H:%M")
    like = data.config_like("rows.csv", known, time="day,at", gap=9.0, time_format="%H:%M %d")
    assert (like.gap, like.time_format) == (9.0, "%H:%M %d")
    like = data.config_like("rows.csv", known, time="other")
    assert (like.gap, like.time_format) == (210.0, None)
    assert data.config_like("rows.csv", known).gap is None
