"""Program that measures a file's memory and time, in a process with its engine alone.

    python gauge.py FILE FEEDS.npz SIZE...

prints JSON: for each batch size the median microseconds of a call on one thread, and by how many
bytes the largest call made the process grow beyond its peak with the engine imported (null where
the system has no /proc to ask). It imports neither this package nor TensorFlow: both would count.
"""

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, CALLS = 0.08, 200  # of calls at a batch size, whichever is over first

Call = Callable[[], object]


def gauge(file: str, feeds: dict[str, Any], sizes: list[int]) -> dict[str, Any]:
    """Measures microseconds by batch size, and bytes of memory.

    Args:
        file: an .onnx or .tflite file.
        feeds: by input name, as many rows as the largest size.
        sizes: rows in a call.
    """
    open_file = {".onnx": open_onnx, ".tflite": open_tflite}[Path(file).suffix]()
    before = peak_bytes()
    prepare = open_file(file)
    times = {size: time_calls(prepare({k: v[:size] for k, v in feeds.items()})) for size in sizes}
    after = peak_bytes()
    memory = None if before is None or after is None else after - before
    return {"microseconds": times, "peak_bytes": memory}


def open_onnx() -> Callable[[str], Callable[[dict[str, Any]], Call]]:
    """Imports onnxruntime; returns a function that loads a file and returns calls of it."""
    from vae_runtime._base.libraries import onnxruntime  # which brings little itself

    ort = onnxruntime()

    def load(file: str) -> Callable[[dict[str, Any]], Call]:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        return lambda feeds: lambda: session.run(None, feeds)

    return load


def open_tflite() -> Callable[[str], Callable[[dict[str, Any]], Call]]:
    """Imports LiteRT; returns as `open_onnx`."""
    from ai_edge_litert.interpreter import Interpreter

    def load(file: str) -> Callable[[dict[str, Any]], Call]:
        interpreter = Interpreter(model_path=file, num_threads=1)
        runner = interpreter.get_signature_runner()
        inputs = {name: end["index"] for name, end in runner.get_input_details().items()}
        outputs = [end["index"] for end in runner.get_output_details().values()]

        def prepare(feeds: dict[str, Any]) -> Call:
            for name, value in feeds.items():
                interpreter.resize_tensor_input(inputs[name], value.shape)
            interpreter.allocate_tensors()

            def call() -> list[Any]:
                for name, value in feeds.items():
                    interpreter.set_tensor(inputs[name], value)
                interpreter.invoke()
                return [interpreter.get_tensor(index) for index in outputs]

            return call

        return prepare

    return load


def time_calls(call: Call) -> float:
    """Median microseconds of a call, not counting a first one."""
    call()
    times: list[float] = []
    while len(times) < CALLS and sum(times) < SECONDS:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def peak_bytes() -> int | None:
    """Peak of this process's resident memory so far.

    `getrusage` would not do: a process inherits that figure from the one that started it.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.exists() else "")
    return int(found[1]) * 1024 if found else None


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as arrays:
        print(json.dumps(gauge(sys.argv[1], dict(arrays), [int(size) for size in sys.argv[3:]])))
