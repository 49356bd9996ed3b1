"""Five tiny runs and their bundles, trained once a session.

`digits_*` is a convolutional Bernoulli VAE on images, `table_*` a Gaussian MLP on named columns,
`pump_*` one on windows over the recordings of six machines, `states_*` one with a classifier, of
rows of which few say what state the machine is in, `fleet_run` one calibrated for each of three
machines.
They are trained for seconds: good enough to tell digits from photographs, not to be proud of.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import csv
import datetime
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

VOID = {"meta", "img", "br", "link", "input", "hr"}  # elements of HTML that are not closed

SENSORS = ("temperature", "vibration", "pressure", "flow", "current", "speed")

CHANNELS = ("pressure", "flow", "current")
MACHINES, READINGS, WINDOW, STRIDE = 6, 500, 12, 3
HOLE = 200  # after this reading, machine m0 was silent for a minute
FAULT = slice(300, 360)  # readings of machine m5 in which flow no longer follows pressure


STATES = {"full, hot": 0.9, "half": 0.55, "idle": 0.2}  # a machine's load in each


def sensor_rows(n, seed, load=None):
    """Six correlated sensors of a machine: float64 (n, 6), in their own units."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.2, 1.0, n) if load is None else load
    wear = rng.normal(0.0, 1.0, n)
    clean = np.stack(
        [
            293.0 + 30.0 * load,
            0.5 * load + 0.1 * wear,
            101325.0 + 5000.0 * load,
            3.0 * load,
            10.0 * load + wear,
            1500.0 - 100.0 * load,
        ],
        axis=1,
    )
    return clean + rng.normal(0.0, 1.0, clean.shape) * [0.5, 0.02, 100.0, 0.05, 0.2, 5.0]


def write_table(path, head, lines):
    """A CSV with this first line; returns its path."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(lines)
    return path


def write_sensors(path, normal, broken):
    """A table of sensors, labelled; those that are broken have the current of another load."""
    broken[:, 4] += 8.0
    lines = [[*row, 0] for row in normal.tolist()] + [[*row, 1] for row in broken.tolist()]
    return write_table(path, [*SENSORS, "broken"], lines)


@pytest.fixture(scope="session")
def sensor_csv(tmp_path_factory):
    """A labelled table: 900 normal rows, 40 broken."""
    path = tmp_path_factory.mktemp("data") / "sensors.csv"
    return write_sensors(path, sensor_rows(900, 0), sensor_rows(40, 1))


def pump_readings(machine):
    """A machine's channels, which swing at a pace of its own: float64 (READINGS, 3)."""
    rng = np.random.default_rng(machine)
    phase = np.cumsum(rng.normal(0.5, 0.02, READINGS))
    pressure, flow = np.sin(phase), np.sin(phase - 0.7)
    if machine == 5:
        flow[FAULT] *= -1.0  # each reading is as usual; how they move is not
    channels = np.stack([100.0 + 5.0 * pressure, 3.0 + flow, 10.0 + pressure * flow], axis=1)
    return channels + rng.normal(0.0, 1.0, channels.shape) * [0.2, 0.04, 0.04]


def pump_lines():
    """Readings of all machines, interleaved in time: (machine, time, *channels, fault)."""
    start = datetime.datetime(2026, 1, 31, 23, 50)
    readings = [pump_readings(machine) for machine in range(MACHINES)]
    for i in range(READINGS):
        for machine in range(MACHINES):
            late = 60 * (machine == 0 and i > HOLE)
            time = start + datetime.timedelta(seconds=i + late)
            fault = machine == 5 and FAULT.start <= i < FAULT.stop
            yield f"m{machine}", time.isoformat(), *readings[machine][i].tolist(), int(fault)


@pytest.fixture(scope="session")
def few_csv(tmp_path_factory):
    """A table of so few rows that none is held back for calibration: 220 normal, 20 broken."""
    path = tmp_path_factory.mktemp("data") / "few.csv"
    return write_sensors(path, sensor_rows(220, 4), sensor_rows(20, 5))


@pytest.fixture(scope="session")
def pump_csv(tmp_path_factory):
    """A labelled table of six recordings, with columns of machines and times."""
    path = tmp_path_factory.mktemp("data") / "pump.csv"
    return write_table(path, ["machine", "time", *CHANNELS, "fault"], pump_lines())


@pytest.fixture(scope="session")
def pump_windows():
    """Its windows, cut by hand: x (windows, WINDOW, 3), first and last row in the file, y."""
    x, rows = [], []
    for machine in range(MACHINES):
        stretches = [(0, HOLE + 1), (HOLE + 1, READINGS)] if machine == 0 else [(0, READINGS)]
        for start, end in stretches:
            for first in range(start, end - WINDOW + 1, STRIDE):
                x.append(pump_readings(machine)[first : first + WINDOW])
                rows.append([(first + i) * MACHINES + machine for i in range(WINDOW)])
    rows = np.array(rows)
    i, machine = np.divmod(rows, MACHINES)
    y = ((machine == 5) & (i >= FAULT.start) & (i < FAULT.stop)).any(1)
    return np.array(x, np.float32), rows[:, 0], rows[:, -1], y


