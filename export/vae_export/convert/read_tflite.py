"""Reader of TFLite files: ops, interface, version, metadata, quantisation."""

import json
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from vae_export.graphs.functions import Interface
from vae_keras._base.tf_log_filter import filter_tf_log
from vae_runtime.bundle.manifest import FORMAT

SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
SIGNATURE = "serving_default"

Quantization = tuple[float, int]  # scale and zero point: value = scale * (integer - zero point)


def interpreter(content: bytes) -> Any:
    """Loads a file in LiteRT on one thread; ValueError or RuntimeError where it cannot."""
    with filter_tf_log():
        return Interpreter(model_content=content, num_threads=1)


def complaint(content: bytes) -> str | None:
    """Reason why the file is not a TFLite model with one signature; None if it is."""
    if content[4:8] != IDENTIFIER:
        return f"expected a TFLite file, marked {IDENTIFIER!r}. Received: {content[4:8]!r}."
    try:
        signatures = interpreter(content).get_signature_list()
    except (ValueError, RuntimeError) as error:
        return f"LiteRT cannot load it: {error}"
    if list(signatures) != [SIGNATURE]:
        return f"expected one signature, {SIGNATURE}. Received: {', '.join(signatures) or 'none'}."
    return None


def too_new(content: bytes) -> str | None:
    """Reason why runtimes on devices may not know the file's version; None if they do."""
    version = _model(content).Version()
    if version == SCHEMA_VERSION:
        return None
    return f"expected schema version {SCHEMA_VERSION}. Received: {version}."


def ops(content: bytes) -> tuple[str, ...]:
    """Ops in the file, sorted; custom and Flex ones as CUSTOM:NAME."""
    model = _model(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    return tuple(sorted({_op_name(code) for code in codes}))


def is_known(op: str) -> bool:
    """True where every LiteRT has the op and it draws nothing at random."""
    return not op.startswith("CUSTOM") and "RANDOM" not in op


def interface(content: bytes) -> Interface:
    """Inputs and outputs by name: dtype and shape, a free first dimension as "batch"."""
    runner: Any = interpreter(content).get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    return Interface(
        *({n: _describe(d) for n, d in details.items()} for details in (inputs, outputs))
    )


def metadata(content: bytes) -> dict[str, str]:
    """Metadata that export wrote into the file; empty for any other file."""
    model: Any = schema.ModelT.InitFromPackedBuf(content)
    for entry in model.metadata or ():
        if entry.name.decode() == FORMAT:
            return dict(json.loads(bytes(model.buffers[entry.buffer].data)))
    return {}


def quantization(content: bytes) -> dict[str, Quantization]:
    """Scale and zero point of every input and output of a TFLite file that is in integers."""
    model: Any = schema.ModelT.InitFromPackedBuf(content)
    (signature,) = model.signatureDefs
    tensors = model.subgraphs[signature.subgraphIndex].tensors
    named = [*signature.inputs, *signature.outputs]
    each = {end.name.decode(): tensors[end.tensorIndex].quantization for end in named}
    return {
        name: (float(given.scale[0]), int(given.zeroPoint[0]))
        for name, given in each.items()
        if given is not None and given.scale is not None
    }


def _describe(details: dict[str, Any]) -> tuple[str, tuple[int | str, ...]]:
    first, *rest = details["shape_signature"].tolist()
    return np.dtype(details["dtype"]).name, ("batch" if first == -1 else first, *rest)


def _model(content: bytes) -> Any:
    return schema.Model.GetRootAs(content)


def _op_name(code: Any) -> str:
    if code.CustomCode():
        return f"CUSTOM:{code.CustomCode().decode()}"
    # an 8-bit field that older files use still holds the codes below 127; the larger one is meant
    return str(_BUILTIN_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())])


_BUILTIN_NAMES = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
