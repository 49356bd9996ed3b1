"""Folders of images: of any kind, of one size, normal or not; what is broken is named."""

import re

import numpy as np
import pytest
from PIL import Image

from vae_keras import data
from vae_keras.configs import DataConfig
from vae_keras.data import images
from vae_runtime.bundle.manifest import ImageSpec

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


@pytest.mark.parametrize("options", [{}, {"on_bad_row": "reject"}, {"channels": 1}])
def test_floating_point_images_are_refused_and_not_cut(folder, options):
    folder.save("a.tif", GREY.astype(np.float32))
    with refuses("a.tif: expected 8 or 16 bits a channel. Received: mode F") as e:
        folder.load(**options)
    assert "Give such images as .npy" in str(e.value)


def test_images_of_16_bits_are_rows_of_floats(folder):
    for i, ending in enumerate(("png", "tif")):
        folder.save(f"{i}.{ending}", GREY.astype(np.uint16) * 257 + i)
    dataset = folder.load()
    assert (dataset.x.dtype, dataset.value_range) == (np.float32, (0.0, 65535.0))
    expected = np.stack([GREY.astype(np.float32) * 257 + i for i in (0, 1)])
    np.testing.assert_array_equal(dataset.x[..., 0], expected)
    assert dataset.image == ImageSpec(16, None, "upright", (8 / 6, 8 / 6))
    with refuses("expected --channels 1, or none, of images of 16 bits"):
        folder.load(channels=3)


@pytest.mark.parametrize("options", [{}, {"on_bad_row": "reject"}, {"image_size": (3, 4)}])
def test_images_of_8_and_of_16_bits_are_refused_by_name(folder, options):
    folder.save("a.png", GREY)
    folder.save("b.png", GREY[::-1])
    folder.save("c.png", GREY.astype(np.uint16))
    with refuses(
        f"{folder.path}: expected images of 8 or of 16 bits a channel. Received: 2 of 8, such as "
        f"{folder.path / 'a.png'}, and 1 of 16, such as {folder.path / 'c.png'}."
    ):
        folder.load(**options)


def test_what_was_done_to_images_is_said(folder):
    folder.save("a.png", GREY)
    folder.save("b.png", COLOUR[:4])
    dataset = folder.load(image_size=(3, 4), channels=3)
    assert dataset.image == ImageSpec(8, "bilinear", "upright", (8 / 6, 2.0))
    assert dataset.notes == (
        "resized to 4 x 3 (width x height): 1 of 8 x 6, 1 of 8 x 4",
        "stretched, as their sides have another ratio than 4 x 3: 1 images, such as "
        f"{folder.path / 'b.png'} of 8 x 4",
    )


@pytest.mark.parametrize(
    ("others", "received", "advice"),
    [
        ([GREY[:5]], "2 of 8 x 6, 1 of 8 x 5 (width x height)", "--image-size 8x6 to have"),
        ([GREY.T], "2 of 8 x 6, 1 of 6 x 8 (width x height)", "--image-size 8x6 to have"),
        ([COLOUR], "2 grey, 1 in colour", "--channels 1 to make all of them grey, 3 to keep"),
        (
            [COLOUR[:, :7], COLOUR[:, :7], COLOUR[:, :7]],
            "3 of 7 x 6, 2 of 8 x 6 (width x height); 3 in colour, 2 grey",
            "--image-size 7x6 to have all of them resized, and --channels 1 to make",
        ),
        (
            [GREY[:n, :n] for n in (1, 2, 3, 4, 5, 6)],
            "2 of 8 x 6, 1 of 1 x 1, 1 of 2 x 2, 1 of 3 x 3, 1 of 4 x 4, 2 others (width",
            "--image-size 8x6",
        ),
    ],
)
def test_images_that_differ_are_counted_with_what_to_type(folder, others, received, advice):
    folder.save("a.png", GREY)
    folder.save("b.png", GREY)
    for i, pixels in enumerate(others):
        folder.save(f"c{i}.png", pixels)
    with refuses(f"{folder.path}: expected images of one size and kind. Received: {received}") as e:
        folder.load(on_bad_row="reject")  # which is for broken files alone
    assert f"Type {advice}" in str(e.value)


def test_a_size_that_is_advised_is_small_and_of_the_same_sides(folder):
    folder.save("a.png", np.zeros((300, 400), np.uint8))
    folder.save("b.png", GREY)
    folder.save("c.png", np.zeros((300, 400), np.uint8))
    with refuses("Type --image-size 128x96 to"):
        folder.load()


def test_images_that_fill_the_memory_are_refused_with_what_to_type(folder, monkeypatch):
    monkeypatch.setattr(images, "LARGEST_BYTES", 2**20)
    for name in "abc":
        folder.save(f"{name}.png", np.zeros((600, 800), np.uint8))
    with refuses("Received: 3 of 800 x 600 (width x height), 0.0 GiB. Type --image-size 128x96"):
        folder.load()
    assert len(folder.load(image_size=(96, 128)).x) == 3


def test_photographs_that_lie_on_their_side_are_of_one_size(folder):
    exif = Image.Exif()
    exif[0x0112] = 8
    folder.save("a.png", Image.fromarray(COLOUR).transpose(Image.Transpose.ROTATE_270), exif=exif)
    folder.save("b.png", COLOUR)
    np.testing.assert_array_equal(folder.load().x, [COLOUR, COLOUR])


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
    folder.save("__MACOSX/a.png", COLOUR)
    folder.save(".thumbnails/a.png", GREY[:2])
    (folder.path / "notes.txt").write_text("not an image")
    (folder.path / "Thumbs.db").write_text("not an image")
    (folder.path / "._a.png").write_text("not an image")
    (folder.path / "folder.png").mkdir()
    dataset = folder.load()
    assert len(dataset.x) == 1
    assert dataset.notes == ()


def test_a_glob_and_a_single_image_are_read_as_folders_are(folder):
    for name in ("good/a.png", "good/b.jpg", "bad/c.png", "d.png"):
        folder.save(name, GREY)
    dataset = data.load(DataConfig(f"{folder.path}/*/*.png"))
    assert (dataset.name, dataset.y.tolist()) == ("photos", [True, False])
    dataset = data.load(DataConfig(f"{folder.path}/*"))  # folders and an image
    assert dataset.y.tolist() == [True, True, False, False]
    dataset = data.load(DataConfig(str(folder.path / "bad" / "c.png")))
    assert (dataset.name, len(dataset.x), dataset.y.tolist()) == ("bad", 1, [False])


def test_a_folder_with_a_table_beside_images_is_told(folder, caplog):
    folder.save("a.png", GREY)
    folder.save("b.png", GREY)
    (folder.path / "labels.csv").write_text("file,label\na.png,0\n")
    assert len(folder.load().x) == 2
    assert (
        "its images (2) are read, its files of rows (1, such as .csv) are left alone."
        in caplog.messages[0]
    )


def test_formats_that_are_not_read_are_told(folder):
    folder.save("a.png", GREY)
    (folder.path / "b.HEIC").write_bytes(b"")
    (note,) = folder.load().notes
    assert note == "not read, as they are of other formats: 1 of .heic; convert them to .png"
    (folder.path / "a.png").unlink()
    with refuses("Received: 1 of .heic. Convert them to .png."):
        folder.load()


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
