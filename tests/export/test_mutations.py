"""Every way we know to break an export, and each is refused by the file's name and the reason."""

import dataclasses
import re

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from vae_export import ExportError
from vae_export.convert.quantize_onnx import MINMAX, quantize
from vae_export.convert.result import Conversion
from vae_export.gates import examine
from vae_export.graphs import evidence, source
from vae_runtime.verdicts.calibration import p_values


def array(tensor):
    return numpy_helper.to_array(tensor)


def put(tensor, value):
    tensor.CopyFrom(
        numpy_helper.from_array(np.ascontiguousarray(value, array(tensor).dtype), tensor.name)
    )


def floats(graph, ndim=None):
    """Float initializers, of so many dimensions, largest first."""
    found = [t for t in graph.initializer if t.data_type == TensorProto.FLOAT]
    found = [t for t in found if ndim is None or len(t.dims) == ndim]
    return sorted(found, key=lambda t: -np.prod(t.dims))


def on_model(change):
    """A change of a graph as one of a file's bytes."""

    def changed(content):
        model = onnx.load_from_string(content)
        change(model.graph if change.__code__.co_varnames[0] == "graph" else model)
        return model.SerializeToString()

    return changed


def rename(graph, names):
    for node in graph.node:
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]


def behind(graph, output, op, *more, **attributes):
    """Puts an operation between the node that makes an output and the output."""
    rename(graph, {output: "before"})
    graph.node.append(helper.make_node(op, ["before", *more], [output], **attributes))


def constant(graph, value, name="added"):
    graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


# Wrong numbers.


def scale_a_weight(graph):
    weight = floats(graph, 2)[0]
    put(weight, array(weight) * 1.01)


def transpose_a_weight(graph):
    weight = floats(graph, 2)[0]
    put(weight, array(weight).T.reshape(array(weight).shape))


def negate_a_weight(graph):
    weight = floats(graph, 2)[-1]
    put(weight, -array(weight))


def flip_the_kernels(graph):
    """A convolution in place of a correlation."""
    kernel = floats(graph, 4)[0]
    put(kernel, array(kernel)[..., ::-1, ::-1])


def drop_a_bias(graph):
    biases = [t for t in floats(graph) if np.squeeze(array(t)).ndim == 1 and np.prod(t.dims) > 4]
    bias = max(biases, key=lambda t: np.abs(array(t)).max())
    put(bias, array(bias) * 0)


def lose_a_weight(graph):
    weight = floats(graph, 2)[0]
    put(weight, array(weight) * np.nan)


def swap_the_outputs(graph):
    rename(graph, {"z_mean": "z_log_var", "z_log_var": "z_mean"})


def take_the_logarithm_twice(graph):
    behind(graph, "z_log_var", "Mul", constant(graph, np.float32(0.5)))


def take_another_sigma(graph):
    """What a row's deviation from the mean is divided by, ten percent off."""
    sigma = next(t for t in floats(graph) if np.prod(t.dims) == 6 and (array(t) > 1.5).all())
    put(sigma, array(sigma) * 1.1)


def scale_the_rows_twice(graph):
    rename(graph, {"x": "scaled"})
    graph.node.insert(
        0, helper.make_node("Mul", ["x", constant(graph, np.float32(0.5))], ["scaled"])
    )


def clip_the_rows(graph):
    """Normal rows stay as they are; wild ones look normal."""
    low, high = constant(graph, np.float32(0.0), "low"), constant(graph, np.float32(8.0), "high")
    rename(graph, {"x": "clipped"})
    graph.node.insert(0, helper.make_node("Clip", ["x", low, high], ["clipped"]))


def average_over_features(graph):
    behind(graph, "nll", "Mul", constant(graph, np.float32(1 / 64)))


def forget_the_kl(graph):
    graph.node.append(helper.make_node("Identity", ["nll"], ["replaced"]))
    maker = next(node for node in graph.node if "score" in node.output)
    maker.output[0] = "forgotten"
    graph.node[-1].output[0] = "score"


def turn_the_score_round(graph):
    behind(graph, "score", "Neg")


