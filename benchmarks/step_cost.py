"""Cost of one training step, in figures that no other process on the machine can change.

    python benchmarks/step_cost.py [--json]

Times of a small network depend on what else runs; operations do not. A step is `VAE.train_step`:
objective, gradients, Adam, metrics, of a batch of 64 rows. Under JAX, XLA counts what its compiled
program does: floating-point operations, bytes read and written, transcendental functions. They
stand beside those of the matrix products (or convolutions) alone, by the shapes of the layers: each
layer forward, and back for its input and its weights. Under TensorFlow the operations of the traced
step are counted, and how often a fit traces the objective.
"""

import argparse
import collections
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras

    from vae_keras import VAE, conv_pair, mlp_pair

BATCH, LATENT, FLOAT32_BYTES = 64, 8, 4
BACKENDS = ("jax", "tensorflow")
PRODUCTS = ("MatMul", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")

Figures = dict[str, float]


def main() -> None:
    """Measures under each backend, in a process of its own; prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="prints figures for a script")
    parser.add_argument("--here", action="store_true", help="measures under KERAS_BACKEND alone")
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measure(keras.backend.backend())))
        return
    started = [start(backend) for backend in BACKENDS]
    found = merge(*map(answer, started))
    print(json.dumps(found) if args.json else table(found))


def start(backend: str) -> subprocess.Popen[bytes]:
    """Starts to measure under a backend, in a process of its own."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, __file__, "--here"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def answer(process: subprocess.Popen[bytes]) -> dict[str, Figures]:
    """Figures that a process measured; it has said why where it has none."""
    printed = process.communicate()[0]
    if process.returncode:
        raise SystemExit(process.returncode)
    found: dict[str, Figures] = json.loads(printed)
    return found


def merge(*each: dict[str, Figures]) -> dict[str, Figures]:
    """Figures of each network, of all backends."""
    names = dict.fromkeys(name for found in each for name in found)
    return {name: {k: v for found in each for k, v in found[name].items()} for name in names}


def measure(backend: str) -> dict[str, Figures]:
    """Figures of each network under the backend that this process has."""
    count: Callable[[VAE, np.ndarray], Figures] = {"jax": compiled, "tensorflow": traced}[backend]
    return {name: count(*make()) for name, make in NETWORKS.items()}


def mlp() -> tuple[VAE, np.ndarray]:
    """The default network of a table of 32 columns, and a batch."""
    vae = VAE(*mlp_pair((32,), LATENT), likelihood="gaussian", corruption=0.2)
    return _with_batch(vae, (32,))


def conv() -> tuple[VAE, np.ndarray]:
    """The default network of grey images, and a batch."""
    return _with_batch(VAE(*conv_pair((28, 28, 1), LATENT), likelihood="bernoulli"), (28, 28, 1))


NETWORKS = {"mlp": mlp, "conv": conv}


def compiled(vae: VAE, x: np.ndarray) -> Figures:
    """What XLA counts in the compiled step, and the layers' products by their shapes."""
    import jax

    variables = (
        vae.trainable_variables,
        vae.non_trainable_variables,
        vae.optimizer.variables,
        vae.metrics_variables,
    )
    state = tuple([variable.value for variable in own] for own in variables)
    step = jax.jit(lambda state, x: vae.train_step(state, (x,)))
    found = step.lower(state, x).compile().cost_analysis()
    return {
        "flops": found["flops"],
        "bytes": found["bytes accessed"],
        "transcendentals": found["transcendentals"],
        **products(vae),
        "weight values": sum(math.prod(w.shape) for w in vae.trainable_variables),
        "activations": sum(math.prod(layer.output.shape[1:]) for layer in _activated(vae)) * BATCH,
    }


def products(vae: VAE) -> Figures:
    """Operations and bytes of the layers' products: forward, and back for input and weights.

    The first layer's input needs no gradient. A product reads two arrays and writes one.
    """
    flops = moved = 0
    for i, layer in enumerate(_multiplying(vae)):
        passes = 2 if i == 0 else 3
        kernel, into, out = (
            math.prod(layer.kernel.shape),
            BATCH * math.prod(layer.input.shape[1:]),
            BATCH * math.prod(layer.output.shape[1:]),
        )
        positions = BATCH * math.prod(layer.output.shape[1:-1])
        flops += passes * 2 * positions * kernel
        moved += passes * FLOAT32_BYTES * (kernel + into + out)
    return {"product flops": flops, "product bytes": moved}


def traced(vae: VAE, x: np.ndarray) -> Figures:
    """Operations of the step as TensorFlow traces it, and how often fits trace the objective."""
    import tensorflow as tf

    graph = tf.function(lambda x: vae.train_step((x,))).get_concrete_function(x).graph
    operations = graph.get_operations()
    kinds = collections.Counter(operation.type for operation in operations)
    names = [operation.name for operation in operations]
    return {
        "graph operations": sum(kinds.values()),
        "graph operations of Adam": sum(name.startswith("adam") for name in names),
        "weights": len(vae.trainable_variables),
        "layers": len(list(_multiplying(vae))),
        "graph products": sum(n for kind, n in kinds.items() if kind in PRODUCTS),
        "graph noise": kinds["StatelessRandomNormalV2"],
    }


def table(found: dict[str, Figures]) -> str:
    """A line for each figure, a column for each network."""
    shown = {network: {**own, **_ratios(own)} for network, own in found.items()}
    keys = dict.fromkeys(key for own in shown.values() for key in own)
    lines = [f"| of a step | {' | '.join(found)} |", f"|---|{'---:|' * len(found)}"]
    lines += [
        f"| {key} | {' | '.join(_cell(own[key]) for own in shown.values())} |" for key in keys
    ]
    return "\n".join(lines)


def _ratios(own: Figures) -> Figures:
    return {
        "flops / product flops": own["flops"] / own["product flops"],
        "bytes / product bytes": own["bytes"] / own["product bytes"],
        "transcendentals / (activations + weight values)": own["transcendentals"]
        / (own["activations"] + own["weight values"]),
    }


def _cell(value: float) -> str:
    return f"{value:.2f}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"


def _with_batch(vae: VAE, shape: tuple[int, ...]) -> tuple[VAE, np.ndarray]:
    vae.compile(keras.optimizers.Adam())
    vae.optimizer.build(vae.trainable_variables)
    return vae, np.random.default_rng(0).uniform(size=(BATCH, *shape)).astype(np.float32)


def _layers(vae: VAE) -> Iterator[Any]:
    yield from (*vae.encoder.layers, *vae.decoder.layers)


def _multiplying(vae: VAE) -> Iterator[Any]:
    return (layer for layer in _layers(vae) if hasattr(layer, "kernel"))


def _activated(vae: VAE) -> Iterator[Any]:
    linear = keras.activations.linear
    return (each for each in _layers(vae) if getattr(each, "activation", linear) is not linear)


if __name__ == "__main__":
    main()
