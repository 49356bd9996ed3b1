"""Folders of images: of any kind, of one size, normal or not; what is broken is named."""

import re

import numpy as np
import pytest
from PIL import Image

from vae_keras import data
from vae_keras.configs import DataConfig

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture
def folder(tmp_path):
    """A folder to save images in."""

    class Folder:
        path = tmp_path / "photos"

        def save(self, name, pixels, **options):
            image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            image.save(self.path / name, **options)

        def load(self, **options):
            return data.load(DataConfig(str(self.path), **options))

    return Folder()


def test_grey_images_have_one_channel(folder):
    folder.save("b.png", GREY)
    folder.save("a.png", GREY[::-1])
    dataset = folder.load()
    assert (dataset.name, dataset.value_range) == ("photos", (0.0, 255.0))
    assert dataset.x.dtype == np.uint8
    np.testing.assert_array_equal(dataset.x, np.stack([GREY[::-1], GREY])[..., None])
    assert dataset.y.tolist() == [False, False]


def test_colour_images_have_three(folder):
    folder.save("a.png", COLOUR)
    np.testing.assert_array_equal(folder.load().x, COLOUR[None])


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "pgm", "PNG", "gif"])
def test_formats_without_loss_give_their_pixels(folder, ending):
    folder.save(f"a.{ending}", GREY)
    assert folder.load(channels=1).x[0, :, :, 0].tolist() == GREY.tolist()


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp"])
def test_formats_with_loss_give_about_their_pixels(folder, ending):
    folder.save(f"a.{ending}", np.full((16, 16, 3), 90, np.uint8))
    np.testing.assert_allclose(folder.load().x, 90, atol=3)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(Image.fromarray(COLOUR).convert("RGBA"), COLOUR, id="RGBA"),
        pytest.param(Image.fromarray(GREY).convert("LA"), GREY[..., None], id="LA"),
        pytest.param(Image.fromarray(GREY > 99), (GREY > 99)[..., None] * 255, id="1"),
        pytest.param(Image.fromarray(GREY).convert("P"), GREY[..., None].repeat(3, 2), id="P"),
    ],
)
def test_other_modes_become_grey_or_colour(folder, image, expected):
    folder.save("a.png", image)
    np.testing.assert_array_equal(folder.load().x, expected[None])


def test_a_palette_with_transparent_colours_is_one_of_colours(folder):
    image = Image.fromarray(COLOUR).quantize(8)
    expected = np.asarray(image.convert("RGB"))
    folder.save("a.png", image, transparency=bytes([0, 128, 255]))
    np.testing.assert_array_equal(folder.load().x, expected[None])


@pytest.mark.parametrize("pixels", [GREY.astype(np.uint16) * 200, GREY.astype(np.float32)])
@pytest.mark.parametrize("options", [{}, {"on_bad_row": "reject"}, {"channels": 1}])
def test_more_than_8_bits_are_refused_and_not_cut(folder, pixels, options):
    folder.save("a.tif", pixels)
    with refuses("a.tif: expected 8 bits a channel. Received: mode ") as e:
        folder.load(**options)
    assert "or give them as .npy" in str(e.value)


@pytest.mark.parametrize(
    ("other", "received"),
    [
        (GREY[:5], "5 x 8 pixels of 1 channels"),
        (GREY[:, :7], "6 x 7 pixels of 1 channels"),
        (COLOUR, "6 x 8 pixels of 3 channels"),
    ],
)
def test_images_that_differ_are_refused_by_name_with_what_to_do(folder, other, received):
    folder.save("a.png", GREY)
    folder.save("b.png", other)
    with refuses(
        f"b.png: expected 6 x 8 pixels of 1 channels, as the images before it. Received: {received}"
    ) as e:
        folder.load(on_bad_row="reject")  # which is for broken files alone
    assert "--image-size HEIGHT,WIDTH and --channels 1 or 3" in str(e.value)


def test_images_can_be_made_of_one_size_and_kind(folder):
    folder.save("a.png", GREY)
    folder.save("b.png", COLOUR[:4])
    folder.save("c.png", np.full((9, 2), 70, np.uint8))
    dataset = folder.load(image_size=(3, 4), channels=3)
    assert dataset.x.shape == (3, 3, 4, 3)
    expected = Image.fromarray(GREY).convert("RGB").resize((4, 3), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(dataset.x[0], np.asarray(expected))
    assert (dataset.x[2] == 70).all()
    assert folder.load(image_size=(3, 4), channels=1).x.shape == (3, 3, 4, 1)


@pytest.mark.parametrize("name", ["normal", "good"])
def test_what_is_not_in_the_normal_folder_is_an_anomaly(folder, name):
    for file in (
        "a/1.png",
        f"{name}/2.png",
        f"{name}/deep/3.png",
        "z.png",
        f"abnormal/{name}/4.png",
    ):
        folder.save(file, GREY)
    dataset = folder.load()
    files = ["a/1", f"abnormal/{name}/4", f"{name}/2", f"{name}/deep/3", "z"]
    expected = [name not in file.split("/")[:-1] for file in sorted(files)]
    assert dataset.y.tolist() == expected
    assert sum(expected) == 2


def test_folders_of_other_names_are_all_normal(folder):
    for file in ("cats/1.png", "dogs/2.png", "3.png"):
        folder.save(file, GREY)
    assert folder.load().y.tolist() == [False, False, False]


def test_other_files_are_left_alone(folder):
    folder.save("a.png", GREY)
    (folder.path / "notes.txt").write_text("not an image")
    (folder.path / "folder.png").mkdir()
    assert len(folder.load().x) == 1


def damage(folder, how):
    folder.save("b.png", np.random.default_rng(0).integers(0, 256, (6, 8)).astype(np.uint8))
    content = (folder.path / "b.png").read_bytes()
    damaged = {
        "text": b"not an image",
        "empty": b"",
        "cut": content[:-40],
        "header": content[:16] + b"\xff" * 8 + content[24:],
    }[how]
    (folder.path / "b.png").write_bytes(damaged)


@pytest.mark.parametrize("how", ["text", "empty", "cut", "header"])
def test_a_broken_image_is_refused_by_name_or_left_out(folder, how):
    folder.save("a.png", GREY)
    folder.save("c.png", GREY[::-1])
    damage(folder, how)
    with refuses("b.png is not a readable image: ") as e:
        folder.load()
    assert "(--on-bad-row reject leaves such files out.)" in str(e.value)
    dataset = folder.load(on_bad_row="reject")
    np.testing.assert_array_equal(dataset.x[..., 0], [GREY, GREY[::-1]])
    assert len(dataset.y) == 2
    (note,) = dataset.notes
    assert note.startswith(f"left out: {folder.path / 'b.png'} is not a readable image: ")


def test_a_number_that_is_none_in_a_header_is_a_broken_image(folder):
    folder.save("a.png", GREY)
    (folder.path / "b.pgm").write_bytes(b"P5 8 x 255\n" + bytes(48))
    with refuses("b.pgm is not a readable image: "):
        folder.load()


def test_an_image_too_large_to_be_one_is_a_broken_image(folder, monkeypatch):
    folder.save("a.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with refuses("a.png is not a readable image: "):
        folder.load()


@pytest.mark.parametrize("drop", [False, True])
def test_a_folder_without_images_is_refused(folder, drop):
    folder.path.mkdir()
    if drop:
        (folder.path / "a.png").write_text("broken")
    with refuses(f"{folder.path}: expected images (.png, .jpg, ") as e:
        folder.load(on_bad_row="reject" if drop else "fail")
    assert str(e.value).endswith("Received: none.")