def score_among_neighbours(graph):
    rename(graph, {"score": "before"})
    graph.node.extend(
        [
            helper.make_node("ReduceMean", ["before"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["before", "mean"], ["score"]),
        ]
    )


def ignore_the_noise(graph):
    rename(graph, {"noise": constant(graph, np.zeros((1, 8), np.float32))})


def begin_with_noise(graph):
    noise = next(t for t in graph.initializer if t.name == "noise")
    put(noise, array(noise) + 1.0)


def round_as_on_another_grid(graph):
    """The quantised activations' scales, ten times too wide."""
    scales = [t for t in floats(graph, 0) if t.name.endswith("_scale")]
    for scale in scales:
        put(scale, array(scale) * 10)


# Wrong form.


def fix_the_batch(graph):
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1


def rename_the_batch(graph):
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"


def rename_an_output(graph):
    rename(graph, {"x_mean": "output_0"})
    graph.output[0].name = "output_0"


def ask_for_a_captured_tensor(graph):
    graph.input.append(helper.make_tensor_value_info("captured", TensorProto.FLOAT, [3]))


def drop_an_output(graph):
    del graph.output[-1:]


def answer_in_double(graph):
    behind(graph, "x_mean", "Cast", to=TensorProto.DOUBLE)
    graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def use_an_op_of_ones_own(model):
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    behind(model.graph, "x_mean", "Magic", domain="com.example")


def use_a_rare_op(graph):
    behind(graph, "x_mean", "Acosh")


def draw_at_random(graph):
    graph.node.append(helper.make_node("RandomNormalLike", ["before"], ["noise_"]))
    rename(graph, {"z_mean": "before"})
    graph.node.append(helper.make_node("Add", ["before", "noise_"], ["z_mean"]))


def be_newer_than_devices(model):
    model.ir_version = 10


def be_of_another_opset(model):
    model.opset_import[0].version = 21


def lack_a_node(graph):
    del graph.node[len(graph.node) // 2]


ONNX = {
    "a weight scaled": ("scorer.onnx", scale_a_weight, r"output '\w+' differs from Keras by"),
    "a weight transposed": ("encoder.onnx", transpose_a_weight, "differs from Keras"),
    "a weight negated": ("decoder.onnx", negate_a_weight, "output 'x_mean' differs from Keras"),
    "kernels flipped": ("encoder.onnx", flip_the_kernels, "differs from Keras"),
    "a bias dropped": ("decoder.onnx", drop_a_bias, "output 'x_mean' differs from Keras"),
    "NaN weights": ("encoder.onnx", lose_a_weight, "expected finite numbers"),
    "outputs swapped": ("encoder.onnx", swap_the_outputs, "output 'z_mean' differs from Keras"),
    "a half log-variance": ("encoder.onnx", take_the_logarithm_twice, "'z_log_var' differs"),
    "another sigma": ("scorer.onnx of a table", take_another_sigma, "differs from Keras"),
    "scaled twice": ("scorer.onnx", scale_the_rows_twice, "differs from Keras"),
    "rows clipped": ("encoder.onnx", clip_the_rows, "differs from Keras"),
    "a mean, not a sum": ("scorer.onnx", average_over_features, "output 'nll' differs from Keras"),
    "no kl": ("scorer.onnx", forget_the_kl, "output 'score' differs from Keras"),
    "the sign turned": ("scorer.onnx", turn_the_score_round, "output 'score' differs from Keras"),
    "neighbours count": ("scorer.onnx", score_among_neighbours, "output 'score' differs"),
    "noise ignored": ("scorer.onnx", ignore_the_noise, "output '.*' differs from Keras"),
    "noise by default": ("scorer.onnx", begin_with_noise, "output '.*' differs from Keras"),
    "a fixed batch": ("encoder.onnx", fix_the_batch, r"expected 'x' among the inputs as float32"),
    "another free dimension": ("encoder.onnx", rename_the_batch, r"\('batch', .*Received.*'N'"),
    "an output renamed": (
        "decoder.onnx",
        rename_an_output,
        "expected the outputs x_mean. Received: o",
    ),
    "a captured tensor": ("encoder.onnx", ask_for_a_captured_tensor, "inputs x. Received: x, capt"),
    "an output missing": ("scorer.onnx", drop_an_output, "expected the outputs score, nll"),
    "answers in double": ("decoder.onnx", answer_in_double, "'x_mean' .*Received: float64"),
    "an op of its own": ("decoder.onnx", use_an_op_of_ones_own, r"expected .*com.example.Magic"),
    "a rare op": ("decoder.onnx", use_a_rare_op, "expected deterministic ops.*Received: Acosh"),
    "a random op": ("encoder.onnx", draw_at_random, "Received: RandomNormalLike"),
    "too new a version": ("scorer.onnx", be_newer_than_devices, "Received: IR version 10"),
    "another opset": ("scorer.onnx", be_of_another_opset, "opset 21|the ONNX checker refuses it"),
    "a node missing": ("scorer.onnx", lack_a_node, "the ONNX checker refuses it"),
    "wide int8 ranges": (
        "scorer.int8.onnx",
        round_as_on_another_grid,
        "is off by|rank rows|verdicts",
    ),
    "a swap in int8": ("encoder.int8.onnx", swap_the_outputs, "is off by .* of its spread"),
    "a turn in int8": ("scorer.int8.onnx", turn_the_score_round, "output 'score' is off by"),
    "classes permuted": (
        "classifier.onnx of states",
        lambda graph: put(
            next(t for t in floats(graph) if array(t).size == 3),
            array(next(t for t in floats(graph) if array(t).size == 3))[..., ::-1],
        ),
        "differs",
    ),
}


@pytest.fixture
def artefact(request):
    """A file by its name, "of" a run."""

    def find(name):
        name, _, run = name.partition(" of a ") if " of a " in name else name.partition(" of ")
        return request.getfixturevalue(f"{run or 'digits'}_files")[name]

    return find


def refused(artefact, content, reason):
    assert content != artefact.conversion.content
    broken = dataclasses.replace(artefact.conversion, content=content)
    with pytest.raises(ExportError, match=f"^{re.escape(artefact.name)}: .*({reason})"):
        examine(dataclasses.replace(artefact, conversion=broken))


@pytest.mark.parametrize("mutation", ONNX)
def test_a_broken_onnx_file_is_refused(artefact, mutation):
    name, change, reason = ONNX[mutation]
    whole = artefact(name)
    refused(whole, on_model(change)(whole.conversion.content), reason)


FILES = [
    *(
        f"{role}.{end}"
        for role in ("encoder", "decoder", "scorer")
        for end in ("onnx", "int8.onnx", "tflite")
    ),
    "scorer.onnx of a table",
    "classifier.onnx of states",
]


@pytest.mark.parametrize("name", FILES)
def test_none_of_these_is_refused_when_it_is_whole(artefact, name):
    """Else the other tests would show nothing."""
    assert examine(artefact(name)).degraded == ()


@pytest.mark.parametrize("name", ["encoder.onnx", "scorer.tflite"])
@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b[:-100], lambda b: b"not a model"],
)
def test_a_damaged_file_is_refused(artefact, name, damage):
    whole = artefact(name)
    reason = "refuses it|cannot load it|expected a TFLite file|cannot run it|inputs"
    refused(whole, damage(whole.conversion.content), reason)


