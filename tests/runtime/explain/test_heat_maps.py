"""Heat maps: nothing coloured that is normal, red where most is added, over the whole image."""

from types import SimpleNamespace

import numpy as np
import pytest

from vae_runtime.explain.heat_maps import LARGEST, SMALLEST, HeatScale, draw, is_of_images, scale_of

GREY = np.full((60, 80), 100, np.uint8)
SCALE = HeatScale(usual=0.0, most=1.0)


def nats_of(values, size=(6, 8)):
    return np.full((*size, 1), values, np.float32)


def colours_of(image):
    return {tuple(colour) for colour in np.asarray(image).reshape(-1, 3).tolist()}


def test_the_scale_is_that_of_normal_pixels():
    pixels = np.arange(1001, dtype=np.float32)
    nats = np.stack([pixels, pixels], axis=-1).reshape(1, 7, 143, 2) / 2  # of two channels
    scale = scale_of(nats)
    assert (scale.usual, scale.most) == (500.0, 999.0)
    assert scale.full == 999.0 + 4 * 499.0


@pytest.mark.parametrize(
    ("nats", "expected"),
    [(-5.0, 0.0), (0.0, 0.0), (1.0, 0.0), (5**0.5, 0.5), (5.0, 1.0), (1e30, 1.0), (np.inf, 1.0)],
)
def test_strength_is_logarithmic_from_most_to_full(nats, expected):
    np.testing.assert_allclose(SCALE.strength(np.float32([nats])), [expected], atol=1e-6)


def test_pixels_that_are_all_alike_have_a_scale():
    scale = scale_of(np.full((2, 3, 4, 1), -2.0, np.float32))
    assert np.isfinite(scale.full)
    assert scale.strength(np.float32([-2.0])).tolist() == [0.0]
    assert scale.strength(np.float32([9.0])).tolist() == [1.0]


def test_normal_pixels_are_those_of_the_image():
    assert colours_of(draw(GREY, nats_of(1.0), SCALE)) == {(100, 100, 100)}


def test_from_yellow_to_red():
    (low,) = colours_of(draw(GREY, nats_of(5**0.25), SCALE))
    (high,) = colours_of(draw(GREY, nats_of(5.0), SCALE))
    assert low == (216, 152, 25)  # 75 % of the colour at a quarter of the way to red
    assert high == (216, 25, 25)


def test_colour_is_where_the_nats_are():
    nats = nats_of(0.0)
    nats[4, 6] = 5.0
    found = np.asarray(draw(np.full((240, 320), 100, np.uint8), nats, SCALE)).astype(int)
    assert found.shape == (240, 320, 3)
    rows, columns = np.nonzero(found[..., 0] != found[..., 2])
    assert (round(rows.mean()), round(columns.mean())) == (180, 260)
    assert rows.min() > 120
    assert columns.min() > 200


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3000, 4000), (768, LARGEST)),
        ((8, 8), (SMALLEST, SMALLEST)),
        ((24, 32), (192, SMALLEST)),
        ((300, 500), (300, 500)),
        ((1, 5000), (1, LARGEST)),
    ],
)
def test_pictures_are_of_a_size_that_can_be_looked_at(size, expected):
    image = draw(np.full(size, 7, np.uint8), nats_of(0.0), SCALE)
    assert (image.height, image.width) == expected
    assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("shape", "names", "expected"),
    [
        ((6, 8, 1), None, True),
        ((6, 8, 3), None, True),
        ((6, 8, 2), None, False),
        ((6, 8), None, False),
        ((8,), None, False),
        ((6, 8, 1), ("grey",), False),
    ],
)
def test_models_of_images_are_known(shape, names, expected):
    assert is_of_images(SimpleNamespace(input_shape=shape, feature_names=names)) is expected
