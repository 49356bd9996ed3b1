"""What each graph takes and gives, by its role and the model's description."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .names import NAME
from .texts import expect

if TYPE_CHECKING:
    from .manifest import File, Model, Tensor

DTYPES = ("float32", "uint8")  # of rows
LARGEST_ROW = 2**28  # values; a GiB of float32


def check_tensor(tensor: "Tensor", where: str) -> None:
    """Raises ValueError where a tensor cannot be; `where` names it."""
    known = tensor.dtype in (*DTYPES, "int8")
    expect(known, f"{where}: expected a dtype of {', '.join(DTYPES)}, int8", tensor.dtype)
    sizes = [size for size in tensor.shape if isinstance(size, int)]
    whole = math.prod(sizes) if min(sizes, default=1) > 0 else 0
    fits = 0 < len(tensor.shape) <= 9 and 0 < whole <= LARGEST_ROW
    expect(fits, f"{where}: expected a shape that can be", tensor.shape)
    expect(tensor.unit > 0, f"{where}: expected a unit above 0", tensor.unit)
    quantised = (tensor.scale, tensor.zero_point)
    both = (tensor.scale is None) == (tensor.zero_point is None)
    inside = (tensor.scale or 1.0) > 0 and -128 <= (tensor.zero_point or 0) <= 127
    expect(both and inside, f"{where}: expected a scale above 0 and its zero_point", quantised)


def check_inputs(file: "File", model: "Model") -> None:
    """Raises ValueError where a float graph takes anything but what the model's rows are."""
    known = dict(_inputs(model))
    for tensor in file.inputs if file.precision == "fp32" else ():
        if (tensor.dtype, tensor.shape[1:]) != known.get(tensor.name):
            raise ValueError(
                f"{NAME}: {file.name} input {tensor.name!r} is {tensor.dtype} {tensor.shape}; "
                f"the model says {known.get(tensor.name)}."
            )


def check_outputs(file: "File", model: "Model") -> None:
    """Raises ValueError where a float graph of a known role is not as that role is."""
    known = _interface(file, model) if file.precision == "fp32" else None
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
    floats = all(tensor.dtype == "float32" for tensor in file.outputs)
    expect(floats, f"{NAME}: {file.name}: expected outputs in float32", "others")
    free = all(isinstance(next(iter(t.shape), 0), str) for t in (*file.inputs, *file.outputs))
    expect(free, f"{NAME}: {file.name}: expected a graph that takes any batch", "a fixed one")


def _inputs(model: "Model") -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    yield "x", (model.input_dtype, model.input_shape)
    yield "z", ("float32", (model.latent_dim,))
    yield "noise", ("float32", (model.latent_dim,))


def _interface(file: "File", model: "Model") -> tuple[set[str], dict[str, Any]] | None:
    """Names of inputs, and shapes of a row's outputs; None of a role that is not known here."""
    x, z = model.input_shape, (model.latent_dim,)
    mixture = () if model.mixture is None else ("mixture_nll",)
    nats: dict[str, tuple[int, ...]] = dict.fromkeys(("score", "nll", "kl", "log_px", *mixture), ())
    known: dict[str, tuple[set[str], dict[str, tuple[int, ...]]]] = {
        "encoder": ({"x"}, {"z_mean": z, "z_log_var": z}),
        "decoder": ({"z"}, {"x_mean": x}),
        "scorer": ({"x", "noise"} if file.format == "onnx" else {"x"}, {**nats, "feature_nll": x}),
        "classifier": ({"x"}, {"probabilities": (len(model.classes or ()),)}),
    }
    return known.get(file.role)
