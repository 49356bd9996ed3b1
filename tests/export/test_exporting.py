"""Export as a whole: what agrees is written, and whatever is broken on purpose leaves nothing."""

import dataclasses
import re

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from vae_export import ExportError, export, exporting
from vae_export.cli import main
from vae_export.formats import FORMATS
from vae_keras import VAE, DataConfig, Gaussian, ModelConfig, TrainConfig, mlp_pair, train
from vae_runtime import Runner

QUIET = {"log": lambda line: None}


def damage_onnx(monkeypatch, role, change):
    """From here on, ONNX files of this role are converted rightly and then changed."""
    form = FORMATS["onnx"]

    def convert(graph, metadata):
        content = form.convert(graph, metadata)
        if graph.role != role:
            return content
        model = onnx.load_from_string(content)
        change(model.graph)
        return model.SerializeToString()

    monkeypatch.setitem(FORMATS, "onnx", form._replace(convert=convert))


def scale_a_weight(graph):
    weight = max(graph.initializer, key=lambda t: np.prod(t.dims))
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1.01, weight.name))


def swap_the_outputs(graph):
    names = {"z_mean": "z_log_var", "z_log_var": "z_mean"}
    for node in graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
        node.input[:] = [names.get(name, name) for name in node.input]


def drop_a_bias(graph):
    floats = [t for t in graph.initializer if t.data_type == TensorProto.FLOAT]
    biases = [t for t in floats if len(t.dims) == 1 and t.dims[0] > 4]
    bias = max(biases, key=lambda t: np.abs(numpy_helper.to_array(t)).max())
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) * 0, bias.name))


def fix_the_batch(graph):
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1


@pytest.mark.parametrize(
    ("role", "change", "message"),
    [
        ("scorer", scale_a_weight, r"scorer.onnx: output '\w+' differs from Keras by \S+ of its"),
        ("decoder", drop_a_bias, r"decoder.onnx: output 'x_mean' differs from Keras by"),
        ("encoder", swap_the_outputs, r"encoder.onnx: output 'z_mean' differs from Keras by"),
        ("encoder", fix_the_batch, r"encoder.onnx: onnxruntime cannot run it on x \(2, 8, 8, 1\)"),
    ],
)
def test_a_damaged_graph_leaves_no_bundle_and_exit_code_1(
    digits_run, tmp_path, monkeypatch, capsys, role, change, message
):
    damage_onnx(monkeypatch, role, change)
    assert main([str(digits_run.path), "--out", str(tmp_path / "bundle")]) == 1
    assert not list(tmp_path.iterdir())
    error = capsys.readouterr().err
    assert re.search(message, error), error


def test_a_tflite_file_without_a_bias_leaves_no_bundle(digits_run, tmp_path, monkeypatch):
    form = FORMATS["tflite"]
    bias = np.asarray(digits_run.vae.encoder.get_layer("z_mean").bias).tobytes()

    def convert(graph, metadata):
        content = form.convert(graph, metadata)
        assert graph.role != "encoder" or content.count(bias) == 1
        return content.replace(bias, bytes(len(bias)))

    monkeypatch.setitem(FORMATS, "tflite", form._replace(convert=convert))
    with pytest.raises(ExportError, match=r"encoder.tflite: output 'z_mean' differs from Keras by"):
        export(digits_run, tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


@keras.saving.register_keras_serializable(package="tests")
class Log1pGaussian(Gaussian):
    """A likelihood with an operation that tf2onnx does not know."""

    def feature_nll(self, x, x_mean):
        return super().feature_nll(x, x_mean) + keras.ops.log1p(keras.ops.square(x))


def test_a_model_with_an_unknown_operation_leaves_no_bundle(table_run, tmp_path):
    vae = VAE(*mlp_pair((6,), 2), likelihood=Log1pGaussian(name="likelihood"))
    with pytest.raises(ExportError, match=r"scorer.onnx: tf2onnx could not convert it.*Log1p"):
        export(with_model(table_run, vae), tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


def with_model(run, vae):
    """The run, as if this model had been trained in it."""
    changed = dataclasses.replace(run)
    changed.__dict__["vae"] = vae  # where cached_property keeps it
    return changed


def test_a_model_that_answers_nan_leaves_no_bundle(table_run, tmp_path):
    vae = VAE(*mlp_pair((6,), 2), likelihood="gaussian")
    vae.set_weights([np.full_like(weight, np.nan) for weight in vae.get_weights()])
    with pytest.raises(ExportError, match=r"encoder.onnx: output 'z_mean'"):
        export(with_model(table_run, vae), tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


def test_an_earlier_bundle_survives_a_refused_export(digits_run, bundle_copy, monkeypatch):
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
    damage_onnx(monkeypatch, "decoder", scale_a_weight)
    with pytest.raises(ExportError):
        export(digits_run, bundle_copy, **QUIET)
    assert {path.name: path.read_bytes() for path in bundle_copy.iterdir()} == before


def test_an_earlier_bundle_is_replaced(table_run, bundle_copy):
    export(table_run, bundle_copy, **QUIET)
    assert Runner.load(bundle_copy).manifest.model.name == "sensors"


def test_the_command_says_what_it_wrote_and_what_is_next(table_run, tmp_path, capsys):
    assert main([str(table_run.path), "--out", str(tmp_path / "bundle")]) == 0
    said = capsys.readouterr()
    assert f"vae-runtime selftest {tmp_path / 'bundle'}" in said.out
    assert "scorer.tflite" in said.err


def test_what_is_no_run_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "bundle")]) == 1
    assert "expected a run directory" in capsys.readouterr().err


