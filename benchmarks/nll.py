"""Test NLL on binarised MNIST, by importance sampling through the exported scorer.

    python benchmarks/nll.py --mnist DIR [--model mlp|conv] [--epochs N] [--draws K] [--out DIR]

Pixels are binarised: each is on with the probability of its grey, from numpy's generator with seed
0. The test images are one fixed draw always. The training images are `--draws` of them, stacked,
and an epoch goes over all: 1 is the fixed binarisation of Burda, Grosse & Salakhutdinov 2016 (one
stochastic layer of 50: a VAE 88.71, an IWAE of 50 samples 87.10; ours is not the very draw of the
paper), which a network can learn by heart; many come close to the "dynamic" binarisation that most
later tables have, with fresh draws throughout. Trained, exported, and measured through `log_px` of
`scorer.onnx` with 5,000 samples.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    from vae_export import export
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train
    from vae_keras.data.idx import load_images
    from vae_runtime.backends import OnnxRuntime
    from vae_runtime.bundle import open_bundle

SAMPLES, LATENT, CORES = 5000, 50, 2
MODELS = {
    "mlp": (
        ModelConfig("mlp", (200, 200), "tanh", LATENT, "bernoulli"),
        {"batch_size": 100, "learning_rate": 1e-3, "decay": "cosine"},
    ),
    "conv": (
        ModelConfig("conv", latent_dim=LATENT, likelihood="bernoulli"),
        {"batch_size": 200, "learning_rate": 2e-3, "decay": "cosine"},
    ),
}


def main() -> None:
    """Trains, exports, measures, prints a row of the table."""
    args = parse()
    draws, test_x = binarised(args.mnist, args.draws)
    shape = (28, 28, 1) if args.model == "conv" else (784,)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "mnist.npy"
        np.save(rows, draws.reshape(-1, *shape))
        out = args.out or Path(folder)
        cost = fit(rows, args, out / "run")
    bundle = export(out / "run", out / "bundle")
    nll = -log_px(bundle, test_x.reshape(-1, *shape)[: args.rows])
    error = nll.std() / len(nll) ** 0.5
    print("| model | draws | epochs | CPU minutes | minutes | test rows | NLL, nats |")
    print(f"| {args.model} | {args.draws} | {args.epochs} | {cost} | {len(nll)} ", end="")
    print(f"| {nll.mean():.2f} (standard error {error:.2f}) |")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="directory of the four idx files")
    parser.add_argument("--model", choices=MODELS, default="mlp")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1, help="binarisations of the training images")
    parser.add_argument("--rows", type=int, default=10_000, help="test rows to measure")
    parser.add_argument("--out", type=Path, help="where run and bundle stay; nowhere by default")
    return parser.parse_args()


def fit(rows: Path, args: argparse.Namespace, out: Path) -> str:
    """Trains; the CPU minutes and the minutes that it took, as two columns of the table."""
    shares = dict.fromkeys(("validation", "calibration", "test"), 0.005)
    data = DataConfig(str(rows), value_range=(0.0, 1.0), **shares)
    model, options = MODELS[args.model]
    config = TrainConfig(epochs=args.epochs, patience=args.epochs, **options)
    started, cpu = time.monotonic(), cpu_seconds()
    train(data, model, config, out=out)
    return f"{(cpu_seconds() - cpu) / 60:.0f} | {(time.monotonic() - started) / 60:.0f}"


def log_px(bundle: Path, x: np.ndarray) -> np.ndarray:
    """The importance-weighted bound of each row, nats, from the exported scorer alone."""
    session = OnnxRuntime().open(open_bundle(bundle), "scorer", "fp32")
    noise = np.random.default_rng(1).standard_normal((SAMPLES, LATENT), np.float32)

    def one(row: np.ndarray) -> np.ndarray:
        return session.run(("log_px",), {"x": row[None], "noise": noise})[0]

    with ThreadPoolExecutor(CORES) as pool:
        return np.concatenate(list(pool.map(one, x)))


def binarised(folder: Path, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Training rows, `draws` times 60,000, and test rows: uint8 of 0 and 1, (rows, 28, 28, 1)."""
    rng = np.random.default_rng(0)
    train_images, test_images = load_images("mnist", str(folder))
    first, test_x = binarise(train_images, rng), binarise(test_images, rng)
    others = [binarise(train_images, rng) for _ in range(draws - 1)]
    return np.concatenate([first, *others]), test_x


def binarise(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw: each pixel is 1 with the probability of its grey."""
    return (rng.random(grey.shape) < grey / 255).astype(np.uint8)


def cpu_seconds() -> float:
    """User and system time of this process so far, over all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
