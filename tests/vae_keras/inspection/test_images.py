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
