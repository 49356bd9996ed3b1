import dataclasses
import json

import numpy as np
import pytest

from vae_export import sign
from vae_runtime import Runner, __version__, recalibrate, typed_json
from vae_runtime.bundle import open_bundle, written
from vae_runtime.bundle.manifest import Trial
from vae_runtime.calibration import threshold
from vae_runtime.cli import main


def test_info_says_what_a_bundle_is(run, table):
    done = run("info", table.bundle)
    manifest = table.runner.manifest
    calibration = manifest.calibration["fp32"]
    assert done.code == 0
    for fact in [
        f"sensors: gaussian VAE, {manifest.model.parameters:,} parameters",
        "float32 (batch, 6)",
        "temperature, vibration, pressure, flow, current, speed",
        f"{manifest.training.rows:,} rows of sensors",
        f"calibrated on {len(calibration.scores):,} normal rows",
        f"score > {threshold(np.array(calibration.scores), calibration.alpha):.6g}",
        *(file.name for file in manifest.files),
    ]:
        assert fact in done.out


def test_info_gives_the_range_of_values(run, digits):
    assert "float32 (batch, 8, 8, 1) in [0, 16]" in run("info", digits.bundle).out


@pytest.fixture
def tried(golden, tmp_path):
    """Makes a bundle of whose alarm test rows showed this."""

    def make(*trial):
        bundle = open_bundle(golden)
        before = bundle.manifest.calibration["fp32"]
        found = {"fp32": dataclasses.replace(before, trial=Trial(*trial))}
        document = dataclasses.replace(bundle.manifest, calibration=found)
        contents = {file.name: bundle.read(file) for file in document.files}
        written.write(tmp_path / "tried", contents, document, check=lambda path: None)
        return tmp_path / "tried"

    return make


def test_info_warns_where_the_promise_is_broken(run, tried):
    done = run("info", tried(100, 20, 60, 0.45))
    assert done.code == 0
    assert (
        "tested       alarms more often than asked: 20 % of 100 normal test rows at 1 %" in done.out
    )
    rate, ranking = done.err.splitlines()
    assert rate.startswith("warning: the alarm does not keep its rate: ")
    assert ranking.startswith("warning: the scores do not tell anomalies: no better than chance")
    as_json = run("info", tried(100, 20, 60, 0.45), "--json")
    assert as_json.err == done.err
    assert json.loads(as_json.out)["calibration"]["fp32"]["trial"]["false_alarms"] == 20


def test_info_says_that_the_promise_is_kept(run, tried):
    done = run("info", tried(200, 1, 60, 0.9))
    assert (
        "tested       keeps its rate: 0.5 % of 200 normal test rows at 1 %; ranking better"
        in done.out
    )
    assert done.err == ""


def test_info_says_where_nobody_knows_whether_the_promise_is_kept(run, tried, golden, tmp_path):
    assert "not known: the bundle does not say" in run("info", golden).out
    path = tried(100, 20, 60, 0.45)
    rows = Runner.load(path).sample(150, seed=0)
    recalibrate(path, rows, tmp_path / "new")
    done = run("info", tmp_path / "new")
    assert "not known: it was calibrated anew" in done.out
    assert "20 %" not in done.out + done.err


def test_info_as_json_is_the_manifest(run, case):
    done = run("info", case.bundle, "--json")
    assert done.code == 0
    assert json.loads(done.out) == json.loads((case.bundle / "manifest.json").read_bytes())


def test_info_says_what_windows_a_model_takes(run, pump, table):
    said = run("info", pump.bundle).out
    assert "float32 (batch, 12, 3)" in said
    assert "windows      of 12 rows, every 3" in said
    assert "features     pressure, flow, current" in said
    assert "windows" not in run("info", table.bundle).out


def test_selftest_passes_on_a_good_bundle(run, case):
    done = run("selftest", case.bundle)
    assert done.code == 0
    model = case.runner.manifest.model
    asked = 26 + (0 if model.mixture is None else 6) + (0 if model.stride is None else 2)
    assert f"selftest passed: {asked} comparisons with Keras" in done.out
    assert "FAILED" not in done.out


def spoil(arrays):
    arrays["decoder.x_mean"] = arrays["decoder.x_mean"] + 1


def test_selftest_fails_with_exit_code_1_and_names_the_output(run, bundle_copy, change_probe):
    change_probe(bundle_copy, spoil)
    done = run("selftest", bundle_copy)
    assert done.code == 1
    failed = [line for line in done.out.splitlines() if line.startswith("FAILED")]
    assert [line.split()[1] for line in failed] == ["decoder.x_mean", "decoder.x_mean"]
    assert "selftest FAILED" in done.out