def test_the_weights_of_another_model_are_refused(artefact):
    """A file that is right in every other way."""
    table = artefact("scorer.onnx of a table")
    other = artefact("scorer.onnx of states")
    refused(table, other.conversion.content, "differs from Keras")


def test_a_tflite_file_without_a_bias_is_refused(artefact, digits_run):
    whole = artefact("encoder.tflite")
    bias = np.asarray(digits_run.vae.encoder.get_layer("z_mean").bias).tobytes()
    content = whole.conversion.content
    assert content.count(bias) == 1
    refused(whole, content.replace(bias, bytes(len(bias))), "output 'z_mean' differs from Keras")


def converted(function, shape=(3,), *, flex=False):
    """A TFLite file of a function of one input."""
    signature = [tf.TensorSpec((None, *shape), tf.float32, name="x")]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    if flex:
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS,
            tf.lite.OpsSet.SELECT_TF_OPS,
        ]
    return converter.convert()


def test_a_flex_op_is_refused(artefact):
    content = converted(lambda x: {"z_mean": tf.math.erf(x), "z_log_var": x}, flex=True)
    refused(artefact("encoder.tflite"), content, "cannot load it|Received: CUSTOM:FlexErf")


def test_a_random_op_of_tflite_is_refused(artefact):
    def noisy(x):
        return {"z_mean": x + tf.random.normal(tf.shape(x)), "z_log_var": x}

    refused(artefact("encoder.tflite"), converted(noisy, (8, 8, 1)), "RANDOM")


