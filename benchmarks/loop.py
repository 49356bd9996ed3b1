"""What the training loop costs on a small network: rows a second, as ratios within one run.

    python benchmarks/loop.py [--rounds 5]

The network is 32-128-64-32-2-32-64-128-32 on 50,000 rows of noise, batch 256, three epochs; the
time is that of `fit`. Before it is one epoch that traces and compiles; its time is given beside it,
with that epoch's own. The floor is the time that numpy's BLAS takes for the matrix products of
these steps and nothing else, on one thread or as many as it likes. With PyOD there (`pip install
pyod torch`) its VAE's `fit` of the same work is timed in the same run. The ways take turns, and the
best of the rounds counts, since other processes can only make it slower. CPU seconds are those of
all threads; they tell more than seconds where other processes run.
"""

import argparse
import importlib.util
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import threadpoolctl

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras

    from vae_keras import VAE, mlp_pair
    from vae_keras.fit.batches import Shuffled
    from vae_keras.fit.orders import Orders, elements_an_epoch
    from vae_keras.model.epoch_program import Epochs, Programs, on_device

ROWS, FEATURES, BATCH, EPOCHS, HIDDEN, LATENT = 50_000, 32, 256, 3, (128, 64, 32), 2

Run = Callable[[int], object]  # trains for a number of epochs


class Cost(NamedTuple):
    """Seconds by the clock, and by the CPUs."""

    seconds: float
    cpu: float


def main() -> None:
    """Times every way of training in turn, several rounds; prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    x = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)
    ways = {name: prepare() for name, prepare in prepared(x).items()}
    first = {name: cost(run, 1) for name, run in ways.items()}
    timed = [{name: cost(run, EPOCHS) for name, run in ways.items()} for _ in range(rounds)]
    print(f"{keras.backend.backend()}, the best of {rounds} rounds\n")
    print("| way | first epoch | seconds | rows/s | ratio | CPU seconds | CPU ratio |")
    print("|---|---|---|---|---|---|---|")
    best = {
        name: Cost(*(min(values) for values in zip(*(each[name] for each in timed), strict=True)))
        for name in ways
    }
    slowest = Cost(*(max(values) for values in zip(*best.values(), strict=True)))
    for name, (seconds, cpu) in best.items():
        print(
            f"| {name} | {first[name].seconds:.1f} | {seconds:.2f} | "
            f"{ROWS * EPOCHS / seconds:,.0f} | {slowest.seconds / seconds:.1f} | {cpu:.2f} | "
            f"{slowest.cpu / cpu:.1f} |"
        )


def prepared(x: np.ndarray) -> dict[str, Callable[[], Run]]:
    """Functions that make each way ready: what they return trains for a number of epochs."""
    ways: dict[str, Callable[[], Run]] = {
        "ours, one program an epoch": lambda: whole_epochs(x),
        "ours, 20 steps at a time": lambda: by_steps(x, steps=20, jit="auto"),
        "ours, 1 step at a time": lambda: by_steps(x, steps=1, jit="auto"),
        "ours, 20 steps, jit_compile": lambda: by_steps(x, steps=20, jit=True),
        "the same model, fit(array)": lambda: plain(x),
        "floor: matrix products alone": lambda: matrix_products,
        "floor, on one thread": lambda: with_one_thread(matrix_products),
    }
    if keras.backend.backend() == "jax":  # which compiles every step, and knows no several
        del ways["ours, 20 steps at a time"], ways["ours, 20 steps, jit_compile"]
    if importlib.util.find_spec("pyod"):
        ways["PyOD VAE.fit"] = lambda: lambda epochs: pyod(x, epochs)
    return ways


def cost(run: Run, epochs: int) -> Cost:
    """Seconds that so many epochs take."""
    started = time.perf_counter(), time.process_time()
    run(epochs)
    return Cost(time.perf_counter() - started[0], time.process_time() - started[1])


def whole_epochs(x: np.ndarray) -> Run:
    """As `vae_keras.train` does where there are steps enough."""
    vae, orders = model(1, "auto"), Orders(x, seed=0)
    programs, epochs = Programs(vae), Epochs(on_device(x), BATCH)

    def run(number: int) -> None:
        with programs.running(epochs, epochs):
            options = {"callbacks": [orders], "shuffle": False, "verbose": 0}
            vae.fit(orders.data, epochs=number, **options, **elements_an_epoch())

    return run


def by_steps(x: np.ndarray, *, steps: int, jit: bool | str) -> Run:
    """As `vae_keras.train` does elsewhere, with 20 steps under TensorFlow."""
    vae, shuffled = model(steps, jit), Shuffled(x, BATCH, seed=0)
    options = {"callbacks": [shuffled], "shuffle": False, "verbose": 0}
    return lambda epochs: vae.fit(shuffled.data, epochs=epochs, **options)


def plain(x: np.ndarray) -> Run:
    """Keras's own loop over an array."""
    vae = model(1, "auto")
    return lambda epochs: vae.fit(x, epochs=epochs, batch_size=BATCH, verbose=0)


def matrix_products(epochs: int) -> None:
    """Multiplies what every step does: each layer forward, and back for input and weights."""
    rng = np.random.default_rng(0)
    encoder = [FEATURES, *HIDDEN, 2 * LATENT]
    decoder = [LATENT, *HIDDEN[::-1], FEATURES]
    layers = [*itertools.pairwise(encoder), *itertools.pairwise(decoder)]
    batches = [
        [rng.normal(size=size).astype(np.float32) for size in ((BATCH, a), (a, b), (BATCH, b))]
        for a, b in layers
    ]
    for _ in range(epochs * -(-ROWS // BATCH)):
        for x, weights, gradient in batches:
            _ = x @ weights, x.T @ gradient, gradient @ weights.T


def with_one_thread(way: Run) -> Run:
    """The same with numpy's BLAS on one thread: two can be slower where products are small."""

    def run(epochs: int) -> None:
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            way(epochs)

    return run


def pyod(x: np.ndarray, epochs: int) -> None:
    """Fits PyOD's, which ends with scoring the training rows."""
    from pyod.models.vae import VAE as PyodVAE

    hidden = list(HIDDEN)
    detector = PyodVAE(
        latent_dim=LATENT,
        encoder_neuron_list=hidden,
        decoder_neuron_list=hidden[::-1],
        epoch_num=epochs,
        batch_size=BATCH,
        verbose=0,
    )
    detector.fit(x)


def model(steps: int, jit: bool | str) -> VAE:
    """The network of the benchmark, compiled."""
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((FEATURES,), LATENT, HIDDEN), likelihood="gaussian")
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=jit, steps_per_execution=steps)
    return vae


if __name__ == "__main__":
    main()
