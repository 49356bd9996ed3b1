"""What the training loop costs on a small network: rows a second, as ratios within one run.

    python benchmarks/loop.py [--rounds 3]

The network is 32-128-64-32-2-32-64-128-32 on 50,000 rows of noise, batch 256, three epochs; the
time is that of `fit` after one epoch that traces. The floor is the time that numpy's BLAS takes for
the matrix products of these steps and nothing else, on one thread or as many as it likes. With PyOD
there (`pip install pyod torch`) its VAE's `fit` of the same work is timed in the same run. The best
of the rounds counts, since other processes can only make it slower.
"""

import argparse
import importlib.util
import itertools
import time
from collections.abc import Callable

import numpy as np
import threadpoolctl

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras

    from vae_keras import VAE, mlp_pair
    from vae_keras.fit.batches import Shuffled

ROWS, FEATURES, BATCH, EPOCHS, HIDDEN, LATENT = 50_000, 32, 256, 3, (128, 64, 32), 2


def main() -> None:
    """Times every way of training in turn, several rounds; prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    x = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)
    ways: dict[str, Callable[[], float]] = {
        "ours (20 steps at a time)": lambda: ours(x, steps=20, jit=False),
        "ours, 1 step at a time": lambda: ours(x, steps=1, jit=False),
        "ours, 20 steps, jit_compile": lambda: ours(x, steps=20, jit=True),
        "the same model, fit(array)": lambda: plain(x),
        "floor: matrix products alone": matrix_products,
        "floor, on one thread": lambda: with_one_thread(matrix_products),
    }
    if importlib.util.find_spec("pyod"):
        ways["PyOD VAE.fit"] = lambda: pyod(x)
    seconds = {name: min(way() for _ in range(rounds)) for name, way in ways.items()}
    reference = max(seconds.values())
    print("| way | seconds | rows/s | ratio |\n|---|---|---|---|")
    for name, taken in seconds.items():
        print(f"| {name} | {taken:.2f} | {ROWS * EPOCHS / taken:,.0f} | {reference / taken:.1f} |")


def ours(x: np.ndarray, *, steps: int, jit: bool) -> float:
    """Seconds of `fit` as `vae_keras.train` calls it."""
    vae, shuffled = model(steps, jit), Shuffled(x, BATCH, seed=0)
    options = {"callbacks": [shuffled], "shuffle": False, "verbose": 0}
    return timed(lambda n: vae.fit(shuffled.data, epochs=n, **options))


def plain(x: np.ndarray) -> float:
    """Seconds of Keras's own loop over an array."""
    vae = model(1, False)
    return timed(lambda n: vae.fit(x, epochs=n, batch_size=BATCH, verbose=0))


def matrix_products() -> float:
    """Seconds of what every step multiplies: each layer forward, and back for input and weights."""
    rng = np.random.default_rng(0)
    encoder = [FEATURES, *HIDDEN, 2 * LATENT]
    decoder = [LATENT, *HIDDEN[::-1], FEATURES]
    layers = [*itertools.pairwise(encoder), *itertools.pairwise(decoder)]
    batches = [
        [rng.normal(size=size).astype(np.float32) for size in ((BATCH, a), (a, b), (BATCH, b))]
        for a, b in layers
    ]
    started = time.perf_counter()
    for _ in range(EPOCHS * -(-ROWS // BATCH)):
        for x, weights, gradient in batches:
            _ = x @ weights, x.T @ gradient, gradient @ weights.T
    return time.perf_counter() - started


def with_one_thread(way: Callable[[], float]) -> float:
    """The same with numpy's BLAS on one thread: two can be slower where products are small."""
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        return way()


def pyod(x: np.ndarray) -> float:
    """Seconds of PyOD's fit, which ends with scoring the training rows."""
    from pyod.models.vae import VAE as PyodVAE

    hidden = list(HIDDEN)
    detector = PyodVAE(
        latent_dim=LATENT,
        encoder_neuron_list=hidden,
        decoder_neuron_list=hidden[::-1],
        epoch_num=EPOCHS,
        batch_size=BATCH,
        verbose=0,
    )
    started = time.perf_counter()
    detector.fit(x)
    return time.perf_counter() - started


def model(steps: int, jit: bool) -> VAE:
    """The network of the benchmark, compiled."""
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((FEATURES,), LATENT, HIDDEN), likelihood="gaussian")
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=jit, steps_per_execution=steps)
    return vae


def timed(fit: Callable[[int], object]) -> float:
    """Seconds of three epochs, after one that traces."""
    fit(1)
    started = time.perf_counter()
    fit(EPOCHS)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
