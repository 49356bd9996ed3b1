"""Table of variants: formats and precisions in which each graph is exported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vae_export.graphs.functions import Arrays, Graph, Interface

from . import quantize_onnx, quantize_tflite, to_onnx, to_tflite
from .precisions import FORMATS, PRECISIONS
from .result import Conversion

NO_INT8_SCORER = (
    "a score is sums of squares, exponentials and logarithms, which 8 bits cannot hold and "
    "microcontrollers do not have in 8 bits; it is computed from what encoder and decoder answer"
)


@dataclass(frozen=True)
class Material:
    """Inputs of a converter beside the graph.

    Args:
        metadata: written into the file, so that a lone file explains itself.
        training: x and z of rows that were trained on, to learn ranges from.
        networks: the same as the networks alone take them, see `functions.network_feeds`.
        recipe: of ONNX quantisation, chosen once for all graphs of a model.
    """

    metadata: dict[str, str]
    training: Arrays = field(default_factory=dict)
    networks: Arrays = field(default_factory=dict)
    recipe: quantize_onnx.Recipe = quantize_onnx.MINMAX


@dataclass(frozen=True)
class Variant:
    """Format and precision of exported files, with their converter.

    Args:
        format: onnx or tflite.
        precision: one of `PRECISIONS`.
        convert: makes the file; it raises nothing, complaints are in the `Conversion`.
    """

    format: str
    precision: str
    convert: Callable[[Graph, Material], Conversion]

    @property
    def optional_inputs(self) -> bool:
        """True where an input may have a default; in TFLite it is fixed at the default."""
        return self.format == "onnx"

    @property
    def networks(self) -> bool:
        """True where only the networks are exported: int8 in and out, one row at a time."""
        return (self.format, self.precision) == ("tflite", "int8")

    @property
    def title(self) -> str:
        """Title of all files of the variant, for people."""
        return f"{self.precision} ({self.format})"

    def interface(self, graph: Graph) -> Interface:
        """Inputs and outputs that a file must have."""
        if not self.networks:
            return graph.interface
        one_row = ({n: ("int8", (1, *s[1:])) for n, (_, s) in v.items()} for v in graph.interface)
        return Interface(*one_row)

    def name(self, role: str) -> str:
        """File name in a bundle."""
        middle = "" if self.precision == "fp32" else f".{self.precision}"
        return f"{role}{middle}.{self.format}"


def variants(formats: Sequence[str], precisions: Sequence[str]) -> tuple[Variant, ...]:
    """Variants of these formats and precisions, fp32 first.

    Raises:
        ValueError: an unknown name, or one without which there is no bundle.
    """
    _check_names("formats", formats, FORMATS, needed="onnx")
    _check_names("precisions", precisions, PRECISIONS, needed="fp32")
    return tuple(v for v in VARIANTS if v.format in formats and v.precision in precisions)


def _check_names(what: str, given: Sequence[str], known: Sequence[str], *, needed: str) -> None:
    strange = [name for name in given if name not in known]
    if strange or needed not in given:
        raise ValueError(
            f"expected {what} of {', '.join(known)}, {needed} among them, which all others are "
            f"measured against. Received: {', '.join(given) or 'none'}."
        )


def _onnx_int8(graph: Graph, material: Material) -> Conversion:
    made = to_onnx.to_onnx(graph, material.metadata)
    if made.complaints:
        return made
    rows = {name: material.training[name] for name in graph.inputs if name in material.training}
    spared = frozenset(map(quantize_onnx.digest_of, graph.spared))
    recipe = replace(material.recipe, spared=spared)
    return Conversion(
        quantize_onnx.quantize(made.content, rows, recipe),
        quantize_onnx.missing_factors(made.content, graph.spared),
        recipe=str(recipe),
        nodes_before=made.nodes_before,
    )


VARIANTS = (
    Variant("onnx", "fp32", lambda graph, m: to_onnx.to_onnx(graph, m.metadata)),
    Variant("tflite", "fp32", lambda graph, m: to_tflite.to_tflite(graph, m.metadata)),
    Variant("onnx", "int8", _onnx_int8),
    Variant("tflite", "fp16", lambda graph, m: quantize_tflite.to_fp16(graph, m.metadata)),
    Variant("tflite", "dynamic", lambda graph, m: quantize_tflite.to_dynamic(graph, m.metadata)),
    Variant(
        "tflite",
        "int8",
        lambda graph, m: quantize_tflite.to_int8(graph, m.metadata, m.networks),
    ),
)
