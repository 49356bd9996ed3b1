"""Export as a whole: what agrees is written, and whatever is broken on purpose leaves nothing."""

import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import numpy_helper

from vae_export import ExportError, export
from vae_export.cli import INCOMPLETE, main
from vae_export.convert import to_onnx, variants
from vae_export.convert.artefacts import Artefact
from vae_export.convert.precisions import PRECISIONS
from vae_export.convert.quantize_onnx import MINMAX, quantize
from vae_export.convert.result import Conversion
from vae_export.convert.variants import VARIANTS
from vae_export.graphs import evidence, source
from vae_keras import (
    VAE,
    DataConfig,
    Gaussian,
    ModelConfig,
    TrainConfig,
    mlp_pair,
    train,
)
from vae_keras.evaluate import score_rows
from vae_runtime import Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack
from vae_runtime.cli import main as runtime_main

QUIET = {"log": lambda line: None}


@pytest.fixture
def damage(monkeypatch):
    """From its call on, every decoder.onnx is converted rightly and then changed."""

    def convert(graph, metadata):
        made = to_onnx.to_onnx(graph, metadata)
        model = onnx.load_from_string(made.content)
        if graph.role == "decoder":
            weight = max(model.graph.initializer, key=lambda t: np.prod(t.dims))
            changed = numpy_helper.to_array(weight) * 1.01
            weight.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), weight.name))
        return dataclasses.replace(made, content=model.SerializeToString())

    broken = dataclasses.replace(VARIANTS[0], convert=lambda graph, m: convert(graph, m.metadata))
    return lambda: monkeypatch.setattr(variants, "VARIANTS", (broken, *VARIANTS[1:]))


def test_a_damaged_graph_leaves_no_bundle_and_exit_code_1(digits_run, tmp_path, damage, capsys):
    damage()
    assert main([str(digits_run.path), "--out", str(tmp_path / "bundle")]) == 1
    assert not list(tmp_path.iterdir())
    error = capsys.readouterr().err
    assert re.search(r"decoder.onnx: output 'x_mean' differs from Keras by", error), error


@keras.saving.register_keras_serializable(package="tests")
class LgammaGaussian(Gaussian):
    """A likelihood with an operation that tf2onnx does not know."""

    def feature_nll(self, x, x_mean):
        return super().feature_nll(x, x_mean) + tf.math.lgamma(keras.ops.square(x))


def test_a_model_with_an_unknown_operation_leaves_no_bundle(table_run, tmp_path):
    vae = VAE(*mlp_pair((6,), 2), likelihood=LgammaGaussian(name="likelihood"))
    with pytest.raises(ExportError, match=r"scorer.onnx: the converter could not.*Lgamma"):
        export(with_model(table_run, vae), tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


def with_model(run, vae):
    """The run, as if this model had been trained in it."""
    changed = dataclasses.replace(run)
    score = score_rows(vae, run.calibration["x"])["score"]
    changed.__dict__["vae"] = vae  # where cached_property keeps it
    changed.__dict__["calibration"] = {**run.calibration, "score": score}
    return changed


def test_a_model_that_answers_nan_leaves_no_bundle(table_run, tmp_path):
    vae = VAE(*mlp_pair((6,), 2), likelihood="gaussian")
    vae.set_weights([np.full_like(weight, np.nan) for weight in vae.get_weights()])
    with pytest.raises(ExportError, match=r"calibration: expected finite scores.*180 of 180"):
        export(with_model(table_run, vae), tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


def test_an_earlier_bundle_survives_a_refused_export(digits_run, bundle_copy, damage):
    damage()
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
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


def test_a_bundle_in_one_file_is_the_directory_packed(table_run, table_bundle, tmp_path):
    out = export(table_run, tmp_path / "new" / "sensors.vaeb", **QUIET)
    assert [path.name for path in out.parent.iterdir()] == ["sensors.vaeb"]
    assert Runner.load(out).selftest().passed
    one, other = open_bundle(out), open_bundle(table_bundle)
    assert list(one.contents()) == list(other.contents())
    assert one.manifest.model == other.manifest.model
    assert one.manifest.calibration == other.manifest.calibration
    assert out.read_bytes() == pack(one.contents())


@pytest.mark.parametrize("name", ["bundle", "bundle.vaeb"])
def test_the_command_writes_one_file_where_it_is_asked_to(table_run, tmp_path, capsys, name):
    assert main([str(table_run.path), "--out", str(tmp_path / name), "--zip"]) == 0
    assert f"vae-runtime selftest {tmp_path / 'bundle.vaeb'}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.vaeb"]
    assert Runner.load(tmp_path / "bundle.vaeb").manifest.model.name == "sensors"


def test_an_earlier_bundle_in_one_file_is_replaced_or_survives(
    table_run, digits_run, tmp_path, damage
):
    out = export(digits_run, tmp_path / "x.vaeb", **QUIET)
    export(table_run, out, **QUIET)
    before = out.read_bytes()
    assert Runner.load(out).manifest.model.name == "sensors"
    damage()
    with pytest.raises(ExportError):
        export(digits_run, out, **QUIET)
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(out, before)]


