"""Converts a model to files of all formats and precisions that are wanted."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from vae_export.graphs.evidence import Evidence
from vae_export.graphs.float_graphs import build_around, build_replacements
from vae_export.graphs.functions import Array, Graph, build_networks, network_feeds
from vae_export.graphs.source import metadata

from . import artefacts, quantize_onnx, to_onnx
from .artefacts import Artefact
from .variants import NO_INT8_SCORER, Material, Variant

Log = Callable[[str], None]


def convert(
    known: Evidence, graphs: tuple[Graph, ...], wanted: Sequence[Variant], log: Log
) -> Iterator[tuple[Variant, Iterator[Artefact]]]:
    """Yields each variant with its files, which are converted one at a time when asked for.

    Args:
        known: the model, its rows, and what Keras answers.
        graphs: of the model.
        wanted: what to make of each, float32 first.
        log: is given lines about files that make no sense and are left out.
    """
    vae, card = known.source.vae, known.source.card
    networks, around = build_networks(vae), build_around(vae, card)
    ranges = functools.cache(lambda: material_of(known, graphs))

    def files_of(variant: Variant) -> Iterator[Artefact]:
        learned = ranges() if variant.precision == "int8" else Material({})
        made = [(graph, variant) for graph in (networks if variant.networks else graphs)]
        if variant.precision == "fp32":
            made += [(graph, variant) for graph in build_replacements(vae, card)]
        if variant.networks:
            (whole,) = (v for v in wanted if (v.format, v.precision) == (variant.format, "fp32"))
            made += [(graph, whole) for graph in around]
        for graph, each in made:
            material = replace(learned, metadata=metadata(known.source, graph))
            yield artefacts.make(graph, each, known, material)

    for variant in wanted:
        if variant.networks:
            log(f"no {variant.name('scorer')}: {NO_INT8_SCORER}")
        yield variant, files_of(variant)


def networks_scorer(files: Sequence[Artefact], graphs: tuple[Graph, ...]) -> Artefact:
    """Scorer that chains the int8 networks and the float graphs around them."""
    parts = {file.graph.role: file for file in files if file.variant.format == "tflite"}
    scorer = next(graph for graph in graphs if graph.role == "scorer")
    return artefacts.scorer_of(parts, scorer)


def check_training(x: Array, wanted: Sequence[Variant]) -> None:
    """Raises ValueError where there are too few training rows to learn int8 ranges from."""
    needed = quantize_onnx.BATCH
    if len(x) < needed and any(variant.precision == "int8" for variant in wanted):
        raise ValueError(
            f"expected {needed} rows at least that the model was trained on, for int8 to learn "
            f"ranges from (training=). Received: {len(x)}. Give them, or leave int8 out."
        )


def material_of(known: Evidence, graphs: tuple[Graph, ...]) -> Material:
    """Inputs of the int8 converters; the float files have passed their gates by then."""
    vae, x, unseen = known.source.vae, known.source.training["x"], known.source.calibration["x"]
    scorer = next(graph for graph in graphs if graph.role == "scorer")
    content = to_onnx.to_onnx(scorer, {}).content
    spared = frozenset(map(quantize_onnx.digest_of, scorer.spared))
    return Material(
        metadata={},
        training={"x": x, "z": np.asarray(vae.encode(x)[0])},
        networks=network_feeds(vae, x),
        recipe=quantize_onnx.choose(content, x, unseen, known.calibration, spared=spared),
    )
