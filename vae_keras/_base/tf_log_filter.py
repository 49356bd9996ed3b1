"""Filters TensorFlow's start-up log lines out of a command's output."""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

STARTUP_LINES = (
    b"absl::InitializeLog",
    b"oneDNN custom operations are on",
    b"cpu_feature_guard.cc",
    b"Created TensorFlow Lite XNNPACK delegate",
    b"fully_quantize: ",
)

_aside = threading.Lock()  # held while standard error is set aside


def lower_tf_log_level() -> None:
    """Lowers TensorFlow's log level to warnings, which must be done before its first import.

    A level that the user has set is kept. Lines about oneDNN and the processor are written before
    TensorFlow's log is set up, at any level: `filter_tf_log` drops those.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def load(module: str) -> Any:
    """Imports a module that may import TensorFlow, without TensorFlow's start-up lines."""
    if module in sys.modules:
        return importlib.import_module(module)  # where another thread is at it, awaited
    with filter_tf_log():
        return importlib.import_module(module)


@contextlib.contextmanager
def filter_tf_log() -> Iterator[None]:
    """Drops TensorFlow's start-up lines from standard error, around imports and conversions.

    They come from C++, past Python's own streams and before any setting is read, so standard error
    itself is set aside for the while. All other lines are passed on. Where it is set aside already,
    or closed, nothing is done.
    """
    lower_tf_log_level()
    if sys.__stderr__ is None or sys.__stderr__.closed or not _aside.acquire(blocking=False):
        yield
        return
    try:
        with _set_aside():
            yield
    finally:
        _aside.release()


@contextlib.contextmanager
def filter_retracing() -> Iterator[None]:
    """Drops TensorFlow's warnings of functions traced anew, as each of several models has its own.

    >>> with filter_retracing():
    ...     logging.getLogger("tensorflow").warning("5 out of 5 calls triggered retracing")
    """
    log = logging.getLogger("tensorflow")
    log.addFilter(_is_no_retracing)
    try:
        yield
    finally:
        log.removeFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "retracing" not in record.getMessage()


@contextlib.contextmanager
def _set_aside() -> Iterator[None]:
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            aside.seek(0)
            for line in aside:
                if not any(greeting in line for greeting in STARTUP_LINES):
                    os.write(2, line)
