"""What pairs of networks cost on a device, and how well they model Fashion-MNIST.

    python benchmarks/architectures.py --data-dir DIR [--epochs N] [--latents 2,16]

Each pair is trained on the same rows in the same order with the same optimiser and seed, converted,
and measured through its files: operations of a row counted in the graphs, the negative ELBO of the
10,000 test images (8 posterior samples each) and latency by the ONNX scorer, by that in TFLite too.
"""

import argparse
import functools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras
    from keras import layers

    from vae_export.convert.engines import open_tflite
    from vae_export.convert.to_onnx import to_onnx
    from vae_export.convert.to_tflite import to_tflite
    from vae_export.graphs.functions import build_graphs
    from vae_export.report.flops import flops
    from vae_keras import DataConfig, ModelConfig, TrainConfig, conv_pair, train
    from vae_keras.data.idx import load_images
    from vae_keras.model import networks
    from vae_runtime._base.libraries import onnxruntime

Shape = tuple[int, ...]
Pair = tuple[keras.Model, keras.Model]

SAMPLES, BATCH, ROUNDS = 8, 256, 7


class Trained(NamedTuple):
    """A pair after training and conversion: its scorers, and what is known of it."""

    onnx: bytes
    tflite: bytes
    row: str


def main() -> None:
    """Trains and converts every pair, times all of them, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", required=True, help="directory of Fashion-MNIST's idx files")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--latents", default="2,16")
    args = parser.parse_args()
    train_x, test_x = load_images("fashion_mnist", args.data_dir)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "rows.npy", train_x)
        trained = [
            fit(name, int(latent_dim), args.epochs, Path(folder), test_x=test_x)
            for latent_dim in args.latents.split(",")
            for name in PAIRS
        ]
    print(
        "| pair | latents | MFLOP | parameters | -ELBO | training | onnx | onnx at 256 | tflite |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for each, times in zip(trained, latencies(trained, test_x), strict=True):
        print(each.row, " | ".join(f"{us:.0f}" for us in times), "|")


def fit(name: str, latent_dim: int, epochs: int, folder: Path, *, test_x: np.ndarray) -> Trained:
    """Trains and converts one pair; the minutes are those of a CPU."""
    model = ModelConfig(name, latent_dim=latent_dim, likelihood="bernoulli", activation=PAIRS[name])
    shares = dict.fromkeys(("validation", "calibration", "test"), 0.01)
    config = TrainConfig(epochs=epochs, patience=epochs, batch_size=128, decay="cosine")
    data, started = DataConfig(str(folder / "rows.npy"), **shares), cpu_seconds()
    run, _ = train(data, model, config, out=folder / f"{name} {latent_dim}")
    minutes = (cpu_seconds() - started) / 60
    graphs = {graph.role: graph for graph in build_graphs(run.vae, "uint8")}
    files = {role: to_onnx(graph, {}).content for role, graph in graphs.items()}
    mflop = (flops(files["encoder"]) + flops(files["decoder"])) / 1e6
    parameters = run.vae.encoder.count_params() + run.vae.decoder.count_params()
    loss = negative_elbo(files["scorer"], test_x, latent_dim)
    row = f"| {name} | {latent_dim} | {mflop:.1f} | {parameters:,} | {loss:.1f} | {minutes:.1f} |"
    print(row, flush=True)
    tflite = to_tflite(graphs["scorer"].without_defaults(), {}).content
    return Trained(files["scorer"], tflite, row)


def negative_elbo(scorer: bytes, x: np.ndarray, latent_dim: int) -> float:
    """The mean over rows in nats, from the converted scorer given noise."""
    run = session(scorer, threads=2).run
    noise = np.random.default_rng(1).standard_normal((SAMPLES, latent_dim), np.float32)
    batches = np.split(x, range(BATCH // SAMPLES, len(x), BATCH // SAMPLES))
    return np.concatenate([run(["score"], {"x": b, "noise": noise})[0] for b in batches]).mean()


def latencies(trained: list[Trained], x: np.ndarray) -> list[list[float]]:
    """Microseconds a row of each: onnxruntime at batch 1, at 256, LiteRT at 1; one thread.

    They take turns, and the best of the rounds counts: other processes only make it slower.
    """
    calls = [calls_of(each, x) for each in trained]
    rounds = [[[timed(*call) for call in row] for row in calls] for _ in range(ROUNDS)]
    return np.min(rounds, axis=0).tolist()


def calls_of(trained: Trained, x: np.ndarray) -> list[tuple[Callable[[], object], int]]:
    """What is timed of a pair: functions, and how many rows a call scores."""
    run = session(trained.onnx, threads=1).run
    lite = open_tflite("scorer.tflite", trained.tflite)
    return [
        (functools.partial(run, ["score"], {"x": x[:1]}), 1),
        (functools.partial(run, ["score"], {"x": x[:BATCH]}), BATCH),
        (functools.partial(lite, {"x": x[:1]}), 1),
    ]


def session(content: bytes, *, threads: int) -> Any:
    """An ONNX file in onnxruntime."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def timed(call: Callable[[], object], rows: int) -> float:
    """Microseconds a row, over a fifth of a second of calls."""
    call()
    started, n = time.perf_counter(), 0
    while time.perf_counter() - started < 0.2:
        call()
        n += 1
    return (time.perf_counter() - started) / n / rows * 1e6


