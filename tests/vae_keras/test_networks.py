"""Pairs have the shapes they promise, and export to graphs without shape arithmetic."""

import numpy as np
import pytest

from vae_keras import conv_pair, mlp_pair, networks
from vae_keras.model import check_pair


@pytest.mark.parametrize(
    ("make_pair", "shape"),
    [
        (mlp_pair, (7,)),
        (mlp_pair, (5, 3)),
        (mlp_pair, (8, 8, 1)),
        (conv_pair, (8, 8, 1)),
        (conv_pair, (28, 28, 1)),
        (conv_pair, (30, 17, 3)),  # no side a multiple of the decoder's factor
    ],
)
def test_a_pair_fits_together_and_gives_rows_of_its_shape(make_pair, shape):
    encoder, decoder = make_pair(shape, 4)
    check_pair(encoder, decoder)
    z_mean, z_log_var = encoder(np.zeros((3, *shape), np.float32))
    assert z_mean.shape == z_log_var.shape == (3, 4)
    assert decoder(z_mean).shape == (3, *shape)


def test_hidden_sizes_are_taken():
    encoder, _ = mlp_pair((7,), 2, hidden=(11, 5))
    assert [layer.units for layer in encoder.layers[1:3]] == [11, 5]


def test_conv_refuses_what_is_no_image():
    with pytest.raises(ValueError, match=r"\(height, width, channels\). Received: \(30,\)"):
        conv_pair((30,), 2)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match=r"mlp, conv.*'transformer'"):
        networks.get("transformer")
