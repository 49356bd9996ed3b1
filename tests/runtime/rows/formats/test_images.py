"""Images of a folder: what training reads of it, each a row; what does not fit is bad."""

import re
import sys

import numpy as np
import pytest
from PIL import Image

from vae_keras import DataConfig
from vae_keras.data.images import SUFFIXES, load_folder
from vae_runtime.rows.formats import images, registry
from vae_runtime.rows.tables import ColumnError


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


def files_of(found):
    return [file for block in found.blocks for file in block.where["file"].tolist()]


@pytest.fixture
def folder(tmp_path):
    """Images of all kinds and modes, 5 x 7 pixels."""
    rng, where = np.random.default_rng(0), tmp_path / "images"
    (where / "b" / "deep").mkdir(parents=True)
    for i, ending in enumerate(SUFFIXES):
        mode = {".pgm": "L", ".ppm": "RGB", ".gif": "P"}.get(ending, ("L", "RGB")[i % 2])
        image = Image.fromarray(rng.integers(0, 256, (5, 7, 3), np.uint8)).convert(mode)
        image.save(
            where / ("b", "b/deep", ".")[i % 3] / f"{9 - i}{ending.upper() if i % 2 else ending}"
        )
    for mode in ("1", "LA", "RGBA", "P"):
        image = Image.fromarray(rng.integers(0, 256, (5, 7, 4), np.uint8), "RGBA").convert(mode)
        image.save(where / f"mode_{mode}.png")
    (where / "notes.txt").write_text("no image")
    (where / "folder.png").mkdir()
    return where


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_those_that_training_reads(folder, wanted, read, monkeypatch, channels):
    monkeypatch.setattr(images, "SHARD_IMAGES", 6)
    trained = load_folder(DataConfig(str(folder), channels=channels))
    found = read(folder, wanted((5, 7, channels)))
    assert found.x.dtype == np.uint8
    np.testing.assert_array_equal(found.x, trained.x)
    assert len(found.x) == len(SUFFIXES) + 4
    assert not found.bad
    assert [len(block.x) for block in found.blocks] == [4, 2, 4, 2, 2]
    names = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*.*")) if p.is_file()]
    assert files_of(found) == [name for name in names if name != "notes.txt"]
    np.testing.assert_array_equal(found.row, np.arange(len(found.x)))


def test_endings_are_those_of_training():
    assert images.SUFFIXES == SUFFIXES


def test_images_that_do_not_fit_are_bad(wanted, read, tmp_path):
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7)
    Image.fromarray(grey).save(tmp_path / "0.png")
    Image.fromarray(grey.T.copy()).save(tmp_path / "1.png")
    Image.fromarray(grey.astype(np.uint16)).save(tmp_path / "2.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    (tmp_path / "4.png").write_bytes((tmp_path / "0.png").read_bytes()[:50])
    found = read(tmp_path, wanted((5, 7, 1)))
    assert found.bad[1] == f"{tmp_path / '1.png'}: expected 5 x 7 pixels. Received: 7 x 5."
    assert found.bad[2] == f"{tmp_path / '2.png'}: expected 8 bits a channel. Received: mode I;16."
    assert found.bad[3].startswith(f"{tmp_path / '3.png'} is not a readable image: ")
    assert found.bad[4].startswith(f"{tmp_path / '4.png'} is not a readable image: ")
    np.testing.assert_array_equal(found.x[0, ..., 0], grey)
    assert files_of(found) == [f"{i}.png" for i in range(5)]


def test_a_folder_without_images_has_no_shards(wanted, tmp_path):
    assert registry.plan(tmp_path, wanted((5, 7, 1))) == []


def test_images_that_came_since_are_found(folder, wanted):
    before = sum(shard.rows for shard in registry.plan(folder, wanted((5, 7, 1))))
    Image.new("L", (7, 5)).save(folder / "more.png")
    assert sum(shard.rows for shard in registry.plan(folder, wanted((5, 7, 1)))) == before + 1


def test_images_that_went_since_are_missed(folder, wanted):
    (shard,) = registry.plan(folder, wanted((5, 7, 1)))
    images.images_of.cache_clear()
    (folder / "mode_1.png").unlink()
    with refuses("expected at least 14 images. Received: 13."):
        list(registry.read(shard, wanted((5, 7, 1))))


@pytest.mark.parametrize("shape", [(35,), (5, 7), (5, 7, 4)])
def test_a_model_of_other_rows_is_refused(folder, wanted, shape):
    with refuses(f"expected rows of shape {shape}. Received: a folder of images"):
        registry.plan(folder, wanted(shape))


def test_no_column_can_be_kept(folder, wanted):
    with refuses("whose parts have names, for id", ColumnError):
        registry.plan(folder, wanted((5, 7, 1), keep=("id",)))


def test_without_pillow_the_error_says_what_to_install(folder, wanted, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with refuses(f"{folder}: reading images needs Pillow: pip install 'vae-runtime[images]'"):
        registry.plan(folder, wanted((5, 7, 1)))
