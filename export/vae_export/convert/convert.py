"""Every file of a model in the formats and precisions that are wanted, made and not yet judged."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from vae_export.bundle import write
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.float_graphs import build_around, build_replacements
from vae_export.graphs.functions import Array, Graph, build_networks, network_feeds

from . import artefacts, quantize_onnx, to_onnx
from .artefacts import Artefact
from .variants import NO_INT8_SCORER, Material, Variant

Log = Callable[[str], None]


def convert(
    known: Evidence, graphs: tuple[Graph, ...], wanted: Sequence[Variant], log: Log
) -> Iterator[tuple[Variant, Iterator[Artefact]]]:
    """Each variant with its files, made one at a time: a bad one is refused before the next.

    Args:
        known: the model, its rows, and what Keras answers.
        graphs: of the model.
        wanted: what to make of each, float32 first.
        log: is told of what makes no sense and is left out.
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
            material = replace(learned, metadata=write.metadata(known.source, graph))
            yield artefacts.make(graph, each, known, material)

    for variant in wanted:
        if variant.networks:
            log(f"no {variant.name('scorer')}: {NO_INT8_SCORER}")
        yield variant, files_of(variant)


def networks_scorer(files: Sequence[Artefact], graphs: tuple[Graph, ...]) -> Artefact:
    """The score that a device gets from the int8 networks and what stands around them."""
    parts = {file.graph.role: file for file in files if file.variant.format == "tflite"}
    scorer = next(graph for graph in graphs if graph.role == "scorer")
    return artefacts.scorer_of(parts, scorer)


def check_training(x: Array, wanted: Sequence[Variant]) -> None:
    """Ranges must not be learned from rows that the files are then judged on."""
    needed = quantize_onnx.BATCH
    if len(x) < needed and any(variant.precision == "int8" for variant in wanted):
        raise ValueError(
            f"expected {needed} rows at least that the model was trained on, for int8 to learn "
            f"ranges from (training=). Received: {len(x)}. Give them, or leave int8 out."
        )


def material_of(known: Evidence, graphs: tuple[Graph, ...]) -> Material:
    """What int8 files are made from; the float files have been judged by then."""
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
