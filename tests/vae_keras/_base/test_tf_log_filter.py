"""What TensorFlow says at import: greetings go, all else stays."""

import logging
import os
import subprocess
import sys

import pytest

from vae_keras._base.tf_log_filter import filter_retracing, filter_tf_log

GREETING = b"I0000 port.cc:153] oneDNN custom operations are on. You may see ...\n"


def test_greetings_are_dropped_and_other_lines_passed_on(capfd):
    with filter_tf_log():
        os.write(2, GREETING + b"E0000 something is wrong\n")
    assert capfd.readouterr().err == "E0000 something is wrong\n"


def test_standard_error_is_back_afterwards_also_where_the_import_fails(capfd):
    def fail():
        with filter_tf_log():
            os.write(2, b"a reason\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a reason\nafter\n"


def test_within_another_lines_are_told_once_and_in_order(capfd):
    with filter_tf_log():
        with filter_tf_log():
            os.write(2, GREETING + b"inner\n")
        os.write(2, b"outer\n")
    assert capfd.readouterr().err == "inner\nouter\n"


@pytest.fixture
def python():
    """A process for which nothing has set how much TensorFlow says."""

    def run(code, set_by_user=None, **how):
        environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
        if set_by_user is not None:
            environment["TF_CPP_MIN_LOG_LEVEL"] = set_by_user
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, text=True, check=False, **how)

    return run


@pytest.mark.parametrize("package", ["vae_keras", "vae_export"])
@pytest.mark.parametrize("set_by_user", [None, "0", "3"])
def test_how_much_is_said_is_the_users_where_it_is_set(python, package, set_by_user):
    code = f"import os, {package}; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    assert python(code, set_by_user, stdout=subprocess.PIPE).stdout.strip() == (set_by_user or "2")


def test_names_load_quietly_and_tensorflow_after_them(python):
    code = "from vae_keras import VAE; import tensorflow; import keras"
    done = python(code, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_load_where_standard_error_is_closed(tmp_path):
    code = "from vae_keras import Warmup; open('done', 'w').close()"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "done").is_file()


def test_functions_traced_anew_are_no_warning_within_and_one_after():
    log, said = logging.getLogger("tensorflow"), []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage()[:7])
    log.addHandler(handler)
    try:
        with filter_retracing():
            log.warning("5 out of the last 5 calls to f triggered tf.function retracing.")
            log.warning("another warning")
        log.warning("6 out of the last 6 calls to f triggered tf.function retracing.")
    finally:
        log.removeHandler(handler)
    assert said == ["another", "6 out o"]