@pytest.mark.parametrize("mine", [b"", b"my thesis", pack({"thesis.txt": b"mine"})])
def test_another_file_of_that_name_is_not_replaced(table_run, tmp_path, mine):
    out = tmp_path / "x.vaeb"
    out.write_bytes(mine)
    with pytest.raises(ValueError, match="expected a new path, or a bundle in one file"):
        export(table_run, out, **QUIET)
    assert out.read_bytes() == mine


def test_a_directory_is_not_replaced_by_a_file_nor_a_file_by_a_directory(
    table_run, digits_bundle, tmp_path
):
    directory = shutil.copytree(digits_bundle, tmp_path / "x.vaeb")
    with pytest.raises(ValueError, match="expected a new path, or a bundle in one file"):
        export(table_run, directory, **QUIET)
    file = tmp_path / "x"
    file.write_bytes(pack(open_bundle(digits_bundle).contents()))
    with pytest.raises(ValueError, match="expected a new path, or an earlier bundle to replace"):
        export(table_run, file, **QUIET)
    assert Runner.load(directory).manifest == Runner.load(file).manifest


def test_what_is_no_run_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "bundle")]) == 1
    assert "expected a run directory" in capsys.readouterr().err


def test_a_bundle_of_byte_images_of_odd_sides_takes_bytes(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (600, 9, 7, 1)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", x=x)
    run, _ = train(
        DataConfig(str(tmp_path / "images.npz"), folds=1),
        ModelConfig(hidden=(4, 8)),
        TrainConfig(epochs=1),
        out=tmp_path / "run",
        **QUIET,
    )
    runner = Runner.load(export(run, tmp_path / "bundle", **QUIET))
    assert runner.selftest().passed
    assert runner.score(x[:5]).score.shape == (5,)


@pytest.fixture(scope="module")
def kinds_run(tmp_path_factory):
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
        DataConfig(str(folder / "kinds.csv"), one_hot=("kind",), folds=1),
        ModelConfig(hidden=(32,), latent_dim=2),
        TrainConfig(epochs=40, learning_rate=1e-2),
        out=folder / "run",
        **QUIET,
    )
    return run


@pytest.fixture(scope="module")
def kinds_bundle(tmp_path_factory, kinds_run):
    return export(kinds_run, tmp_path_factory.mktemp("kinds") / "bundle", **QUIET)


def test_rows_of_a_synthetic_probe_have_one_category_a_group(kinds_run, tmp_path):
    options = {"formats": ("onnx",), "synthetic_probe": True}
    runner = Runner.load(export(kinds_run, tmp_path / "bundle", **options, **QUIET))
    x = runner.probe_rows()
    assert runner.selftest().passed
    assert (np.sort(x[:, 2:], axis=1) == [0.0, 0.0, 1.0]).all()
    for split in (kinds_run.training, kinds_run.calibration, kinds_run.test):
        assert not (x[:, None] == split["x"]).all(axis=-1).any()


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
    score = score_rows(table_run.vae, x)["score"]
    wild.__dict__["calibration"] = {**table_run.calibration, "x": x, "score": score}
    tame, known = (evidence.gather(source.of_run(run)) for run in (table_run, wild))
    assert known.references["score"].rounding < tame.references["score"].rounding + 1e-4  # nats
    assert known.error_scales["score"] < 2 * tame.error_scales["score"]
    assert np.abs(known.feeds["x"]).max() < 2e5  # pascals, not 1e11


ALL = {
    *(f"{role}.{end}" for role in ("encoder", "decoder", "scorer") for end in ("onnx", "tflite")),
    *(f"{role}.int8.onnx" for role in ("encoder", "decoder", "scorer")),
    *(f"{role}.fp16.tflite" for role in ("encoder", "decoder", "scorer")),
    *(f"{role}.dynamic.tflite" for role in ("encoder", "decoder", "scorer")),
    "encoder.int8.tflite",
    "decoder.int8.tflite",
    *(f"{role}.tflite" for role in ("preprocess", "head", "mean")),
}


@pytest.fixture(scope="module")
def every_precision(digits_run, tmp_path_factory):
    """A bundle of all there is, and what was said of it."""
    said = []
    out = tmp_path_factory.mktemp("every") / "digits"
    export(digits_run, out, precisions=PRECISIONS, log=said.append)
    return out, said


