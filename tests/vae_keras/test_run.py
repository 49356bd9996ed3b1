"""The run directory holds what export needs, and nothing that must be unpickled."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from vae_keras import open_run
from vae_keras.evaluate import score_rows
from vae_keras.run import RUN, write_run
from vae_runtime._base.directories import check_replaceable


def test_it_holds_the_files_it_promises(digits_run):
    assert {path.name for path in digits_run.path.iterdir()} == {
        "calibration.npz",
        "config.json",
        "data.json",
        "history.csv",
        "metrics.json",
        "model.keras",
        "test.npz",
        "training.npz",
    }


def test_opened_again_it_says_the_same(digits_run):
    again = open_run(digits_run.path)
    assert again.config == digits_run.config
    assert again.data == digits_run.data


def test_choices_that_were_made_for_the_user_are_recorded(digits_run):
    assert digits_run.config.model.network == "conv"
    assert digits_run.config.model.likelihood == "bernoulli"


def test_the_loaded_model_gives_the_scores_of_the_trained_one(table_run):
    score = score_rows(table_run.vae, table_run.calibration["x"])["score"]
    np.testing.assert_array_equal(score, table_run.calibration["score"])


def test_calibration_rows_are_not_tested_on(table_run):
    assert len(table_run.calibration["x"]) == table_run.data.rows["calibration"] == 180
    tested = {row.tobytes() for row in table_run.test["x"]}
    assert not any(row.tobytes() in tested for row in table_run.calibration["x"])


def test_history_has_a_line_for_each_epoch(digits_run):
    lines = (digits_run.path / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,elbo,kl,loss,nll,val_elbo,val_kl,val_loss,val_nll"
    assert [line.split(",")[0] for line in lines[1:]] == [str(i) for i in range(12)]


def test_metrics_are_json_that_a_script_can_read(digits_long_run):
    metrics = json.loads((digits_long_run.path / "metrics.json").read_text())
    assert metrics["auroc"] > 0.98


def test_a_path_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a run directory.*no config.json"):
        open_run(tmp_path)


def test_a_bundle_or_a_file_in_its_place_is_told_apart(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n")
    with pytest.raises(ValueError, match=r"Received: a file\. The run comes first"):
        open_run(tmp_path / "rows.csv")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="a bundle, which is exported already"):
        open_run(tmp_path)


@pytest.mark.parametrize("name", ["data.json", "model.keras", "calibration.npz", "test.npz"])
@pytest.mark.parametrize("damage", [None, lambda content: content[: len(content) // 2]])
def test_a_missing_or_cut_file_is_refused_by_name(tmp_path, table_run, name, damage):
    copy = shutil.copytree(table_run.path, tmp_path / "run")
    content = (copy / name).read_bytes()
    (copy / name).unlink() if damage is None else (copy / name).write_bytes(damage(content))

    def read_all():
        run = open_run(copy)
        return run.vae, run.calibration, run.test  # each is read when first asked for

    with pytest.raises(ValueError, match=rf"{re.escape(name)} cannot be read.*Train again"):
        read_all()


def test_a_damaged_record_is_refused_by_name(tmp_path, digits_run):
    (tmp_path / "data.json").write_text((digits_run.path / "data.json").read_text())
    config = dataclasses.asdict(digits_run.config)
    config["train"]["epochs"] = "many"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        ValueError, match=r'config.json.train.epochs: expected int. Received: "many"'
    ):
        open_run(tmp_path)


def test_a_run_with_classes_has_their_names_and_the_labels_of_what_it_held_back(states_run):
    assert states_run.data.classes == ("full, hot", "half", "idle")
    assert states_run.vae.classes == 3
    for arrays in (states_run.calibration, states_run.test):
        assert arrays["labels"].shape == arrays["x"].shape[:1]
        assert arrays["labels"].dtype == np.int32


def test_a_run_that_knows_of_no_classes_can_still_be_read(tmp_path, table_run):
    """Those of earlier versions have no such keys."""
    copy = shutil.copytree(table_run.path, tmp_path / "run")
    config, card = (json.loads((copy / f"{name}.json").read_text()) for name in ("config", "data"))
    del config["data"]["classes"], config["data"]["labels_per_class"], card["classes"]
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "data.json").write_text(json.dumps(card))
    assert open_run(copy).config.data == table_run.config.data
    assert open_run(copy).data == table_run.data


def test_it_keeps_some_of_the_rows_that_were_trained_on(digits_run):
    x, held_back = digits_run.training["x"], digits_run.calibration["x"]
    assert (x.shape, x.dtype) == ((512, 8, 8, 1), held_back.dtype)
    rows = {row.tobytes() for row in x}
    assert len(rows) == 512
    assert not rows & {row.tobytes() for row in held_back}


def test_its_history_is_that_of_the_file(digits_run):
    lines = (digits_run.path / "history.csv").read_text().splitlines()
    assert ["epoch", *digits_run.history] == lines[0].split(",")
    assert {len(values) for values in digits_run.history.values()} == {len(lines) - 1}
    assert digits_run.history["val_elbo"][-1] == float(
        lines[-1].split(",")[lines[0].split(",").index("val_elbo")]
    )


MINE = ["readings.npz", "notes.json", "model.keras.bak", "test.npz.d/x", "checkpoints/x", ".git/x"]


@pytest.mark.parametrize("name", MINE)
def test_a_file_that_no_run_writes_refuses_the_replacement(digits_run, tmp_path, name):
    path = shutil.copytree(digits_run.path, tmp_path / "run")
    check_replaceable(path, RUN)
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("years of work")
    with pytest.raises(ValueError, match=f"also {re.escape(name.split('/')[0])}, which would be"):
        write_run(path, vae=None, history={}, records={}, arrays={})
    assert (path / name).read_text() == "years of work"


@pytest.mark.parametrize(
    "config",
    [
        '{"latent_dim": 16}',
        '{"model": {"latent_dim": 16}, "train": {}}',
        '["data", "model", "train", "versions"]',
        '{"latent_dim": ',
        "",
    ],
)
def test_the_folder_of_another_projects_model_is_not_replaced(tmp_path, config):
    """Others keep a config.json beside a model.keras, too."""
    for name, content in {"config.json": config, "model.keras": "mine", "test.npz": "mine"}.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match="expected a new path, or an earlier run directory"):
        write_run(tmp_path, vae=None, history={}, records={}, arrays={})
    assert (tmp_path / "model.keras").read_text() == "mine"


def test_a_run_of_an_earlier_version_is_replaced(digits_run, tmp_path):
    """One that was written before there were rows for training, and other records than now."""
    path = shutil.copytree(digits_run.path, tmp_path / "run")
    (path / "training.npz").unlink()
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({name: {"old": 1} for name in config}))
    check_replaceable(path, RUN)


def test_a_run_in_the_names_of_before_says_the_same(fleet_run, tmp_path):
    """One of before `unit` and `group` were each split into words of one meaning."""
    path = shutil.copytree(fleet_run.path, tmp_path / "run")
    names = {"one_hot": "groups", "recording": "group", "machine_column": "unit"}
    card = json.loads((path / "data.json").read_text())
    (path / "data.json").write_text(json.dumps({names.get(k, k): v for k, v in card.items()}))
    config = json.loads((path / "config.json").read_text())
    names = {"recording": "group", "machine": "unit"}
    config["data"] = {names.get(k, k): v for k, v in config["data"].items()}
    (path / "config.json").write_text(json.dumps(config))
    for name in ("calibration", "test"):
        arrays = dict(getattr(fleet_run, name))
        np.savez(path / f"{name}.npz", unit=arrays.pop("machine"), **arrays)
    read = open_run(path)
    assert (read.config, read.data) == (fleet_run.config, fleet_run.data)
    assert read.data.machine_column == read.config.data.machine == "machine"
    for name in ("calibration", "test"):
        assert set(getattr(read, name)) == set(getattr(fleet_run, name))
        np.testing.assert_array_equal(
            getattr(read, name)["machine"], getattr(fleet_run, name)["machine"]
        )


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_text_is_not_the_current_folder(digits_run, monkeypatch, path):
    monkeypatch.chdir(digits_run.path)
    with pytest.raises(ValueError, match="expected the path of a run directory"):
        open_run(path)