def cpu_seconds() -> float:
    """User and system time of this process so far, over all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def keras_io(shape: Shape, latent_dim: int, *, activation: str, dtype: str) -> Pair:
    """The pair of the VAE example on keras.io, less the sampling and the last sigmoid."""
    conv = functools.partial(layers.Conv2D, kernel_size=3, strides=2, padding="same")
    up = functools.partial(layers.Conv2DTranspose, kernel_size=3, padding="same")
    x = keras.Input(shape)
    h = conv(64, activation=activation)(conv(32, activation=activation)(x))
    h = layers.Dense(16, activation)(layers.Flatten()(h))
    encoder = keras.Model(x, [layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)])
    z = keras.Input((latent_dim,))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation)(z))
    h = up(64, strides=2, activation=activation)(h)
    h = up(32, strides=2, activation=activation)(h)
    return encoder, keras.Model(z, up(1)(h))


def transposed(shape: Shape, latent_dim: int, *, activation: str, dtype: str) -> Pair:
    """Our encoder, and its mirror of transposed convolutions."""
    up = functools.partial(layers.Conv2DTranspose, kernel_size=3, strides=2, padding="same")
    z, h = _grid(latent_dim, activation)
    h = up(1)(up(24, activation=activation)(h))
    return conv_pair(shape, latent_dim)[0], keras.Model(z, h)


def full_size(shape: Shape, latent_dim: int, *, activation: str, dtype: str) -> Pair:
    """Our encoder, and a decoder that enlarges before every convolution, up to the full size."""
    conv = functools.partial(layers.Conv2D, kernel_size=3, padding="same")
    double = [layers.Resizing(side, side, interpolation="nearest") for side in (14, 28)]
    z, h = _grid(latent_dim, activation)
    h = conv(24, activation=activation)(double[0](h))
    h = conv(24, activation=activation)(double[1](h))
    return conv_pair(shape, latent_dim)[0], keras.Model(z, conv(1)(h))


def _grid(latent_dim: int, activation: str) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    z = keras.Input((latent_dim,))
    h = layers.Dense(7 * 7 * 24, activation)(layers.Dense(256, activation)(z))
    return z, layers.Reshape((7, 7, 24))(h)


PAIRS = {
    "keras.io": "relu",
    "conv": "silu",
    "mlp": "silu",
    "transposed": "silu",
    "full size": "silu",
}
networks.NETWORKS.update({"keras.io": keras_io, "transposed": transposed, "full size": full_size})

if __name__ == "__main__":
    main()