def test_every_precision_of_every_graph_that_has_it_is_there(every_precision):
    out, said = every_precision
    files = open_bundle(out).manifest.files
    assert {file.name for file in files} == ALL | {"probe.npz", "report.json", "report.html"}
    assert any(line.startswith("no scorer.int8.tflite: a score is") for line in said)
    assert Runner.load(out).selftest().passed


def test_each_precision_has_a_threshold_of_its_own(every_precision):
    calibration = open_bundle(every_precision[0]).manifest.calibration
    assert set(calibration) == {"fp32", "fp16", "dynamic", "int8", "int8.tflite"}
    assert len({entry.scores for entry in calibration.values()}) == 5
    assert {len(entry.scores) for entry in calibration.values()} == {
        len(calibration["fp32"].scores)
    }


def test_the_manifest_says_how_files_were_quantised(every_precision):
    manifest = open_bundle(every_precision[0]).manifest
    recipes = {file.name: file.recipe for file in manifest.files}
    assert recipes["scorer.onnx"] == ""
    assert "ranges" in recipes["scorer.int8.onnx"]
    assert recipes["scorer.fp16.tflite"] == "float16 weights"
    assert all(file.degraded == () for file in manifest.files)
    (x,) = manifest.file("encoder", format="tflite", precision="int8").inputs
    assert (x.dtype, x.shape[0]) == ("int8", 1)
    assert x.scale == pytest.approx(1 / 255)
    assert x.zero_point == -128


def test_the_same_run_gives_the_same_bytes(every_precision, digits_run, tmp_path):
    """But for the time in the manifest, what was measured by the clock, and their checksums."""
    out, _ = every_precision
    again = export(digits_run, tmp_path / "again", precisions=PRECISIONS, **QUIET)
    for path in out.iterdir():
        if not path.name.startswith(("manifest.json", "report.")):
            assert (again / path.name).read_bytes() == path.read_bytes(), path.name
    first, second = (json.loads((p / "manifest.json").read_text()) for p in (out, again))
    for manifest in (first, second):
        del manifest["created"]
        manifest["files"] = [file for file in manifest["files"] if file["role"] != "report"]
    assert first == second


def coarse(graph, material):
    """An int8 file whose ranges are far too wide."""
    made = to_onnx.to_onnx(graph, material.metadata)
    rows = {name: 30 * material.training[name] for name in graph.inputs if name != "noise"}
    return dataclasses.replace(made, content=quantize(made.content, rows, MINMAX))


def test_a_file_that_loses_too_much_is_refused_unless_allowed_and_then_says_so(
    table_run, tmp_path, monkeypatch, capsys
):
    broken = [
        dataclasses.replace(v, convert=coarse) if v.name("x") == "x.int8.onnx" else v
        for v in VARIANTS
    ]
    monkeypatch.setattr(variants, "VARIANTS", tuple(broken))
    command = [str(table_run.path), "--out", str(tmp_path / "bundle"), "--precision", "fp32,int8"]
    assert main([*command, "--formats", "onnx", "--strict"]) == 1
    assert re.search(r"\.int8\.onnx: .*--allow-degraded", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())
    assert main([*command, "--formats", "onnx"]) == INCOMPLETE == 3
    said = capsys.readouterr()
    assert re.search(r"left out int8 \(onnx\): \w+\.int8\.onnx: .*--allow-degraded", said.err)
    assert f"{tmp_path / 'bundle'} is without int8 (onnx), as said above" in said.err
    left = open_bundle(tmp_path / "bundle")
    left.verify()
    assert set(left.manifest.calibration) == {"fp32", "fp32.neg_elbo"}
    assert not [file.name for file in left.manifest.files if file.precision == "int8"]
    record = json.loads((tmp_path / "bundle" / "report.json").read_text())
    assert re.match(r"\w+\.int8\.onnx: .*--allow-degraded", record["left_out"]["int8 (onnx)"])
    assert "No <code>int8 (onnx)</code>: " in (tmp_path / "bundle" / "report.html").read_text()
    assert main([*command, "--formats", "onnx", "--allow-degraded"]) == 0
    assert "degraded: " in capsys.readouterr().err
    manifest = open_bundle(tmp_path / "bundle").manifest
    degraded = {file.name: file.degraded for file in manifest.files if file.degraded}
    assert set(degraded) <= {f"{role}.int8.onnx" for role in ("encoder", "decoder", "scorer")}
    assert all(name in lost for name, sentences in degraded.items() for lost in sentences)
    assert "--allow-degraded" not in str(degraded)  # no advice any more
    assert runtime_main(["info", str(tmp_path / "bundle")]) == 0
    assert "degraded  " in capsys.readouterr().out


