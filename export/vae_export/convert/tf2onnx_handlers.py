"""Handlers for three functions that tf2onnx lacks.

They are exact but near where they cancel, and there right to within 1e-7: exact GELU has erfc, CELU
has expm1, counts are often fed as log1p.
"""

from typing import Any

import numpy as np
from onnx import helper


def erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Converts Erfc: 1 - erf(x)."""
    node.type = "Erf"
    output, one = node.output[0], _one(ctx, node)
    ctx.insert_new_node_on_output("Sub", output, f"{name}_sub", inputs=[one, output])


def expm1(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Converts Expm1: exp(x) - 1."""
    node.type = "Exp"
    output, one = node.output[0], _one(ctx, node)
    ctx.insert_new_node_on_output("Sub", output, f"{name}_sub", inputs=[output, one])


def log1p(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Converts Log1p: log(x + 1)."""
    node.type = "Log"
    ctx.insert_new_node_on_input(node, "Add", [node.input[0], _one(ctx, node)])


HANDLERS: dict[str, Any] = {"Erfc": (erfc, []), "Expm1": (expm1, []), "Log1p": (log1p, [])}


def _one(ctx: Any, node: Any) -> str:
    dtype = helper.tensor_dtype_to_np_dtype(ctx.get_dtype(node.input[0]))
    return str(ctx.make_const(f"{node.name}_one", np.ones((), dtype)).output[0])
