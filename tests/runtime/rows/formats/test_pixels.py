"""Pixels of images: one rule for all modes, sizes, depths and orientations, and names of faults."""

import re
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from vae_runtime.bundle.manifest import ImageSpec
from vae_runtime.rows.formats.pixels import (
    UNSAID,
    ImageError,
    ImageKind,
    is_distorted,
    kind_of,
    picture,
    read_pixels,
    said,
    stretched,
)

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)
DEEP = (GREY.astype(np.uint16) * 257) ^ 1  # whose last bit counts
PLAIN = ImageSpec(8, None, "upright")
RESIZED = ImageSpec(8, "bilinear", "upright")
DEEP_RESIZED = ImageSpec(16, "bilinear", "upright")
TURNED = {  # by the EXIF tag: what a viewer does to the stored image
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def save(tmp_path):
    """Saves pixels, or an image, under a name."""

    def make(pixels, name="a.png", **options):
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return make


def of_mode(mode):
    image = Image.fromarray(COLOUR)
    if mode in ("RGBA", "LA", "PA"):
        image.putalpha(Image.fromarray(GREY))
    return image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "ending", "channels"),
    [
        ("1", ".png", 1),
        ("L", ".png", 1),
        ("LA", ".png", 1),
        ("P", ".png", 3),
        ("RGB", ".png", 3),
        ("RGBA", ".png", 3),
        ("CMYK", ".tif", 3),
        ("YCbCr", ".tif", 3),
        ("RGB", ".bmp", 3),
        ("RGB", ".webp", 3),
        ("L", ".pgm", 1),
    ],
)
def test_any_mode_becomes_grey_or_colour_by_one_rule(save, mode, ending, channels):
    options = {"lossless": True} if ending == ".webp" else {}
    file = save(of_mode(mode), f"a{ending}", **options)
    assert kind_of(file) == ImageKind(8, 6, channels, 8)
    with Image.open(file) as stored:
        plain = stored.convert("RGBA") if stored.mode == "P" else stored
        for number, target in ((1, "L"), (3, "RGB")):
            x, size = read_pixels(file, (6, 8, number), PLAIN)
            assert (x.shape, x.dtype, size) == ((6, 8, number), np.uint8, (8, 6))
            expected = np.asarray(plain.convert(target)).reshape(6, 8, number)
            np.testing.assert_array_equal(x, expected)


def test_what_is_transparent_keeps_the_colour_below(save):
    file = save(np.dstack([COLOUR, np.zeros_like(GREY)]))
    np.testing.assert_array_equal(read_pixels(file, (6, 8, 3), PLAIN).x, COLOUR)


def test_of_one_bit_are_black_and_white(save):
    x = read_pixels(save(GREY > 99), (6, 8, 1), PLAIN).x
    np.testing.assert_array_equal(x[..., 0], (GREY > 99) * 255)


