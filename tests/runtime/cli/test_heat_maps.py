"""`explain -o FOLDER`: heat maps, and what cannot be asked of them."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def parts(photos, tmp_path):
    """A few photographs, one of them damaged."""
    (tmp_path / "parts").mkdir()
    for i in range(3):
        Image.open(photos / "good" / f"{i:03}.png").save(tmp_path / "parts" / f"{i}.png")
    (tmp_path / "parts" / "bad.png").write_bytes(b"no image")
    return tmp_path / "parts"


def test_a_folder_gets_a_picture_for_each_image(run, photos_bundle, photos, tmp_path):
    for out in ("maps", "maps/", "./maps"):  # each in place of the one before
        done = run("explain", photos_bundle, photos, "-o", f"{tmp_path}/{out}")
        assert (done.code, done.out) == (0, "")
        assert done.err.startswith("wrote 126 heat maps to ")
    assert len(list((tmp_path / "maps").rglob("*.png"))) == 126


def test_images_that_are_none_are_rejected_by_name(run, photos_bundle, parts, tmp_path):
    done = run("explain", photos_bundle, parts, "-o", tmp_path / "maps")
    assert done.code == 1
    assert f"{parts / 'bad.png'} is not a readable image" in done.err
    assert not (tmp_path / "maps").exists()
    options = ("--on-bad-row", "reject", "--json")
    done = run("explain", photos_bundle, parts, "-o", tmp_path / "maps", *options)
    assert done.code == 0
    summary = json.loads(done.out)
    assert (summary["scored"], summary["rejected"]) == (3, 1)
    assert "bad.png" in (tmp_path / "maps.rejects.csv").read_text()
    assert f"1 of 4 rejected, see {tmp_path / 'maps.rejects.csv'}" in done.err


@pytest.mark.parametrize("option", [["--resume"], ["--keep", "a"], ["--metrics", "m.prom"]])
def test_options_of_files_are_wrong_usage(run, photos_bundle, parts, tmp_path, option, capsys):
    with pytest.raises(SystemExit):
        run("explain", photos_bundle, parts, "-o", tmp_path / "maps", *option)
    assert f"expected no {option[0]} with a folder of heat maps" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["parts", "parts/maps", "."])
def test_heat_maps_are_never_among_what_is_read(run, photos_bundle, parts, tmp_path, out):
    done = run("explain", photos_bundle, parts, "-o", tmp_path / out)
    assert done.code == 1
    assert "expected " in done.err
    assert sorted(f.name for f in parts.iterdir()) == ["0.png", "1.png", "2.png", "bad.png"]


def test_other_folders_are_never_replaced(run, photos_bundle, parts, tmp_path, check_failed):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    done = run("explain", photos_bundle, parts, "-o", tmp_path / "mine")
    check_failed(done, "expected a new path, or an earlier folder of heat maps to replace")


def test_a_table_has_no_heat_maps(run, golden, golden_rows, tmp_path, check_failed):
    np.save(tmp_path / "x.npy", golden_rows(4, 0))
    done = run("explain", golden, tmp_path / "x.npy", "-o", tmp_path / "maps")
    check_failed(done, "expected a model of images, to draw heat maps.")


def test_for_images_the_message_of_a_table_names_heat_maps(run, photos_bundle, parts, check_failed):
    check_failed(run("explain", photos_bundle, parts), "for heat maps of images, a folder: -o maps")


@pytest.mark.parametrize("name", ["map.png", "map.jpg"])
def test_the_name_of_one_picture_is_answered_by_a_folder(run, golden, golden_rows, tmp_path, name):
    done = run("explain", golden, golden_rows, "-o", tmp_path / name)
    assert done.code == 1
    assert "expected a folder for heat maps, such as -o maps" in done.err
