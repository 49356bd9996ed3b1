import io
import re

import numpy as np
import pytest
from PIL import Image

from vae_runtime._base.png import contact_sheet

BORDER = 96  # the grey around every image


def decode(content):
    """The pixels that another program sees: uint8 (height, width) or (height, width, 3)."""
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return np.array(image)


def images(n, height=64, width=64, channels=1):
    """Random bytes as pictures large enough to be shown one to one."""
    return np.random.default_rng(0).integers(0, 256, (n, height, width, channels), np.uint8)


def test_one_grey_image_is_its_pixels_in_a_border():
    (image,) = given = images(1, 64, 80)
    sheet = decode(contact_sheet(given, (0.0, 255.0)))
    assert sheet.shape == (66, 82)
    np.testing.assert_array_equal(sheet[1:-1, 1:-1], image[..., 0])
    frame = np.pad(np.zeros((64, 80), bool), 1, constant_values=True)
    assert (sheet[frame] == BORDER).all()


def test_a_colour_image_keeps_its_channels():
    (image,) = given = images(1, channels=3)
    sheet = decode(contact_sheet(given, (0.0, 255.0)))
    assert sheet.shape == (66, 66, 3)
    np.testing.assert_array_equal(sheet[1:-1, 1:-1], image)


@pytest.mark.parametrize(("n", "rows", "columns"), [(1, 1, 1), (4, 2, 2), (5, 2, 3), (7, 3, 3)])
def test_images_fill_a_near_square_grid_row_by_row(n, rows, columns):
    given = images(n)
    sheet = decode(contact_sheet(given, (0.0, 255.0)))
    assert sheet.shape == (66 * rows, 66 * columns)
    for i in range(rows * columns):
        top, left = 66 * (i // columns) + 1, 66 * (i % columns) + 1
        tile = sheet[top : top + 64, left : left + 64]
        np.testing.assert_array_equal(tile, given[i, ..., 0] if i < n else BORDER)


def test_a_small_image_is_blown_up_in_whole_pixels():
    (image,) = given = images(1, 8, 8)
    sheet = decode(contact_sheet(given, (0.0, 255.0)))[1:-1, 1:-1]
    np.testing.assert_array_equal(sheet, np.kron(image[..., 0], np.ones((8, 8), np.uint8)))


def test_images_without_a_channel_axis_are_grey():
    given = images(3)
    assert contact_sheet(given[..., 0], (0.0, 255.0)) == contact_sheet(given, (0.0, 255.0))


def row_of(values):
    """An image of these values, one a column."""
    return np.tile(np.array(values, np.float32), (1, 64, 64 // len(values), 1)).reshape(
        1, 64, 64, 1
    )


def shown(values, value_range):
    return decode(contact_sheet(row_of(values), value_range))[1, 1 : 1 + len(values)].tolist()


def test_the_value_range_is_black_to_white_and_values_beyond_are_cut():
    assert shown([-3.0, 0.0, 8.0, 16.0], (0.0, 16.0)) == [0, 0, 128, 255]
    assert shown([-1.0, 0.0, 1.0, 9.0], (-1.0, 1.0)) == [0, 128, 255, 255]


def test_without_a_value_range_the_images_extremes_are_black_and_white():
    assert shown([-2.0, 0.0, 2.0, 2.0], None) == [0, 128, 255, 255]


def test_images_of_one_value_are_black_without_a_range():
    assert set(shown([5.0, 5.0], None)) == {0}


def test_the_same_images_give_the_same_bytes():
    assert contact_sheet(images(2), None) == contact_sheet(images(2), None)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (5, 8, 8, 2), (5, 8, 8, 4), (5, 1, 8, 8, 1)])
def test_what_are_no_images_is_refused_with_its_shape(shape):
    message = f"expected images (batch, height, width, 1 or 3). Received: {shape}. Write a .npy"
    with pytest.raises(ValueError, match=re.escape(message)):
        contact_sheet(np.zeros(shape), (0.0, 1.0))


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="expected"):
        contact_sheet(np.zeros((0, 8, 8, 1)), (0.0, 1.0))


def test_a_grid_of_as_many_columns_as_images_is_a_strip():
    given = images(5)
    sheet = decode(contact_sheet(given, (0.0, 255.0), columns=5))
    assert sheet.shape == (66, 66 * 5)
    for i, image in enumerate(given):
        np.testing.assert_array_equal(sheet[1:65, 66 * i + 1 : 66 * i + 65], image[..., 0])
