"""Rows of a bundle's probe: real ones, or rows drawn from the model.

`probe.npz` travels with a bundle. Where no row of the data may, its rows are draws from the model:
latents from the prior, decoded, with noise; and they must test as much as real ones do.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from vae_export.errors import ExportError
from vae_keras.evaluate import score_rows
from vae_keras.likelihoods import draw
from vae_runtime.backends.deviations import FLAT

from .evidence import Evidence, feeds_of
from .functions import Array, Arrays, Graph, answers

ROWS = 16
CANDIDATES, BLOCK = 1024, 64  # draws that rows are chosen from, and how many are decoded at a time
TERMS = ("nll", "kl", "mixture_nll")  # of a score, by which draws are like real rows

# Times an output's spread over real rows, that it may have over those made up: what a device's
# answers may be off by is a share of the spread. Where answers hardly differ, nothing can be told;
# where they differ far more, what real rows would show is too little of it to count.
LEAST_SPREAD, MOST_SPREAD = 0.25, 4.0


def make_probe(graphs: tuple[Graph, ...], feeds: Arrays) -> Arrays:
    """`probe.npz`: rows, and what Keras answers to them (see `vae_runtime.backends.selftest`)."""
    taken = {name for graph in graphs for name in graph.inputs if name not in graph.defaults}
    batch = {name: feeds[name][:ROWS] for name in feeds if name in taken}
    probe = {**batch, "noise": feeds["noise"]}
    for graph in graphs:
        plain = answers(graph, batch)
        probe.update({f"{graph.role}.{output}": value for output, value in plain.items()})
        if graph.defaults:
            noisy = answers(graph, probe)
            probe.update({f"noisy_{graph.role}.{output}": v for output, v in noisy.items()})
    return probe


def trim_probe(probe: Arrays, roles: Collection[str]) -> Arrays:
    """Drops the answers of graphs that are not in `roles`, as where a precision is left out."""
    known = {*roles, *(f"noisy_{role}" for role in roles)}
    return {k: v for k, v in probe.items() if "." not in k or k.partition(".")[0] in known}


def make_synthetic_probe(graphs: tuple[Graph, ...], known: Evidence) -> Arrays:
    """Makes a probe of rows drawn from the model, and of latents of such rows.

    Raises:
        ExportError: they would not test as much as real rows do.
    """
    vae, card = known.source.vae, known.source.card
    rows = synthetic_rows(vae, card.input_dtype, like=known.feeds["x"][:ROWS])
    probe = make_probe(graphs, feeds_of(vae, rows))
    scales = {f"{g.role}.{name}": scale for g in graphs for name, (_, scale) in g.scaling.items()}
    check_spread(probe, make_probe(graphs, known.feeds), scales)
    return probe


def synthetic_rows(vae: Any, dtype: str, like: Array) -> Array:
    """Draws from the model, as many as these rows and each about as surprising as one of them.

    The terms of their scores are all that they take from the rows.

    Returns:
        (rows, *input_shape) in the data's units, the same each time.
    """
    rng = np.random.default_rng(1)  # another than that of `feeds_of`
    z = rng.standard_normal((CANDIDATES, vae.latent_dim), np.float32)
    blocks = [z[start : start + BLOCK] for start in range(0, CANDIDATES, BLOCK)]
    mean = np.concatenate([np.asarray(vae.likelihood.mean(vae.parameters_of(b))) for b in blocks])
    x = np.asarray(vae.preprocessing.inverse(draw(vae.likelihood, mean, rng).astype(np.float32)))
    x = np.clip(np.rint(x), 0, 255).astype(dtype) if dtype == "uint8" else x.astype(dtype)
    return np.asarray(x[_nearest(_terms(vae, x), _terms(vae, like))])


def check_spread(synthetic: Arrays, real: Arrays, scales: Arrays) -> None:
    """Checks that every answer differs from row to row about as much as over real rows.

    Args:
        synthetic, real: probes.
        scales: of outputs in the data's units, by their keys: each column counts by its own.

    Raises:
        ExportError: one does not.
    """
    for key in (key for key in real if "." in key):
        usual, found = (_spread(probe[key] / scales.get(key, 1.0)) for probe in (real, synthetic))
        if usual <= FLAT * max(1.0, float(np.abs(real[key]).max())):
            continue  # real rows would tell nothing by it either
        if not LEAST_SPREAD * usual <= found <= MOST_SPREAD * usual:
            raise ExportError(
                "--synthetic-probe: expected rows drawn from the model to test as much as real "
                f"rows do, so that the spread of each answer over them is {LEAST_SPREAD:g} to "
                f"{MOST_SPREAD:g} times that over real rows. Received: {found / usual:.3g} times "
                f"that of {key}. The model's draws are too unlike its data; nothing was written. "
                "Train it longer or with another beta, so that samples look like rows, or export "
                "without --synthetic-probe (synthetic_probe=False): the bundle then holds "
                f"{ROWS} real rows."
            )


def _terms(vae: Any, x: Array) -> Array:
    """Terms that each row's score is the sum of, in nats: (rows, terms)."""
    terms = score_rows(vae, x)
    return np.stack([terms[name] for name in TERMS if name in terms], -1).astype(np.float64)


def _nearest(found: Array, wanted: Array) -> list[int]:
    """Finds the row nearest to each of the wanted terms, none of them twice."""
    scale = np.maximum(wanted.std(axis=0), 1e-6)
    distance = np.square((found[:, None] - wanted) / scale).sum(axis=-1)
    chosen: list[int] = []
    for column in distance.T:
        column[chosen] = np.inf
        chosen.append(int(np.argmin(column)))
    return chosen


def _spread(values: Array) -> float:
    """Spread of the rows: root mean square of their distance from the mean."""
    return float(np.sqrt(np.mean(values.astype(np.float64).var(axis=0))))