def broken(monkeypatch, *names):
    """From now on no file of these variants can be made."""

    def gives_up(graph, material):
        return Conversion(b"", ("gave up",))

    made = [
        dataclasses.replace(v, convert=gives_up) if v.name("x") in names else v for v in VARIANTS
    ]
    monkeypatch.setattr(variants, "VARIANTS", tuple(made))


def test_what_stands_around_networks_is_left_out_with_them(few_run, tmp_path, monkeypatch):
    broken(monkeypatch, "x.int8.tflite")
    export(few_run, tmp_path / "b", precisions=("fp32", "int8"), allow_degraded=True, **QUIET)
    bundle = open_bundle(tmp_path / "b")
    around = {"preprocess", "head", "mean"}
    assert not around & {file.role for file in bundle.manifest.files}
    probe = bundle.read_probe()
    assert not [key for key in probe if key.split(".")[0] in around]
    assert {"scorer.score", "noisy_scorer.score", "replacements.x_expected"} <= set(probe)
    assert Runner(bundle).selftest().passed


def test_each_variant_is_left_out_by_itself(digits_run, tmp_path, monkeypatch):
    broken(monkeypatch, "x.int8.onnx", "x.fp16.tflite")
    said = []
    out = export(
        digits_run, tmp_path / "b", precisions=PRECISIONS, allow_degraded=True, log=said.append
    )
    left_out = json.loads((out / "report.json").read_text())["left_out"]
    assert [name for name in left_out if "(" in name] == ["int8 (onnx)", "fp16 (tflite)"]
    assert [line.split(":")[0] for line in said if line.startswith("left out")] == [
        "left out int8 (onnx)",
        "left out fp16 (tflite)",
    ]
    manifest = open_bundle(out).manifest
    assert set(manifest.calibration) == {"fp32", "dynamic", "int8.tflite"}
    x = digits_run.test["x"][:20]
    for precision, backend in (("dynamic", "litert"), ("int8", "litert"), ("fp32", "onnxruntime")):
        assert len(Runner.load(out, precision=precision, backend=backend).score(x).score) == 20


@pytest.mark.parametrize("name", ["x.onnx", "x.tflite"])
def test_without_float32_in_each_format_there_is_no_bundle(table_run, tmp_path, monkeypatch, name):
    broken(monkeypatch, name)
    with pytest.raises(ExportError, match=f"{name[1:]}: .*gave up"):
        export(table_run, tmp_path / "bundle", precisions=("fp32", "fp16"), **QUIET)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--formats", "tflite", "expected formats of onnx, tflite, onnx among them"),
        ("--formats", "onnx,coreml", "Received: onnx, coreml"),
        ("--precision", "int8", "expected precisions of .*fp32 among them"),
        ("--precision", "fp32,int4", "Received: fp32, int4"),
    ],
)
def test_formats_and_precisions_that_there_are_not_are_named(
    table_run, tmp_path, capsys, option, value, message
):
    assert main([str(table_run.path), "--out", str(tmp_path / "bundle"), option, value]) == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("shift", [-5.0, 5.0])
def test_a_threshold_that_is_not_the_scorers_leaves_no_bundle(
    digits_run, tmp_path, monkeypatch, shift
):
    calibrate = Artefact.calibrate

    def wrong(artefact, score="score"):
        right = calibrate(artefact, score)
        return dataclasses.replace(right, scores=tuple(s + shift for s in right.scores))

    monkeypatch.setattr(Artefact, "calibrate", wrong)
    for name in ("bundle", "bundle.vaeb"):
        with pytest.raises(
            ExportError, match=r"manifest.json: expected a calibration.*of 580 test"
        ):
            export(digits_run, tmp_path / name, formats=("onnx",), **QUIET)
    assert not list(tmp_path.iterdir())


def test_a_threshold_without_the_mixture_that_is_not_the_scorers_leaves_no_bundle(
    table_run, tmp_path, monkeypatch
):
    calibrate = Artefact.calibrate

    def wrong(artefact, score="score"):
        right = calibrate(artefact, score)
        shift = -5.0 if score == "neg_elbo" else 0.0
        return dataclasses.replace(right, scores=tuple(s + shift for s in right.scores))

    monkeypatch.setattr(Artefact, "calibrate", wrong)
    with pytest.raises(ExportError, match=r"by which nll \+ kl of scorer.onnx alarms as Keras"):
        export(table_run, tmp_path / "bundle", formats=("onnx",), **QUIET)
    assert not list(tmp_path.iterdir())
