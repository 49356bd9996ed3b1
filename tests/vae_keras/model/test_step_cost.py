"""The training step computes little beside its matrix products, however busy the machine is.

The figures are those of `benchmarks/step_cost.py`: operations that XLA and TensorFlow count. A
bound is what was seen and a few per cent for another version of a compiler; the largest layer of
the table's network computed once more would be 11 %.
"""

import importlib.util
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest

from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, mlp_pair, train
from vae_keras.model import objective

PROGRAM = Path(__file__).parents[3] / "benchmarks" / "step_cost.py"

# of what, for the network of a table and of images; in comments what was seen
FLOPS_OF_PRODUCTS = {"mlp": 1.15, "conv": 1.0}  # 1.10 and 0.96: XLA leaves out the padding
BYTES_OF_PRODUCTS = {"mlp": 3.9, "conv": 4.4}  # 3.52 and 4.00: Adam, activations, layouts
ROOTS_AND_ACTIVATIONS = {"mlp": 1.17, "conv": 1.2}  # 1.12 and 1.18: noise, sigmas, grey levels
OPERATIONS = {"mlp": 1_150, "conv": 1_370}  # 1,083 and 1,301
NOISE = {"mlp": 2, "conv": 1}  # of the latents, and of rows that are to be found without it
ADAM = 40  # a weight; 39 seen, which Keras's Adam repeats for each

# The objective's Python code runs when a step is traced: for training, and for validation.
TRACES = 2


@pytest.fixture(scope="module")
def cost():
    spec = importlib.util.spec_from_file_location("step_cost", PROGRAM)
    step_cost = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step_cost)
    under_jax = step_cost.start("jax")
    return step_cost.merge(step_cost.measure("tensorflow"), step_cost.answer(under_jax))


@pytest.mark.parametrize("network", FLOPS_OF_PRODUCTS)
def test_a_step_computes_little_but_products(cost, network):
    found = cost[network]
    assert found["flops"] <= FLOPS_OF_PRODUCTS[network] * found["product flops"]
    assert found["flops"] >= 0.9 * found["product flops"]  # or else the bound guards nothing


@pytest.mark.parametrize("network", BYTES_OF_PRODUCTS)
def test_a_step_moves_few_bytes_beside_products(cost, network):
    found = cost[network]
    assert found["bytes"] <= BYTES_OF_PRODUCTS[network] * found["product bytes"]


@pytest.mark.parametrize("network", ROOTS_AND_ACTIVATIONS)
def test_transcendental_functions_are_those_of_activations_and_of_adam(cost, network):
    found = cost[network]
    needed = found["activations"] + found["weight values"]
    assert needed <= found["transcendentals"] <= ROOTS_AND_ACTIVATIONS[network] * needed


@pytest.mark.parametrize("network", OPERATIONS)
def test_the_traced_step_has_few_operations(cost, network):
    found = cost[network]
    assert found["graph operations"] <= OPERATIONS[network]
    assert found["graph operations of Adam"] <= ADAM * found["weights"]


@pytest.mark.parametrize("network", NOISE)
def test_each_layer_is_computed_once_and_noise_is_drawn_once(cost, network):
    found = cost[network]
    assert found["graph products"] <= 3 * found["layers"]
    assert found["graph noise"] == NOISE[network]


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_fit_traces_as_often_however_long_it_is(epochs):
    vae = VAE(*mlp_pair((4,), 2, (8,)), likelihood="gaussian")
    vae.compile(keras.optimizers.Adam())
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)  # 16, 16, 8
    with counted() as objectives:
        vae.fit(rows, validation_data=(rows,), batch_size=16, epochs=epochs, verbose=0)
    assert objectives.call_count == TRACES


def test_folds_trace_no_more_than_a_fit_each(tmp_path):
    rows = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=rows)
    with counted() as objectives:
        train(
            DataConfig(str(tmp_path / "rows.npz"), folds=3),
            ModelConfig(hidden=(8,), latent_dim=2, centres=0),
            TrainConfig(epochs=1, alpha=0.1),
            out=tmp_path / "run",
            log=str,
        )
    models = 3 + 1
    assert 0 < objectives.call_count <= TRACES * models


def counted():
    """Counts the calls of the objective's Python code while the context lasts."""
    return mock.patch.object(objective, "objective", wraps=objective.objective)
