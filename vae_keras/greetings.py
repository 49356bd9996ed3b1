"""What TensorFlow says of itself, kept off a command's output."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

GREETINGS = (
    b"absl::InitializeLog",
    b"oneDNN custom operations are on",
    b"cpu_feature_guard.cc",
    b"Created TensorFlow Lite XNNPACK delegate",
    b"fully_quantize: ",
)


@contextlib.contextmanager
def without_greetings() -> Iterator[None]:
    """Around imports and conversions: drops the lines that say no more than that one has started.

    They come from C++, past Python's own streams and before any setting is read, so standard error
    itself is set aside for the while. All other lines are passed on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # later greetings can be told in advance
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
                if not any(greeting in line for greeting in GREETINGS):
                    os.write(2, line)