def test_a_tflite_file_of_another_interface_is_refused(artefact):
    content = converted(lambda x: {"output_0": x, "output_1": x}, (8, 8, 1))
    refused(
        artefact("encoder.tflite"), content, "expected the outputs z_mean, z_log_var. Received: o"
    )


def test_what_a_converter_complained_of_is_refused_though_a_file_is_there(artefact):
    whole = artefact("scorer.onnx")
    with pytest.raises(ExportError, match=r"^scorer.onnx: the converter could not .*Log1p"):
        examine(
            dataclasses.replace(
                whole, conversion=Conversion(whole.conversion.content, ("Op [Log1p] is unknown",))
            )
        )


def test_int8_ranges_of_other_rows_are_refused(artefact):
    """Rows in another unit, say: every activation is then beyond its range."""
    whole, fp32 = artefact("scorer.int8.onnx"), artefact("scorer.onnx").conversion.content
    rows = {"x": artefact("scorer.onnx").evidence.source.training["x"] / 100}
    refused(whole, quantize(fp32, rows, MINMAX), "off by|rank rows|verdicts")


def test_a_stale_calibration_is_refused(digits_run):
    given = source.of_run(digits_run)
    stale = {**given.calibration, "score": given.calibration["score"] + 0.5}
    with pytest.raises(ExportError, match=r"calibration: expected .* stale ones: row \d+ was"):
        evidence.gather(dataclasses.replace(given, calibration=stale))


def last_alarm(artefact):
    """The number of the last test row that Keras raises an alarm on."""
    reference, alpha = artefact.evidence.references["score"], artefact.evidence.source.alpha
    known = np.sort(reference.conformal(reference.calibration))
    alarms = p_values(reference.test, known, reference.rounding) <= alpha
    return np.flatnonzero(alarms)[-1]


def wrong_on_one_test_row(artefact, output, change, row=-1):
    """The same file, but for what it answers to one row that no tensor is compared on."""
    broken, engine = dataclasses.replace(artefact), artefact.engine
    rare = artefact.evidence.source.test["x"][row]

    def wrong(feeds):
        answer = engine(feeds)
        if len(rows := np.flatnonzero((feeds["x"] == rare).reshape(len(feeds["x"]), -1).all(1))):
            answer[output] = answer[output].copy()
            answer[output][rows] = change(answer[output][rows])
        return answer

    broken.__dict__["engine"] = wrong  # where cached_property keeps it
    return broken


@pytest.mark.parametrize("end", ["onnx", "tflite"])
def test_an_anomaly_that_scores_as_normal_is_refused(artefact, end):
    whole = artefact(f"scorer.{end}")
    broken = wrong_on_one_test_row(whole, "score", lambda score: 0 * score, last_alarm(whole))
    with pytest.raises(ExportError, match=rf"^scorer.{end}: expected the verdicts of Keras.*1 of"):
        examine(broken)


def test_a_class_that_is_wrong_in_one_row_is_refused(artefact):
    whole = artefact("classifier.onnx of states")
    broken = wrong_on_one_test_row(whole, "probabilities", lambda p: p[:, [1, 2, 0]])
    with pytest.raises(ExportError, match=r"classifier.onnx: expected the classes of Keras.*1 of"):
        examine(broken)