def states():
    """900 rows of a machine in three states, and the name of each row's state."""
    rng = np.random.default_rng(2)
    names = rng.choice(list(STATES), 900)
    load = np.array([STATES[name] for name in names]) + rng.normal(0.0, 0.05, 900)
    return sensor_rows(900, 3, load), names


@pytest.fixture(scope="session")
def states_csv(tmp_path_factory):
    """Those rows as a table, in which every ninth says its state."""
    path = tmp_path_factory.mktemp("data") / "machine.csv"
    rows, names = states()
    names[np.arange(900) % 9 > 0] = ""
    lines = ([*row, name] for row, name in zip(rows.tolist(), names, strict=True))
    return write_table(path, [*SENSORS, "state"], lines)


@pytest.fixture(scope="session")
def workstation():
    """Skips where nothing can be trained: the device's tests run without TensorFlow too."""
    pytest.importorskip("vae_keras", reason="training needs vae-keras")


def trained(factory, name, data, model, **training):
    """Trains without a word, with these fields of the configurations; the run."""
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    configs = DataConfig(**data), ModelConfig(**model), TrainConfig(**training)
    return train(*configs, out=factory.mktemp("runs") / name, log=lambda line: None)[0]


def exported(factory, run, name, **options):
    """Exports without a word; the path of the bundle."""
    from vae_export import export

    return export(run, factory.mktemp("artifacts") / name, **options, log=lambda line: None)


def trained_digits(factory, epochs):
    """A small network on the digits."""
    model = {"hidden": (8, 16, 32)}
    return trained(
        factory, "digits", {"source": "digits"}, model, epochs=epochs, learning_rate=3e-3
    )


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory, workstation):
    return trained_digits(tmp_path_factory, epochs=12)


@pytest.fixture(scope="session")
def digits_long_run(tmp_path_factory, workstation):
    """Trained until it tells photographs from digits, for tests of how well it does."""
    return trained_digits(tmp_path_factory, epochs=36)


@pytest.fixture(scope="session")
def table_run(tmp_path_factory, sensor_csv, workstation):
    data = {"source": str(sensor_csv), "label": "broken", "folds": 1}
    training = {"epochs": 30, "learning_rate": 3e-3}
    return trained(tmp_path_factory, "sensors", data, {"hidden": (32, 16)}, **training)


