"""MLPerf Tiny's anomaly detector through our converters, beside the files that MLPerf publishes.

    python benchmarks/mlperf_tiny.py --data DIR

DIR holds `ad01.h5`, `ad01_fp32.tflite`, `ad01_int8.tflite` and one recording, a .bin of float32
(200, 128) log-mel frames in dB, of github.com/mlcommons/tiny (benchmark/training/anomaly_detection
and its reference input). The model is an autoencoder of windows of 5 frames, 640 -> 8 -> 640; its
score is the mean squared error of a window.

Ranges and recipes are learned on the first half of the windows, as they are and at other volumes
(an offset in dB), and each file is judged on all and on the second half, of which no frame is in
the first. The other volumes reach the range that MLPerf's int8 file takes: its own recordings did.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras
    from ai_edge_litert.interpreter import Interpreter

    from vae_export.convert.engines import open_onnx, open_tflite
    from vae_export.convert.quantize_onnx import choose, quantize
    from vae_export.convert.quantize_tflite import to_dynamic, to_fp16, to_int8
    from vae_export.convert.to_onnx import to_onnx
    from vae_export.convert.to_tflite import to_tflite
    from vae_export.graphs.functions import Graph

Array = np.ndarray[Any, np.dtype[np.float32]]

FRAMES, BANDS, WIDTH = 200, 128, 5
RANGE = (-84.8, 14.9)  # dB that the input of MLPerf's int8 file can hold
VOLUMES = 5


@dataclass(frozen=True)
class Row:
    """What one file makes of the recording.

    Args:
        name: of the file.
        bytes: its size.
        mse: of its reconstruction, over all windows.
        mse_unseen: the same over the second half.
        off: root mean square of its distance from Keras's reconstruction, second half, in dB.
        worst: the largest such distance.
    """

    name: str
    bytes: int
    mse: float
    mse_unseen: float
    off: float
    worst: float


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    print("| file | bytes | mse, all | mse, second half | off Keras, rms | worst |")
    print("|---|---|---|---|---|---|")
    for r in measure(parser.parse_args().data):
        size = f"{r.bytes:,}" if r.bytes else ""
        errors = f"{r.mse:.4f} | {r.mse_unseen:.4f} | {r.off:.5f} | {r.worst:.4f}"
        print(f"| {r.name} | {size} | {errors} |")


def measure(data: Path) -> Iterator[Row]:
    """Every file, Keras first."""
    model, x = keras.models.load_model(data / "ad01.h5", compile=False), windows(data)
    expected = np.asarray(model([x]))

    def judged(name: str, answer: Array, size: int = 0) -> Row:
        unseen = slice(len(x) // 2 + WIDTH - 1, None)
        off = (answer - expected)[unseen]
        errors = np.square(answer - x).mean(1)
        rms = float(np.sqrt(np.square(off).mean()))
        return Row(name, size, errors.mean(), errors[unseen].mean(), rms, np.abs(off).max())

    yield judged("Keras", expected)
    yield judged("Keras, biases before BatchNormalization dropped", _without_biases(model)(x))
    for precision in ("fp32", "int8"):
        path = data / f"ad01_{precision}.tflite"
        yield judged(f"MLPerf {path.name}", _published(path, x), path.stat().st_size)
    for name, content, run in _files(model, x):
        yield judged(f"ours {name}", run({"x": x})["x_mean"], len(content))


def windows(data: Path) -> Array:
    """The recording as float32 (196, 640), each window one frame further."""
    (path,) = data.glob("*.bin")
    frames = np.fromfile(path, np.float32).reshape(FRAMES, BANDS)
    starts = range(FRAMES - WIDTH + 1)
    return np.stack([frames[start : start + WIDTH].ravel() for start in starts])


def at_other_volumes(x: Array) -> Array:
    """Windows, and the same louder and quieter until they reach the ends of `RANGE`."""
    low, high = RANGE[0] - x.min(), RANGE[1] - x.max()
    offsets = np.linspace(low, high, VOLUMES, dtype=np.float32)
    return np.concatenate([x, *(x + offset for offset in offsets)])


def _files(model: Any, x: Array) -> Iterator[tuple[str, bytes, Callable[..., Any]]]:
    network, scorer = _graph(model), _graph(model, scored=True)
    half = x[: len(x) // 2]
    content = to_onnx(network, {}).content
    yield "fp32 onnx", content, open_onnx("fp32", content)
    for name, convert in (("fp32", to_tflite), ("fp16", to_fp16), ("dynamic", to_dynamic)):
        content = convert(network, {}).content
        yield f"{name} tflite", content, open_tflite(name, content)
    for rows, said in ((half, "first half"), (at_other_volumes(half), "and other volumes")):
        content = to_int8(network, {}, {"x": rows}).content
        yield f"int8 tflite, {said}", content, open_tflite("int8", content)
        score = np.asarray(scorer.function(half)["score"])
        floats = to_onnx(scorer, {}).content
        recipe = choose(floats, rows, half, score)
        content = quantize(floats, {"x": rows}, recipe)
        yield f"int8 onnx, {said} ({recipe})", content, open_onnx("int8", content)


def _graph(model: Any, *, scored: bool = False) -> Graph:
    """From x to x_mean, and the score of each window where asked for."""

    def function(x: Any) -> dict[str, Any]:
        x_mean = model([x], training=False)
        score = keras.ops.mean(keras.ops.square(x - x_mean), axis=-1)
        return {"x_mean": x_mean, "score": score} if scored else {"x_mean": x_mean}

    size = BANDS * WIDTH
    inputs = {"x": ("float32", ("batch", size))}
    graph = Graph(
        "autoencoder", function, inputs, {"x_mean": ("batch", size)}, {}, {}, tuple(model.variables)
    )
    return replace(graph, outputs={**graph.outputs, "score": ("batch",)}) if scored else graph


def _without_biases(model: Any) -> Callable[[Array], Array]:
    """The model as whoever folds BatchNormalization into a Dense layer and forgets its bias."""
    changed = keras.models.clone_model(model)
    changed.set_weights(model.get_weights())
    for layer, after in zip(changed.layers, changed.layers[1:], strict=False):
        if isinstance(after, keras.layers.BatchNormalization):
            layer.bias.assign(np.zeros(layer.bias.shape))
    return lambda x: np.asarray(changed([x], training=False))


def _published(path: Path, x: Array) -> Array:
    """What a file without signature makes of each window, its integers as real numbers."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(row: Array) -> Array:
        if taken["dtype"] == np.int8:
            scale, zero = taken["quantization"]
            row = np.clip(np.rint(row / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(taken["index"], row[None])
        interpreter.invoke()
        answer = interpreter.get_tensor(given["index"])[0].astype(np.float32)
        scale, zero = given["quantization"]
        return (answer - zero) * scale if given["dtype"] == np.int8 else answer

    return np.stack([run(row) for row in x])


if __name__ == "__main__":
    main()
