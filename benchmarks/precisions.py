"""What files of lower precision weigh, how fast they are, and how far they move scores.

    python benchmarks/precisions.py RUN...

Each run's scorer in every format and precision, as export makes it, on test rows: how far scores
of normal ones are from Keras's, in nats; ONNX int8 with each way to find ranges as well as with the
one that export chooses. For TFLite int8, which has no scorer, the score is computed from what its
encoder and decoder answer. Microseconds are of one row on one thread, called from Python, the best
of 7 rounds; for TFLite int8 those of both networks and of the arithmetic around them in Keras.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    from sklearn.metrics import roc_auc_score

    from vae_export.convert import quantize_onnx, to_onnx
    from vae_export.convert.artefacts import Artefact
    from vae_export.convert.convert import convert, networks_scorer
    from vae_export.convert.engines import Engine, open_onnx
    from vae_export.convert.variants import VARIANTS
    from vae_export.graphs import evidence, source
    from vae_export.graphs.evidence import Evidence
    from vae_export.graphs.functions import build_graphs

ROUNDS, REPEATS = 7, 100


def main() -> None:
    """Prints a row of the table for each run, format and precision."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="run directories")
    print("| run | file | kB | median | 99 % | spread | correlation | AUROC | us |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in parser.parse_args().runs:
        known = evidence.gather(source.of_run(path))
        for name, size, engine in scorers(known):
            print(
                f"| {path.name} | {name} | {size / 1e3:.0f} | {measure(known, engine)} |",
                flush=True,
            )


def scorers(known: Evidence) -> Iterator[tuple[str, int, Engine]]:
    """Every way to score that an export has: its name, bytes, and how to run it."""
    graphs = build_graphs(known.source.vae, known.source.card.input_dtype)
    made = [a for _, files in convert(known, graphs, VARIANTS, lambda line: None) for a in files]
    for artefact in (a for a in made if a.graph.role == "scorer"):
        name = artefact.name.removeprefix("scorer.")
        recipe = f" ({artefact.conversion.recipe})" if name == "int8.onnx" else ""
        yield name + recipe, len(artefact.conversion.content), artefact.engine
        if name == "int8.onnx":
            yield from calibrators(known, artefact)
    networks = [a for a in made if a.variant.networks]
    size = sum(len(a.conversion.content) for a in networks if a.graph.role != "classifier")
    yield "int8.tflite, both networks", size, networks_scorer(networks, graphs).engine


def calibrators(known: Evidence, chosen: Artefact) -> Iterator[tuple[str, int, Engine]]:
    """ONNX int8 by each way to find ranges, with no layer in float."""
    content = to_onnx.to_onnx(chosen.graph, {}).content
    for name in quantize_onnx.CALIBRATORS:
        recipe = quantize_onnx.Recipe(name)
        file = quantize_onnx.quantize(content, {"x": known.source.training["x"]}, recipe)
        yield f"int8.onnx, {recipe}", len(file), open_onnx(name, file)


def measure(known: Evidence, engine: Engine) -> str:
    """The other cells: how far scores are off, and how long one takes."""
    x, y = known.source.test["x"], known.source.test["y"].astype(bool)
    received = engine({"x": x})["score"]
    normal, expected = received[~y], known.test[~y]
    off, correlation = np.abs(normal - expected), np.corrcoef(normal, expected)[0, 1]
    auroc = f"{roc_auc_score(y, received):.4f}" if 0 < y.sum() < len(y) else ""
    figures = f"{np.median(off):.4f} | {np.quantile(off, 0.99):.3f} | {expected.std():.2f}"
    return f"{figures} | {correlation:.4f} | {auroc} | {timed(engine, {'x': x[:1]}):.0f}"


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