@pytest.fixture(scope="session")
def fresh_sensor_rows():
    """Normal rows as those of the tables of sensors, which nothing was trained on."""
    return sensor_rows(4000, 6).astype(np.float32)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of photographs of three sizes: 120 good parts, 6 scratched, and what is no image."""
    image = pytest.importorskip("PIL.Image")
    folder, rng = tmp_path_factory.mktemp("data") / "photos", np.random.default_rng(0)
    for kind, count in (("good", 120), ("scratched", 6)):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            width, height = ((64, 48), (80, 60), (40, 30))[i % 3]
            pixels = 120 + 30 * np.sin(np.arange(width) * 13 / width)[None]
            pixels = pixels + 4 * rng.normal(size=(height, width))
            if kind == "scratched":
                pixels[height // 2 : height // 2 + height // 10] = 250
            file = folder / kind / f"{i:03}.png"
            image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
    (folder / "Thumbs.db").write_bytes(b"not an image")
    (folder / "good" / "._000.png").write_bytes(b"not an image")
    return folder


@pytest.fixture(scope="session")
def photos_run(tmp_path_factory, photos, workstation):
    """Of images that are resized."""
    data = {"source": str(photos), "image_size": (12, 16), "folds": 1}
    model = {"network": "mlp", "hidden": (32,), "latent_dim": 4}
    training = {"epochs": 30, "learning_rate": 1e-2, "alpha": 0.1}
    return trained(tmp_path_factory, "photos", data, model, **training)


@pytest.fixture(scope="session")
def photos_bundle(tmp_path_factory, photos_run):
    return exported(tmp_path_factory, photos_run, "photos", formats=("onnx",))


@pytest.fixture(scope="session")
def few_run(tmp_path_factory, few_csv, workstation):
    """A run with folds."""
    data = {"source": str(few_csv), "label": "broken", "folds": 3}
    training = {"epochs": 60, "patience": 20, "batch_size": 32, "learning_rate": 1e-2}
    return trained(tmp_path_factory, "few", data, {"hidden": (16,), "latent_dim": 2}, **training)


@pytest.fixture(scope="session")
def few_bundle(tmp_path_factory, few_run):
    """It in float and in int8, by ONNX and by networks in TFLite."""
    return exported(tmp_path_factory, few_run, "few", precisions=("fp32", "int8"))


@pytest.fixture(scope="session")
def pump_run(tmp_path_factory, pump_csv, workstation):
    columns = {"recording": "machine", "time": "time", "label": "fault"}
    data = {"source": str(pump_csv), "window": WINDOW, "stride": STRIDE, "folds": 1, **columns}
    model = {"hidden": (12, 16, 48), "latent_dim": 4}
    training = {"epochs": 20, "batch_size": 32, "learning_rate": 5e-3}
    return trained(tmp_path_factory, "pump", data, model, **training)


@pytest.fixture(scope="session")
def states_run(tmp_path_factory, states_csv, workstation):
    data = {"source": str(states_csv), "classes": "state", "folds": 1}
    training = {"epochs": 25, "learning_rate": 3e-3}
    return trained(tmp_path_factory, "machine", data, {"hidden": (32, 16)}, **training)


@pytest.fixture(scope="session")
def fleet_csv(tmp_path_factory):
    """Normal rows of three machines, interleaved, of which p3 is twice as noisy."""
    path, rng = tmp_path_factory.mktemp("data") / "fleet.csv", np.random.default_rng(5)
    rows = sensor_rows(900, 4)
    rows[2::3] += rng.normal(0.0, 1.0, (300, 6)) * [1.0, 0.04, 200.0, 0.1, 0.4, 10.0]
    lines = ([f"p{i % 3 + 1}", *row] for i, row in enumerate(rows.tolist()))
    return write_table(path, ["machine", *SENSORS], lines)


@pytest.fixture(scope="session")
def fleet_run(tmp_path_factory, fleet_csv, workstation):
    data = {"source": str(fleet_csv), "machine": "machine", "folds": 1}
    training = {"epochs": 20, "learning_rate": 3e-3, "alpha": 0.05}
    return trained(tmp_path_factory, "fleet", data, {"hidden": (32, 16)}, **training)


@pytest.fixture(scope="session")
def digits_bundle(tmp_path_factory, digits_run):
    return exported(tmp_path_factory, digits_run, "digits")


@pytest.fixture(scope="session")
def digits_int8_bundle(tmp_path_factory, digits_run):
    """Every ONNX file of the digits, in float and in int8."""
    precisions = {"formats": ("onnx",), "precisions": ("fp32", "int8"), "allow_degraded": True}
    return exported(tmp_path_factory, digits_run, "digits-int8", **precisions)


@pytest.fixture(scope="session")
def table_bundle(tmp_path_factory, table_run):
    return exported(tmp_path_factory, table_run, "sensors")


@pytest.fixture(scope="session")
def pump_bundle(tmp_path_factory, pump_run):
    return exported(tmp_path_factory, pump_run, "pump")


@pytest.fixture(scope="session")
def states_bundle(tmp_path_factory, states_run):
    return exported(tmp_path_factory, states_run, "machine")


@pytest.fixture(scope="session")
def fleet_bundle(tmp_path_factory, fleet_run):
    return exported(tmp_path_factory, fleet_run, "fleet", formats=("onnx",))


@pytest.fixture(scope="session")
def pip():
    """Runs a Python's pip; where no index answers, skips, but never in CI."""

    def call(python, command, *options):
        asked = [python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *options]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if "connection broken by" in done.stderr and not os.environ.get("CI"):
            pytest.skip("no package index can be reached from this machine")
        assert done.returncode == 0, done.stderr

    return call


@pytest.fixture(scope="session")
def pip_install(pip):
    """Installs with a Python's pip."""
    return lambda python, *options: pip(python, "install", *options)


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Types what a command refuses as wrong usage, in a folder that stays empty; what it says."""

    def call(main, arguments):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as e:
            main(arguments)
        assert e.value.code == 2
        assert list(tmp_path.iterdir()) == []
        return capsys.readouterr().err

    return call


@pytest.fixture
def refused_empty(refused):
    """The same of an empty path, which is not the current folder."""

    def call(main, arguments):
        assert "an empty text. Is a variable not set?" in refused(main, arguments)

    return call


@pytest.fixture(scope="session")
def strange():
    """Texts that would control a terminal, or turn around what it shows."""
    controls = ["\x1b[31m", "\n", "\r", "\x9b", "\x7f", "\x00", "\x85", "\u2028", "\udc80"]
    return [*controls, "\u202e", "\u2066", "\u200e", "\u200f", "\u061c"]


@pytest.fixture
def refused_in_a_line(refused, strange):
    """Types what is refused with each of these in place of TEXT; none reaches the terminal."""

    def call(main, arguments):
        for text in strange:
            said = refused(main, [each.replace("TEXT", f"a{text}b") for each in arguments])
            *usage, line = said.removesuffix("\n").split("\n")
            assert ": error: " in line
            assert line.isprintable()
            assert usage[0].startswith("usage: ")
            assert all(each.isprintable() for each in usage)

    return call


@pytest.fixture
def bundle_copy(digits_bundle, tmp_path):
    """A copy of the digits bundle, to damage."""
    return shutil.copytree(digits_bundle, tmp_path / "digits")


class Page(HTMLParser):
    """An HTML page taken apart; it fails where elements are not closed in order."""

    def __init__(self, content):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(content)
        assert not self.open

    @property
    def text(self):
        """All its text, with blanks between elements."""
        return " ".join(self.texts)

    def all(self, *tags):
        """The attributes of each element of these kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="session")
def html_page():
    return Page