def test_a_bundle_of_byte_images_of_odd_sides_takes_bytes(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (600, 9, 7, 1)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", x=x)
    run, _ = train(
        DataConfig(str(tmp_path / "images.npz")),
        ModelConfig(hidden=(4, 8)),
        TrainConfig(epochs=1),
        out=tmp_path / "run",
        **QUIET,
    )
    runner = Runner.load(export(run, tmp_path / "bundle", **QUIET))
    assert runner.selftest().passed
    assert runner.score(x[:5]).score.shape == (5,)


@pytest.fixture(scope="module")
def kinds_bundle(tmp_path_factory):
    """Two numbers that depend on a thing's kind, and the kind as three one-hot columns."""
    folder, rng = tmp_path_factory.mktemp("kinds"), np.random.default_rng(0)
    kind = rng.integers(0, 3, 900)
    numbers = rng.normal(kind[:, None] * [3.0, -2.0], 0.2)
    lines = [
        f"{a},{b},{','.join('1' if k == i else '0' for i in range(3))}"
        for (a, b), k in zip(numbers.tolist(), kind, strict=True)
    ]
    (folder / "kinds.csv").write_text("\n".join(["a,b,kind_x,kind_y,kind_z", *lines]))
    run, _ = train(
        DataConfig(str(folder / "kinds.csv"), one_hot=("kind",)),
        ModelConfig(hidden=(32,), latent_dim=2),
        TrainConfig(epochs=40, learning_rate=1e-2),
        out=folder / "run",
        **QUIET,
    )
    return export(run, folder / "bundle", **QUIET)


def test_a_table_of_numbers_and_categories_alarms_where_they_do_not_agree(kinds_bundle):
    runner = Runner.load(kinds_bundle)
    assert runner.manifest.model.likelihood == "gaussian, categorical"
    fits, does_not = np.float32([[3.0, -2.0, 0, 1, 0]]), np.float32([[3.0, -2.0, 0, 0, 1]])
    assert not runner.score(fits).is_anomaly[0]
    assert runner.score(does_not).is_anomaly[0]
    assert runner.selftest().passed


@pytest.mark.parametrize("category", [(0, 0, 0), (1, 1, 0), (0.5, 0.5, 0)])
def test_a_category_that_is_none_is_refused_on_the_device(kinds_bundle, category):
    """It would be no surprise to a softmax: x log p is zero where x is."""
    row = np.float32([[3.0, -2.0, *category]])
    with pytest.raises(ValueError, match=r"exactly one 1 among kind_x, kind_y, kind_z.*in row 0"):
        Runner.load(kinds_bundle).score(row)


def test_one_wild_row_neither_widens_the_ties_nor_hides_errors(table_run):
    """A reading of 1e6 among the calibration rows must not make all others look equal."""
    wild = dataclasses.replace(table_run)
    x = table_run.calibration["x"].copy()
    x[0] *= 1e6
    score = table_run.calibration["score"].copy()
    score[0] = 1e5
    wild.__dict__["calibration"] = {**table_run.calibration, "x": x, "score": score}
    assert exporting._rounding(wild) < exporting._rounding(table_run) + 1e-4  # nats
    assert np.abs(exporting.reference_feeds(wild)["x"]).max() < 2e5  # pascals, not 1e11


def swap_two_classes(graph):
    """What the likeliest class is changes; that probabilities sum to one does not."""
    bias = next(t for t in graph.initializer if t.dims == [3])
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias)[::-1].copy(), bias.name))


def test_a_damaged_classifier_leaves_no_bundle(states_run, tmp_path, monkeypatch, capsys):
    damage_onnx(monkeypatch, "classifier", swap_two_classes)
    assert main([str(states_run.path), "--out", str(tmp_path / "bundle")]) == 1
    assert not list(tmp_path.iterdir())
    error = capsys.readouterr().err
    assert "classifier.onnx: output 'probabilities' differs from Keras by" in error


def test_a_classifier_that_is_wrong_on_rare_rows_alone_leaves_no_bundle(
    states_run, tmp_path, monkeypatch
):
    """The tensors of the reference rows agree; a class of another held-back row does not."""
    form = FORMATS["onnx"]
    rare = states_run.test["x"][7]

    def open_wrong(name, content):
        engine = form.open(name, content)

        def run(feeds):
            answer = engine(feeds)
            if "probabilities" in answer:
                row = (feeds["x"] == rare).all(1)
                answer["probabilities"][row] = answer["probabilities"][row][:, [1, 2, 0]]
            return answer

        return run

    monkeypatch.setitem(FORMATS, "onnx", form._replace(open=open_wrong))
    with pytest.raises(ExportError, match=r"classifier.onnx: expected the classes of Keras.*1 of"):
        export(states_run, tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())
