"""Test NLL on binarised MNIST, by importance sampling through the exported scorer.

    python benchmarks/nll.py --mnist DIR [--model mlp|conv] [--epochs N]

The table to compare with is that of Burda, Grosse & Salakhutdinov 2016 (one stochastic layer of
50): a VAE 88.71, an IWAE of 50 samples 87.10, on one fixed binarisation. Ours is a fixed draw too,
each pixel on with the probability of its grey, from numpy's generator with seed 0; it is not the
very draw of the paper. Trained, exported, and measured through `log_px` of `scorer.onnx` with 5,000
samples.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from vae_keras.greetings import without_greetings

with without_greetings():
    from vae_export import export
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train
    from vae_keras.idx import load_images
    from vae_runtime.bundle import open_bundle
    from vae_runtime.session import Session

SAMPLES = 5000
MODELS = {
    "mlp": (
        ModelConfig("mlp", (200, 200), "tanh", 50, "bernoulli"),
        {"batch_size": 100, "learning_rate": 1e-3, "decay": "cosine"},
    ),
    "conv": (
        ModelConfig("conv", (32, 64, 256), latent_dim=50, likelihood="bernoulli"),
        {"batch_size": 100, "learning_rate": 1e-3, "decay": "cosine"},
    ),
}


def main() -> None:
    """Trains, exports, measures, prints a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="directory of the four idx files")
    parser.add_argument("--model", choices=MODELS, default="mlp")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--rows", type=int, default=10_000, help="test rows to measure")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    train_x, test_x = (
        binarise(images.reshape(-1, 784), rng) for images in load_images("mnist", args.mnist)
    )
    model, options = MODELS[args.model]
    shape = (28, 28, 1) if args.model == "conv" else (784,)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "mnist.npy"
        np.save(rows, train_x.reshape(-1, *shape))
        data = DataConfig(str(rows), validation=0.02, calibration=0.005, test=0.005)
        config = TrainConfig(epochs=args.epochs, patience=args.epochs, **options)
        started = time.monotonic()
        run, _ = train(data, model, config, out=Path(folder) / "run")
        minutes = (time.monotonic() - started) / 60
        bundle = export(run, Path(folder) / "bundle")
        nll = -log_px(bundle, test_x.reshape(-1, *shape)[: args.rows]).mean()
    print(f"| {args.model} | {args.epochs} | {minutes:.0f} | {args.rows} | {nll:.2f} |")


def log_px(bundle: Path, x: np.ndarray) -> np.ndarray:
    """The importance-weighted bound of each row, nats, from the exported scorer alone."""
    session = Session(open_bundle(bundle), "scorer", threads=2)
    noise = np.random.default_rng(1).standard_normal((SAMPLES, 50), np.float32)
    each = [session.run(("log_px",), {"x": row[None], "noise": noise})[0] for row in x]
    return np.concatenate(each)


def binarise(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One fixed draw: each pixel is 1 with the probability of its grey."""
    return (rng.random(grey.shape) < grey / 255).astype(np.float32)


if __name__ == "__main__":
    main()
