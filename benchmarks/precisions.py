"""What a run's TFLite files of lower precision weigh, how fast they are, and how far scores move.

    python benchmarks/precisions.py RUN...

Scores are those of the scorer, and for int8, which has none, nll + kl computed from what its
encoder and decoder answer. They are compared with Keras on normal test rows; scales of int8 are
learned from the calibration rows. Microseconds are of one row in LiteRT on one thread, called from
Python, the best of 7 rounds; for int8 of both files.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras.greetings import without_greetings

with without_greetings():
    from sklearn.metrics import roc_auc_score

    from vae_export.engines import Engine, open_tflite
    from vae_export.graphs import build_graphs, build_networks, network_feeds
    from vae_export.quantize_tflite import to_dynamic, to_fp16, to_int8
    from vae_export.to_tflite import to_tflite
    from vae_keras import elbo
    from vae_keras.run import Run, open_run

CONVERT = {"fp32": to_tflite, "fp16": to_fp16, "dynamic": to_dynamic}

Score = Callable[[np.ndarray], np.ndarray]

ROUNDS, REPEATS = 7, 200


def main() -> None:
    """Prints a row of the table for each run and precision."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="run directories")
    print("| run | precision | bytes | median | 99 % | spread | correlation | AUROC | us |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in parser.parse_args().runs:
        run = open_run(path)
        for precision in ("fp32", "fp16", "dynamic", "int8"):
            print(f"| {path.name} | {precision} | {measure(run, precision)} |", flush=True)


def measure(run: Run, precision: str) -> str:
    """The cells of a run's scores in one precision."""
    x, y = run.test["x"], run.test["y"].astype(bool)
    score, contents, microseconds = (scorer if precision != "int8" else networks)(run, precision)
    expected, received = np.asarray(run.vae.score(x)["score"]), score(x)
    off, spread = np.abs(received - expected)[~y], expected[~y].std()
    correlation = np.corrcoef(received[~y], expected[~y])[0, 1]
    auroc = f"{roc_auc_score(y, received):.4f}" if 0 < y.sum() < len(y) else ""
    figures = f"{np.median(off):.4f} | {np.quantile(off, 0.99):.3f} | {spread:.2f}"
    sizes = " + ".join(f"{len(content):,}" for content in contents)
    return f"{sizes} | {figures} | {correlation:.4f} | {auroc} | {microseconds:.1f}"


def scorer(run: Run, precision: str) -> tuple[Score, list[bytes], float]:
    """The scorer: a function to score rows, its file, microseconds a row."""
    graph = build_graphs(run.vae, run.data.input_dtype)[2].without_defaults()
    content = CONVERT[precision](graph, {}).content
    engine = open_tflite(precision, content)
    return lambda x: engine({"x": x})["score"], [content], timed(engine, {"x": run.test["x"][:1]})


def networks(run: Run, precision: str) -> tuple[Score, list[bytes], float]:
    """Encoder and decoder of int8, likewise."""
    vae, feeds = run.vae, network_feeds(run.vae, run.training["x"])
    contents = [to_int8(graph, {}, feeds).content for graph in build_networks(vae)[:2]]
    encode, decode = (open_tflite(precision, content) for content in contents)

    def score(x: np.ndarray) -> np.ndarray:
        scaled = np.asarray(vae.preprocessing(x))
        posterior = encode({"x": scaled})
        parameters = decode({"z": posterior["z_mean"]})["parameters"]
        nll = np.asarray(vae.likelihood.feature_nll(scaled, parameters)).reshape(len(x), -1).sum(1)
        return nll + np.asarray(elbo.kl(posterior["z_mean"], posterior["z_log_var"]))

    inputs = {name: value[:1] for name, value in feeds.items()}
    return score, contents, timed(encode, {"x": inputs["x"]}) + timed(decode, {"z": inputs["z"]})


def timed(engine: Engine, feeds: dict[str, Any]) -> float:
    """Microseconds of a call, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(REPEATS):
            engine(feeds)
        best = min(best, (time.perf_counter() - start) / REPEATS)
    return 1e6 * best


if __name__ == "__main__":
    main()
