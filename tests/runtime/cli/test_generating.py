import struct

import numpy as np
import pytest


@pytest.mark.parametrize("extension", ["npy", "png"])
def test_the_same_seed_samples_the_same_bytes(run, digits, tmp_path, extension):
    def draw(name, seed):
        output = tmp_path / f"{name}.{extension}"
        assert run("sample", digits.bundle, "-n", 5, "--seed", seed, "-o", output).code == 0
        return output.read_bytes()

    assert draw("first", 7) == draw("second", 7)
    assert draw("first", 7) != draw("third", 8)


def test_samples_are_the_runners(run, table, tmp_path):
    done = run("sample", table.bundle, "-n", 5, "--seed", 7, "-o", tmp_path / "rows.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), table.runner.sample(5, seed=7))
    assert done.err == f"wrote 5 rows to {tmp_path / 'rows.npy'}\n"


def test_samples_are_16_where_no_number_is_given(run, table, tmp_path):
    run("sample", table.bundle, "-o", tmp_path / "rows.npy")
    assert np.load(tmp_path / "rows.npy").shape == (16, 6)


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_rows_are_encoded_and_reconstructed_as_by_the_runner(run, digits, rows, tmp_path, command):
    assert run(command, digits.bundle, rows, "-o", tmp_path / "out.npy").code == 0
    out = np.load(tmp_path / "out.npy")
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, getattr(digits.runner, command)(digits.x))


def test_reconstructions_can_be_seen(run, digits, rows, tmp_path):
    assert run("reconstruct", digits.bundle, rows, "-o", tmp_path / "out.png").code == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_windows_are_encoded_and_reconstructed(
    run, pump, pump_csv, pump_windows, tmp_path, command
):
    out = tmp_path / "out.npy"
    assert (
        run(
            command, pump.bundle, pump_csv, "--recording", "machine", "--time", "time", "-o", out
        ).code
        == 0
    )
    np.testing.assert_array_equal(np.load(out), getattr(pump.runner, command)(pump_windows[0]))


def test_no_samples_are_an_error(run, digits, tmp_path, check_failed):
    done = run("sample", digits.bundle, "-n", 0, "-o", tmp_path / "out.npy")
    check_failed(done, "expected a number of draws from 1")


def test_draws_are_not_resumed(run, table, tmp_path, capsys):
    with pytest.raises(SystemExit) as exited:
        run("sample", table.bundle, "--seed", 1, "--resume", "-o", tmp_path / "out.npy")
    assert exited.value.code == 2
    assert "expected no --resume with sample" in capsys.readouterr().err


def test_a_table_is_no_image(run, table, tmp_path, check_failed):
    done = run("sample", table.bundle, "-o", tmp_path / "out.png")
    check_failed(done, "expected a model of images for a picture. Received: one of a table.")


def test_draws_of_the_posterior_are_the_runners(run, digits, rows, tmp_path):
    out = tmp_path / "z.npy"
    assert run("encode", digits.bundle, rows, "--draws", "3", "--seed", "1", "-o", out).code == 0
    expected = digits.runner.encode(digits.x, draws=3, seed=1)
    np.testing.assert_array_equal(np.load(out), expected)


def test_latents_are_decoded(run, digits, tmp_path):
    z = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    assert run("decode", digits.bundle, tmp_path / "z.npy", "-o", tmp_path / "x.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), digits.runner.decode(z))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz", "npy", "parquet", "arrow"])
def test_latents_are_decoded_as_they_were_written(run, golden, golden_rows, tmp_path, ending):
    np.save(tmp_path / "x.npy", golden_rows(40, 0))
    z, output = tmp_path / f"z.{ending}", tmp_path / "again.npy"
    assert run("encode", golden, tmp_path / "x.npy", "-o", z).code == 0
    assert run("decode", golden, z, "-o", output).code == 0
    assert run("reconstruct", golden, tmp_path / "x.npy", "-o", tmp_path / "direct.npy").code == 0
    np.testing.assert_array_equal(np.load(output), np.load(tmp_path / "direct.npy"))


def test_latents_that_are_none_are_rejected(run, golden, tmp_path):
    z = np.zeros((4, 3), np.float32)
    z[2, 1] = np.inf
    np.save(tmp_path / "z.npy", z)
    output = ("-o", tmp_path / "x.csv", "--on-bad-row", "reject")
    assert run("decode", golden, tmp_path / "z.npy", *output).err.startswith("wrote 3 rows to ")
    assert "z: expected finite numbers" in (tmp_path / "x.csv.rejects.csv").read_text()


def test_latents_can_be_seen(run, digits, tmp_path):
    np.save(tmp_path / "z.npy", np.zeros((3, 8), np.float32))
    assert run("decode", digits.bundle, tmp_path / "z.npy", "-o", tmp_path / "x.png").code == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    "option", [["--keep", "id"], ["--resume"], ["--json"], ["--on-bad-row", "reject"]]
)
def test_a_picture_has_nothing_beside_it(run, digits, rows, tmp_path, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        run("reconstruct", digits.bundle, rows, "-o", tmp_path / "x.png", *option)
    assert f"expected no {' '.join(option[:1])}" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_rows_between_two_rows_are_written(run, digits, rows, tmp_path):
    out = tmp_path / "x.npy"
    options = ("--rows", "2,5", "--steps", "4", "--method", "linear", "-o", out)
    assert run("interpolate", digits.bundle, rows, *options).code == 0
    expected = digits.runner.interpolate(digits.x[2], digits.x[5], steps=4, method="linear")
    np.testing.assert_array_equal(np.load(out), expected)


def test_images_between_two_rows_are_one_strip(run, digits, rows, tmp_path):
    out = tmp_path / "x.png"
    assert run("interpolate", digits.bundle, rows, "--steps", 5, "-o", out).code == 0
    width, height = struct.unpack(">II", out.read_bytes()[16:24])
    assert (width, height) == (5 * 66, 66)


@pytest.mark.parametrize("which", ["0", "0,1,2", "-1,0", "0,99999"])
def test_rows_that_are_not_there_are_an_error(run, check_failed, digits, rows, tmp_path, which):
    out = tmp_path / "x.npy"
    done = run("interpolate", digits.bundle, rows, f"--rows={which}", "-o", out)
    check_failed(done, f"expected --rows with two numbers from 0 to {len(digits.x) - 1}. Received:")


def test_a_window_is_no_image(run, check_failed, pump, tmp_path):
    done = run("sample", pump.bundle, "-o", tmp_path / "x.png")
    check_failed(done, "expected a model of images for a picture. Received: one of windows.")
