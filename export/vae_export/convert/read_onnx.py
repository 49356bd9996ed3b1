"""Reader of ONNX files: ops, interface, version."""

import onnx
from onnx import TensorProto, helper
from onnx.checker import check_model

from vae_export.graphs.functions import Interface

# Deterministic ops of the standard domain that onnxruntime has on every CPU. Others may well be
# fine: add one after onnxruntime and the parity gate have agreed with Keras on it.
OPS = frozenset(
    "Abs Add ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape "
    "Conv ConvTranspose Cos DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand "
    "Flatten Floor Gather GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual "
    "HardSigmoid HardSwish Identity InstanceNormalization LSTM LayerNormalization LeakyRelu Less "
    "LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean Min Mul Neg Not OneHot Or And Pad Pow "
    "PRelu QuantizeLinear Range Reciprocal ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin "
    "ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin "
    "Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh "
    "ThresholdedRelu Tile TopK Transpose Unsqueeze Where".split()
)

# Old enough for the runtimes on devices; opset 17 is the first with LayerNormalization.
OPSETS = (17, 18)
IR_VERSION = 8


def complaint(content: bytes) -> str | None:
    """Complaint of onnx's own checker about the file, shapes included; None where it is valid."""
    try:
        check_model(onnx.load_from_string(content), full_check=True)
    except Exception as error:  # onnx, its shape inference and protobuf each raise their own
        return f"the ONNX checker refuses it: {error}"
    return None


def too_new(content: bytes) -> str | None:
    """Reason why runtimes on devices may not know the file's version; None if they do."""
    model = onnx.load_from_string(content)
    found = {opset.domain: opset.version for opset in model.opset_import}
    if model.ir_version <= IR_VERSION and found.get("") in OPSETS:
        return None
    return (
        f"expected IR version {IR_VERSION} at most and opset {' or '.join(map(str, OPSETS))}. "
        f"Received: IR version {model.ir_version}, opset {found.get('')}."
    )


def ops(content: bytes) -> tuple[str, ...]:
    """Ops in the file, sorted; those of another domain than ONNX's as DOMAIN.OP."""
    nodes = onnx.load_from_string(content).graph.node
    return tuple(sorted({_full_name(node) for node in nodes}))


def is_known(op: str) -> bool:
    """True where every CPU runtime has the op and it draws nothing at random."""
    return op in OPS


def interface(content: bytes) -> Interface:
    """Inputs and outputs by name: dtype, and shape with the names of free dimensions."""
    graph = onnx.load_from_string(content).graph
    return Interface(
        *({v.name: _describe(v) for v in values} for values in (graph.input, graph.output))
    )


def node_count(content: bytes) -> int:
    """Number of nodes."""
    return len(onnx.load_from_string(content).graph.node)


def _full_name(node: onnx.NodeProto) -> str:
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def _describe(value: onnx.ValueInfoProto) -> tuple[str, tuple[int | str, ...]]:
    tensor = value.type.tensor_type
    if tensor.elem_type == TensorProto.UNDEFINED:
        return "no tensor", ()
    dims = (
        d.dim_param or (d.dim_value if d.HasField("dim_value") else "?") for d in tensor.shape.dim
    )
    return str(helper.tensor_dtype_to_np_dtype(tensor.elem_type)), tuple(dims)