def test_selftest_as_json_holds_every_check(run, digits):
    done = run("selftest", digits.bundle, "--json")
    report = json.loads(done.out)
    assert report["passed"] is True
    assert len(report["checks"]) == 26
    keys = {"name", "rows", "deviation", "tolerance", "noise", "most_noise", "passed"}
    assert set(report["checks"][0]) == keys


def test_selftest_as_json_is_json_also_where_a_deviation_is_infinite(
    run, bundle_copy, change_probe
):
    change_probe(bundle_copy, lambda a: a.update({"decoder.x_mean": a["decoder.x_mean"][:3]}))
    done = run("selftest", bundle_copy, "--json")
    assert done.code == 1
    report = typed_json.parse(done.out.encode())
    failed = [check for check in report["checks"] if not check["passed"]]
    assert [check["deviation"] for check in failed] == [None, None]


def test_packing_writes_the_bundle_in_one_file(run, table, table_archive, tmp_path):
    for bundle, out in ((table.bundle, "a.vaeb"), (table_archive, "b.vaeb")):
        assert run("pack", bundle, "-o", tmp_path / out).code == 0
        assert (tmp_path / out).read_bytes() == table_archive.read_bytes()


def test_a_damaged_bundle_is_not_packed(run, bundle_copy, tmp_path, check_failed):
    (bundle_copy / "encoder.tflite").write_bytes(b"")
    check_failed(run("pack", bundle_copy, "-o", tmp_path / "a.vaeb"), "encoder.tflite: expected")
    assert not (tmp_path / "a.vaeb").exists()


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as e:
        main(["--version"])
    assert e.value.code == 0
    assert capsys.readouterr().out == f"vae-runtime {__version__}\n"


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_selftest_is_of_the_precision_that_is_asked_for(run, digits_int8_bundle, precision):
    done = run("selftest", digits_int8_bundle, "--precision", precision)
    assert done.code == 0
    assert "selftest passed: 26 comparisons" in done.out


def test_bench_prints_a_line_for_each_size(run, table):
    done = run("bench", table.bundle, "--sizes", "1,8", "--seconds", "0.01")
    assert done.code == 0
    head, one, eight, *_ = done.out.splitlines()
    assert head.split() == ["rows", "p50", "us", "p90", "us", "p99", "us", "rows/s", "calls"]
    assert (one.split()[0], eight.split()[0]) == ("1", "8")


def test_bench_as_json_has_the_same_figures(run, table):
    done = run("bench", table.bundle, "--sizes", "3", "--seconds", "0.01", "--json")
    (timing,) = json.loads(done.out)["timings"]
    assert timing["rows"] == 3
    assert 0 < timing["p50"] <= timing["p99"] <= timing["worst"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sizes", "0"], "expected sizes (one batch: 1 GiB at most) from 1 to"),
        (["--sizes", "1000000000"], "Received: 1000000000."),
        (["--seconds", "0"], "expected a size and seconds above 0"),
        (
            ["--precision", "int8"],
            "expected a bundle with int8 onnx files. Received: one with fp32",
        ),
        (["--provider", "NoSuch"], "expected an execution provider that onnxruntime"),
        (["--threads", "-1"], "expected threads (0: as many as there are cores) from 0 to 256"),
        (["--threads", "99999"], "expected threads (0: as many as there are cores) from 0 to 256"),
    ],
)
def test_settings_that_cannot_be_are_an_error(run, check_failed, table, options, message):
    check_failed(run("bench", table.bundle, *options), message)


@pytest.fixture
def keys(tmp_path):
    """A private key, its public key, and the public key of somebody else."""
    pytest.importorskip("cryptography", reason="needs vae-runtime[sign]")
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    mine, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    plain = (s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    public = (s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(mine.private_bytes(*plain))
    (tmp_path / "key.pub").write_bytes(mine.public_key().public_bytes(*public))
    (tmp_path / "other.pub").write_bytes(other.public_key().public_bytes(*public))
    return tmp_path


@pytest.mark.parametrize("command", ["info", "selftest", "score"])
def test_only_a_bundle_signed_for_the_key_is_opened(
    run, check_failed, keys, table_copy, sensor_csv, command
):
    rest = [sensor_csv] if command == "score" else []
    check_failed(
        run(command, table_copy, *rest, "--verify", keys / "key.pub"),
        "expected the file manifest.json.sig, as a key was given",
    )
    sign(table_copy, keys / "key.pem")
    assert run(command, table_copy, *rest, "--verify", keys / "key.pub").code == 0
    assert run(command, table_copy, *rest).code == 0
    check_failed(run(command, table_copy, *rest, "--verify", keys / "other.pub"), "signature")
