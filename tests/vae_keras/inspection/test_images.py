"""Folders of images, and arrays."""

import json

import numpy as np
import pytest
from PIL import Image

from vae_keras.cli import main


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for folder, count in (("good", 12), ("scratched", 3)):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for i in range(count):
            side = (24, 32) if i % 3 else (30, 40)
            pixels = rng.integers(0, 255, side, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / folder / f"{i}.png")
    (tmp_path / "photos" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "photos" / "good" / "._0.png").write_bytes(b"x")
    return tmp_path / "photos"


def test_images_are_counted_by_size(photos, capsys):
    assert main(["inspect", "--json", str(photos)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["normal"], found["unreadable"]) == (15, 12, [])
    assert found["sizes"][0] == {"width": 32, "height": 24, "pixels": "grey", "images": 10}
    assert "--image-size" in found["command"]


def test_what_is_no_image_is_named(photos, capsys):
    (photos / "good" / "cut.png").write_bytes(b"x")
    assert main(["inspect", str(photos)]) == 0
    text = capsys.readouterr().out
    assert "cut.png" in text
    assert "--on-bad-row reject" in text


def test_a_page_of_images_is_a_table(photos, tmp_path):
    assert main(["inspect", str(photos), "--html", str(tmp_path / "p.html")]) == 0
    assert "32 x 24" in (tmp_path / "p.html").read_text()


@pytest.mark.parametrize("glob", ["photos/good/*.png", "photos/good/0.png", "photos/*/*.png"])
def test_globs_and_single_images_are_images(photos, glob, capsys, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert main(["inspect", "--json", glob]) == 0
    found = json.loads(capsys.readouterr().out)
    files = [file for file in photos.parent.glob(glob) if not file.name.startswith(".")]
    assert found["images"] == len(files)
    assert found["command"][3] == glob


def test_an_image_that_ends_early_is_told_with_the_reason(photos, capsys):
    whole = (photos / "good" / "0.png").read_bytes()
    (photos / "good" / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert main(["inspect", str(photos)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 image left out (" in text
    assert "cut.png is not a readable image: " in text


def test_folders_are_counted_and_other_formats_told(photos, capsys):
    (photos / "good" / "new.heic").write_bytes(b"x")
    assert main(["inspect", str(photos)]) == 0
    text = capsys.readouterr().out
    assert "good             12" in text
    assert "scratched        3" in text
    assert "1 of .heic" in text


def test_depths_that_training_refuses_are_told(photos, capsys):
    deep = np.full((24, 32), 40_000, np.uint16)
    Image.fromarray(deep).save(photos / "good" / "deep.png")
    assert main(["inspect", str(photos)]) == 0
    assert "images of 8 and of 16 bits are never mixed" in capsys.readouterr().out


def test_a_folder_of_tables_with_a_picture_is_one_of_tables(tmp_path, capsys):
    for i in range(3):
        lines = "".join(f"{j},{j % 7}.5\n" for j in range(50))
        (tmp_path / f"run_{i}.csv").write_text(f"flow,speed\n{lines}")
    Image.new("L", (40, 30)).save(tmp_path / "plot.png")
    assert main(["inspect", str(tmp_path)]) == 0
    assert "3 files: 150 rows of 2 columns" in capsys.readouterr().out


def test_where_no_image_can_be_read_and_where_nothing_is_it_is_said(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"x")
    for source, said in [("a.png", "expected images. Received: "), ("b.csv", "nothing at that")]:
        assert main(["inspect", str(tmp_path / source)]) == 1
        assert said in capsys.readouterr().err


def test_few_images_have_a_level_that_they_suffice_for(photos, capsys):
    assert main(["inspect", str(photos)]) == 0
    text = capsys.readouterr().out
    assert "normal images are few" in text
    assert "--alpha" in text
