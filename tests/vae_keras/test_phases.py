"""A series with a period is as normal from one row as from the next, wherever a device begins."""

import csv

import numpy as np
import pytest

from vae_export import export
from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_keras.evaluate import calibration_scores, score_rows
from vae_runtime import Runner, StreamScorer
from vae_runtime.cli import main
from vae_runtime.verdicts.calibration import p_values

PERIOD = WINDOW = 16
STRIDE = 4
ALPHA = 0.05
QUIET = {"log": lambda line: None}

# Neighbouring windows alarm together: as many as fit side by side tell as much as all of them.
# Four deviations of a share that so many alarm.
TOLERANCE = 4.0


def series(rows, seed, first=0):
    """Two channels of one period, in which row `first` of it comes first: float32 (rows, 2)."""
    t = 2 * np.pi * ((np.arange(rows) + first) % PERIOD) / PERIOD
    clean = np.stack([np.sin(t) + 0.5 * np.sin(2 * t + 1), np.cos(t)], axis=1)
    return (clean + np.random.default_rng(seed).normal(0, 0.2, clean.shape)).astype(np.float32)


def windows_from(x, first):
    """The windows at the stride, as a device that begins at this row cuts them."""
    return np.stack([x[i : i + WINDOW] for i in range(first, len(x) - WINDOW + 1, STRIDE)])


def write(path, recordings):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["day", "a", "b"])
        for day, rows in enumerate(recordings):
            writer.writerows([f"d{day:02d}", *row] for row in rows.tolist())
    return path


CASES = {
    # a recording begins at any phase, too
    "one recording": ([series(2400, 1)], {"folds": 1, "columns": ("a", "b")}),
    "few recordings": ([series(800, i, i) for i in range(3)], {"folds": 1, "recording": "day"}),
    "many recordings": (
        [series(320, i, 4 * i) for i in range(12)],
        {"folds": 1, "recording": "day"},
    ),
    "folds": ([series(1200, 1)], {"folds": 3, "columns": ("a", "b")}),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs by the name of the case, each trained once."""
    made = {}

    def make(case):
        if case not in made:
            folder, (recordings, options) = tmp_path_factory.mktemp("phases"), CASES[case]
            source = str(write(folder / "series.csv", recordings))
            made[case] = train(
                DataConfig(source, window=WINDOW, stride=STRIDE, **options),
                ModelConfig(hidden=(8, 16, 32), latent_dim=4, centres=32),
                TrainConfig(epochs=16, batch_size=16, learning_rate=5e-3, alpha=ALPHA),
                out=folder / "run",
                **QUIET,
            )[0]
        return made[case]

    return make


def check_rates(rates, calibration, judged):
    """Alarms are alpha within chance, and from one offset as from another."""
    of_threshold, of_rate = (
        np.sqrt(ALPHA * (1 - ALPHA) * WINDOW / STRIDE / windows)
        for windows in (calibration, judged)
    )
    assert abs(np.mean(rates) - ALPHA) < TOLERANCE * np.hypot(of_threshold, of_rate)
    assert np.ptp(rates) < TOLERANCE * of_rate


@pytest.mark.parametrize("case", CASES)
def test_alarms_do_not_depend_on_where_windows_begin(trained, case):
    run, fresh = trained(case), series(4800, 99)
    known = np.sort(calibration_scores(run.calibration))
    rates = []
    for first in range(0, PERIOD, 3):
        score = score_rows(run.vae, windows_from(fresh, first))["score"]
        rates.append(np.mean(p_values(score, known, 0.0) <= ALPHA))
    check_rates(rates, len(known), len(windows_from(fresh, 0)))


@pytest.fixture(scope="module")
def bundle(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("phases") / "bundle"
    return export(trained("one recording"), out, formats=("onnx",), **QUIET)


def test_a_stream_may_start_anywhere(bundle):
    runner, fresh, rates = Runner.load(bundle), series(2400, 98), []
    for first in range(0, PERIOD, 5):
        found = StreamScorer(runner).push(fresh[first:])
        rates.append(np.mean([result.is_anomaly for result in found]))
    known = runner.manifest.calibration["fp32"].scores
    check_rates(rates, len(known), len(windows_from(fresh, 0)))


def test_thresholds_of_another_place_are_set_on_windows_at_every_offset(bundle, tmp_path, capsys):
    recording, new = write(tmp_path / "here.csv", [series(2400, 97)]), tmp_path / "new"
    assert main(["calibrate", str(bundle), str(recording), "-o", str(new), "--stride", "8"]) == 0
    assert "calibrated on 299 windows" in capsys.readouterr().err  # one in 8 of 2,385
    runner, fresh = Runner.load(new), series(4800, 96)
    rates = [
        runner.score(windows_from(fresh, first)).is_anomaly.mean() for first in range(0, PERIOD, 3)
    ]
    check_rates(rates, 299 * 8 // STRIDE, len(windows_from(fresh, 0)))


def test_windows_at_every_offset_are_trained_on(trained):
    card = trained("one recording").data
    assert (card.stride, card.input_shape) == (STRIDE, (WINDOW, 2))
    assert card.rows["train"] > 0.5 * 2400
    assert sum(card.rows[name] for name in ("calibration", "test")) < 0.4 * 2400 / STRIDE
    shapes = [series(WINDOW, 0, phase) for phase in range(PERIOD)]
    for part in (trained("one recording").training, trained("one recording").calibration):
        likeness = [np.mean(part["x"] * shape, axis=(1, 2)) for shape in shapes]
        assert set(np.argmax(likeness, axis=0)) == set(range(PERIOD))