def test_a_palette_with_transparent_colours_does_not_warn(save):
    file = save(Image.fromarray(COLOUR).quantize(8), transparency=bytes([0, 128, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_pixels(file, (6, 8, 3), PLAIN).x.shape == (6, 8, 3)


def test_the_first_of_several_pictures_counts(save):
    file = save(
        Image.fromarray(GREY), "a.tif", save_all=True, append_images=[Image.new("L", (8, 6))]
    )
    np.testing.assert_array_equal(read_pixels(file, (6, 8, 1), PLAIN).x[..., 0], GREY)


@pytest.mark.parametrize("value", TURNED)
@pytest.mark.parametrize("ending", [".png", ".webp", ".tif"])
def test_images_are_turned_upright_as_their_tag_says(save, value, ending):
    exif = Image.Exif()
    exif[0x0112] = value
    options = {"lossless": True} if ending == ".webp" else {}
    file = save(Image.fromarray(COLOUR), f"a{ending}", exif=exif, **options)
    image = Image.fromarray(COLOUR)
    upright = np.asarray(image if TURNED[value] is None else image.transpose(TURNED[value]))
    assert kind_of(file)[:2] == (upright.shape[1], upright.shape[0])
    np.testing.assert_array_equal(read_pixels(file, upright.shape, PLAIN).x, upright)
    if ending != ".tif":  # which Pillow turns by itself
        np.testing.assert_array_equal(read_pixels(file, COLOUR.shape, UNSAID).x, COLOUR)


@pytest.mark.parametrize("shape", [(3, 4), (6, 3), (12, 16), (1, 1), (5, 31)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_any_size_are_resized_as_pillow_does(save, shape, channels):
    file = save(Image.fromarray(COLOUR), "a.png")
    image = Image.fromarray(COLOUR).convert({1: "L", 3: "RGB"}[channels])
    expected = np.asarray(image.resize(shape[::-1], Image.Resampling.BILINEAR))
    x, size = read_pixels(file, (*shape, channels), RESIZED)
    np.testing.assert_array_equal(x, expected.reshape(*shape, channels))
    assert size == (8, 6)


def test_without_resampling_another_size_is_bad(save):
    with refuses(
        "a.png: expected 6 x 8 pixels (width x height). Received: 8 x 6. The model was trained on "
        "images of that size alone; training with --image-size 6x8 has others resized."
    ):
        read_pixels(save(GREY), (8, 6, 1), PLAIN)


@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_of_16_bits_every_value_stays(save, ending):
    file = save(DEEP, f"a{ending}")
    assert kind_of(file) == ImageKind(8, 6, 1, 16)
    x, _ = read_pixels(file, (6, 8, 1), DEEP_RESIZED)
    assert (x.dtype, x.shape) == (np.float32, (6, 8, 1))
    np.testing.assert_array_equal(x[..., 0], DEEP)


def test_of_16_bits_others_are_resized_within_their_limits(save):
    rows = np.random.default_rng(0).choice(np.array([0, 65535], np.uint16), (40, 30))
    x, _ = read_pixels(save(rows), (9, 61, 1), DEEP_RESIZED)
    assert (x.dtype, x.shape) == (np.float32, (9, 61, 1))
    assert 0 <= x.min() < x.max() <= 65535
    even, _ = read_pixels(save(np.full((40, 30), 40000, np.uint16)), (9, 61, 1), DEEP_RESIZED)
    np.testing.assert_allclose(even, 40000, rtol=1e-6)


def test_of_32_bits_those_count_that_hold_no_more_than_16(save):
    file = save(DEEP.astype(np.int32), "a.tif")
    assert kind_of(file).bits == 16
    np.testing.assert_array_equal(read_pixels(file, (6, 8, 1), DEEP_RESIZED).x[..., 0], DEEP)
    for value in (-1, 65536):
        file = save(np.full((6, 8), value, np.int32), "b.tif")
        with refuses(f"b.tif: expected values from 0 to 65,535. Received: {value:,} to {value:,}"):
            read_pixels(file, (6, 8, 1), DEEP_RESIZED)


def test_another_depth_than_that_of_training_is_bad(save):
    with refuses("a.png: expected 8 bits a channel. Received: 16 (mode I;16"):
        read_pixels(save(DEEP), (6, 8, 1), PLAIN)
    with refuses("b.png: expected 16 bits a channel. Received: 8 (mode L)."):
        read_pixels(save(GREY, "b.png"), (6, 8, 1), DEEP_RESIZED)


@pytest.mark.parametrize("call", [kind_of, lambda file: read_pixels(file, (6, 8, 1), PLAIN)])
def test_floating_point_numbers_are_refused_with_what_to_do(save, call):
    file = save(GREY.astype(np.float32), "a.tif")
    with refuses("a.tif: expected 8 or 16 bits a channel. Received: mode F") as e:
        call(file)
    assert not isinstance(e.value, ImageError)  # it is none that could be left out
    assert str(e.value).endswith("Give such images as .npy.")


BROKEN = {
    "text": (b"no image", "its format is not one of PNG, JPEG"),
    "empty": (b"", "it is empty"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "its format is not one of PNG, JPEG"),
    "postscript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n",
        "its format is not one of PNG",
    ),
    "number": (b"P5 8 x 255\n" + bytes(48), "invalid literal"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_is_no_image_is_named(tmp_path, how):
    content, why = BROKEN[how]
    file = tmp_path / "a.png"
    file.write_bytes(content)
    for call in (kind_of, lambda file: read_pixels(file, (6, 8, 1), PLAIN)):
        with refuses(f"{file} is not a readable image: {why}", ImageError):
            call(file)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".gif", ".bmp", ".tif", ".webp", ".ppm"])
def test_a_file_that_is_cut_is_named(save, ending):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    file = save(pixels, f"a{ending}")
    content = file.read_bytes()
    for part in (0.3, 0.6, 0.9):
        file.write_bytes(content[: int(len(content) * part)])
        with refuses(f"{file} is not a readable image: ", ImageError):
            read_pixels(file, (40, 50, 3), PLAIN)


def test_a_missing_file_is_named(tmp_path):
    with refuses(f"{tmp_path / 'a.png'} is not a readable image: ", ImageError):
        kind_of(tmp_path / "a.png")


@pytest.mark.parametrize("largest", [20, 30])  # beyond twice of it an error, else a warning
def test_an_image_of_more_pixels_than_it_may_have_is_named(save, monkeypatch, largest):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", largest)
    file = save(GREY)
    for call in (kind_of, lambda file: read_pixels(file, (6, 8, 1), PLAIN)):
        with refuses(f"{file} is not a readable image: Image size (48 pixels) exceeds", ImageError):
            call(file)


def test_a_picture_to_draw_on_is_grey_and_upright(save):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = save(Image.fromarray(COLOUR), exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("L"))
    np.testing.assert_array_equal(picture(file, PLAIN), expected)
    found = picture(save(np.array([[100, 300], [150, 100]], np.uint16)), DEEP_RESIZED)
    np.testing.assert_array_equal(found, [[0, 255], [64, 0]])


def test_values_are_stretched_to_grey():
    np.testing.assert_array_equal(stretched(np.array([-1.0, 0.0, 1.0])), [0, 128, 255])
    np.testing.assert_array_equal(stretched(np.array([8, 8])), [0, 0])
    np.testing.assert_array_equal(stretched(np.array([0.0, 8, 20]), (0.0, 16.0)), [0, 128, 255])


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 48), False), ((65, 48), False), ((48, 64), True), ((70, 48), True)]
)
def test_an_image_is_distorted_where_its_sides_have_another_ratio(size, expected):
    assert is_distorted(size, (4 / 3, 4 / 3)) is expected
    assert not is_distorted(size, (0.5, 2.0))


def test_sizes_are_said_as_width_and_height():
    assert said(6000, 4000) == "6,000 x 4,000"
