"""Images of a folder: what training reads of it, each a row; what does not fit is bad."""

import logging
import re
import sys

import numpy as np
import pytest
from PIL import Image

from vae_keras import DataConfig
from vae_keras.data.images import load_images
from vae_runtime.bundle.manifest import ImageSpec
from vae_runtime.rows.formats import images, registry
from vae_runtime.rows.formats.image_files import SUFFIXES
from vae_runtime.rows.text.tables import ColumnError


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
    trained = load_images(DataConfig(str(folder), channels=channels))
    found = read(folder, wanted((5, 7, channels)))
    assert found.x.dtype == np.uint8
    np.testing.assert_array_equal(found.x, trained.x)
    assert len(found.x) == len(SUFFIXES) + 4
    assert not found.bad
    assert [len(block.x) for block in found.blocks] == [4, 2, 4, 2, 2]
    names = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*.*")) if p.is_file()]
    assert files_of(found) == [name for name in names if name != "notes.txt"]
    np.testing.assert_array_equal(found.row, np.arange(len(found.x)))


@pytest.mark.parametrize("shape", [(5, 7), (9, 4), (64, 48)])
@pytest.mark.parametrize("channels", [1, 3])
def test_photographs_of_any_size_become_the_rows_that_training_saw(
    tmp_path, wanted, read, shape, channels
):
    rng = np.random.default_rng(0)
    for i, size in enumerate([(60, 80), (5, 7), (48, 36), (1, 9), (200, 31)]):
        exif = Image.Exif()
        exif[0x0112] = i + 3
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.{('png', 'jpg')[i % 2]}", exif=exif)
    trained = load_images(DataConfig(str(tmp_path), image_size=shape, channels=channels))
    found = read(tmp_path, wanted((*shape, channels), image=trained.image))
    assert (found.x.dtype, found.x.shape) == (np.uint8, (5, *shape, channels))
    np.testing.assert_array_equal(found.x, trained.x)
    assert not found.bad


def test_images_of_16_bits_become_the_rows_that_training_saw(tmp_path, wanted, read):
    for i, size in enumerate([(60, 80), (5, 7), (48, 36)]):
        pixels = np.random.default_rng(i).integers(0, 65536, size).astype(np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"{i}.{('png', 'tif')[i % 2]}")
    trained = load_images(DataConfig(str(tmp_path), image_size=(9, 12)))
    assert (trained.x.dtype, trained.value_range) == (np.float32, (0.0, 65535.0))
    found = read(tmp_path, wanted((9, 12, 1), image=trained.image))
    assert found.x.dtype == np.float32
    np.testing.assert_array_equal(found.x, trained.x)


def test_a_single_image_is_a_row(folder, wanted, read):
    found = read(folder / "mode_LA.png", wanted((5, 7, 1)))
    assert found.x.shape == (1, 5, 7, 1)
    assert [list(block.where) for block in found.blocks] == [["row"]]
    assert registry.plan(folder / "9.png", wanted((5, 7, 1)))[0].rows == 1


def test_an_image_of_other_sides_than_in_training_is_told_once(tmp_path, wanted, read, caplog):
    for i in range(3):
        Image.new("L", (90, 10 + i)).save(tmp_path / f"{i}.png")
        (tmp_path / f"kind {i}").mkdir()
        Image.new("L", (90, 10 + i)).save(tmp_path / f"kind {i}" / "0.png")
    Image.new("L", (80, 60)).save(tmp_path / "fits.png")
    spec = ImageSpec(8, "bilinear", "upright", (1.25, 4 / 3))
    with caplog.at_level(logging.WARNING, "vae_runtime"):
        assert not read(tmp_path, wanted((6, 8, 1), image=spec)).bad
    (line,) = caplog.messages
    assert line.startswith(
        f"{tmp_path / '0.png'}: 90 x 10 pixels (width x height) are 9 times as wide as high; "
        "images in training were 1.25 to 1.33."
    )


def test_images_that_do_not_fit_are_bad(wanted, read, tmp_path):
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7)
    Image.fromarray(grey).save(tmp_path / "0.png")
    Image.fromarray(grey.T.copy()).save(tmp_path / "1.png")
    Image.fromarray(grey.astype(np.uint16)).save(tmp_path / "2.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    (tmp_path / "4.png").write_bytes((tmp_path / "0.png").read_bytes()[:50])
    found = read(tmp_path, wanted((5, 7, 1)))
    assert found.bad[1] == (
        f"{tmp_path / '1.png'}: expected 7 x 5 pixels (width x height). Received: 5 x 7. The model "
        "was trained on images of that size alone; training with --image-size 7x5 has others "
        "resized."
    )
    assert found.bad[2] == (
        f"{tmp_path / '2.png'}: expected 8 bits a channel. Received: 16 (mode I;16)."
    )
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
    with refuses(f"expected rows of shape {shape}. Received: a folder of images, which have"):
        registry.plan(folder, wanted(shape))
    with refuses(f"expected rows of shape {shape}. Received: an image; images have height"):
        registry.plan(folder / "9.png", wanted(shape))


def test_no_column_can_be_kept(folder, wanted):
    with refuses("whose parts have names, for id", ColumnError):
        registry.plan(folder, wanted((5, 7, 1), keep=("id",)))


def test_without_pillow_the_error_says_what_to_install(folder, wanted, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with refuses(f"{folder}: reading images needs Pillow: pip install 'vae-runtime[images]'"):
        registry.plan(folder, wanted((5, 7, 1)))
