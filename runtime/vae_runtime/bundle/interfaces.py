"""Inputs and outputs of each graph, by its role and the model's description."""

import math
from collections.abc import Iterator
from typing import Any

from .records import NAME, File, Model, Tensor
from .texts import expect

DTYPES = ("float32", "uint8")  # of rows
LARGEST_ROW = 2**28  # values; a GiB of float32

PRECISIONS = ("fp32", "fp16", "dynamic", "int8")  # known here; of others nothing is said
NETWORKS = ("tflite", "int8")  # files that hold networks alone

# Outputs that are a sum of terms, which may be large where it is small: their error scale is the
# size of the terms.
SUMS = ("score", "nll", "log_px", "feature_nll", "mixture_nll")
LARGEST_ERROR_SCALE = 1e12  # nats

LARGEST_PARITY = 10.0  # of lower precision, which may be coarse: more is no answer


def check_tensor(tensor: Tensor, where: str) -> None:
    """Raises ValueError for a tensor that cannot exist; `where` names it."""
    known = tensor.dtype in (*DTYPES, "int8")
    expect(known, f"{where}: expected a dtype of {', '.join(DTYPES)}, int8", tensor.dtype)
    sizes = [size for size in tensor.shape if isinstance(size, int)]
    whole = math.prod(sizes) if min(sizes, default=1) > 0 else 0
    fits = 0 < len(tensor.shape) <= 9 and 0 < whole <= LARGEST_ROW
    expect(fits, f"{where}: expected 1 to 9 dimensions, at most 2^28 values", tensor.shape)
    largest = LARGEST_ERROR_SCALE if tensor.name in SUMS else 1.0
    error_scale = f"{where}: expected an error_scale above 0 and at most {largest:g}"
    expect(0 < tensor.error_scale <= largest, error_scale, tensor.error_scale)
    quantised = (tensor.scale, tensor.zero_point)
    both = (tensor.scale is None) == (tensor.zero_point is None)
    inside = (tensor.scale or 1.0) > 0 and -128 <= (tensor.zero_point or 0) <= 127
    expect(both and inside, f"{where}: expected a scale above 0 and its zero_point", quantised)


def check_inputs(file: File, model: Model) -> None:
    """Raises ValueError for a graph with inputs that do not fit the model's rows."""
    known = dict(_inputs(model, networks=_is_networks(file)))
    for tensor in file.inputs if file.precision in PRECISIONS else ():
        if (tensor.dtype, tensor.shape[1:]) != known.get(tensor.name):
            raise ValueError(
                f"{NAME}: {file.name} input {tensor.name!r:.60} is {tensor.dtype} "
                f"{tensor.shape!s:.200}; the model says {known.get(tensor.name)}."
            )


def check_outputs(file: File, model: Model) -> None:
    """Raises ValueError for a graph with outputs that do not fit its role and precision."""
    known = interface(file, model)
    if known is None:
        return
    taken, given = known
    inputs = [tensor.name for tensor in file.inputs]
    expect({*inputs} == taken, f"{NAME}: {file.name}: expected the inputs {taken}", inputs)
    outputs = {tensor.name: tensor.shape[1:] for tensor in file.outputs}
    if outputs != given:
        raise ValueError(
            f"{NAME}: {file.name} has the outputs {str(outputs)[:300]}; the model says {given}."
        )
    if _is_networks(file):
        _check_integers(file)
        return
    floats = all(tensor.dtype == "float32" for tensor in file.outputs)
    expect(floats, f"{NAME}: {file.name}: expected outputs in float32", "others")
    free = all(isinstance(next(iter(t.shape), 0), str) for t in (*file.inputs, *file.outputs))
    expect(free, f"{NAME}: {file.name}: expected a graph that takes any batch", "a fixed one")


def has_channels(feature_names: tuple[str, ...] | None, input_shape: tuple[int, ...]) -> bool:
    """True where features have names and several places in a row, as channels of windows."""
    return feature_names is not None and len(input_shape) > 1


def check_parity(file: File, model: Model, tolerance: float) -> None:
    """Checks that each output has a parity within export's limit, which the self-test needs.

    Of degraded files, exporters of before said only those of the outputs that were worse.
    """
    where, parity = f"{NAME}: {file.name}", file.parity
    outputs = {tensor.name for tensor in file.outputs}
    fits = set(parity) <= outputs and all(value >= 0 for value in parity.values())
    expect(fits, f"{where}: expected parity, from 0, of its outputs", parity)
    exact = file.precision == "fp32"
    if interface(file, model) is None or (file.degraded and not exact):
        return
    missing = sorted(outputs - set(parity))
    expect(not missing, f"{where}: expected parity of {missing} as well", parity)
    most = tolerance if exact else LARGEST_PARITY
    expect(max(parity.values()) <= most, f"{where}: expected parity of at most {most:g}", parity)


def _check_integers(file: File) -> None:
    for tensor in (*file.inputs, *file.outputs):
        fits = tensor.dtype == "int8" and tensor.scale is not None and tensor.shape[:1] == (1,)
        expected = f"{NAME}: {file.name}: expected int8 with scale and zero_point of one row"
        expect(fits, expected, f"{tensor.dtype} {tensor.shape}, scale {tensor.scale}")


def _is_networks(file: File) -> bool:
    """True for a file of networks, around which a reader computes the score."""
    return (file.format, file.precision) == NETWORKS and file.role != "scorer"


def _inputs(model: Model, *, networks: bool) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    yield "x", ("int8" if networks else model.input_dtype, model.input_shape)
    yield "z", ("int8" if networks else "float32", (model.latent_dim,))
    for name in ("noise", "z_mean", "z_log_var"):
        yield name, ("float32", (model.latent_dim,))
    for name in ("u", "parameters"):
        yield name, ("float32", model.input_shape)


def interface(file: File, model: Model) -> tuple[set[str], dict[str, Any]] | None:
    """Names of inputs, and shapes of a row's outputs; None for a role that is not known here."""
    if file.precision not in PRECISIONS:
        return None
    x, z = model.input_shape, (model.latent_dim,)
    networks = _is_networks(file)
    mixture = () if model.mixture is None else ("mixture_nll",)
    nats: dict[str, tuple[int, ...]] = dict.fromkeys(("score", "nll", "kl", "log_px", *mixture), ())
    scored, expected = {**nats, "feature_nll": x}, {"x_expected": x}
    if has_channels(model.feature_names, model.input_shape):
        expected["channels_expected"] = x
    known: dict[str, tuple[set[str], dict[str, tuple[int, ...]]]] = {
        "encoder": ({"x"}, {"z_mean": z, "z_log_var": z}),
        "decoder": ({"z"}, {"parameters" if networks else "x_mean": x}),
        "scorer": ({"x", "noise"} if file.format == "onnx" else {"x"}, scored),
        "classifier": ({"x"}, {"probabilities": (len(model.classes or ()),)}),
        "preprocess": ({"x"}, {"u": x}),
        "head": ({"u", "z_mean", "z_log_var", "parameters"}, scored),
        "mean": ({"parameters"}, {"x_mean": x}),
        "replacements": ({"x"}, expected),
    }
    return known.get(file.role)
