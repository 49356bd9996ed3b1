"""Malice that knows the format: bundles and states that agree with themselves, and lie.

Manifests are edited where a reader might believe them, weights are lost with it, probes are packed
anew, graphs exchange their roles, and messages of ONNX are written that no library writes.
"""

import io
import json
import random
from collections.abc import Callable

import numpy as np
from mutations import Files, resealed, seal

GRAPHS = ("encoder.onnx", "decoder.onnx", "scorer.onnx", "classifier.onnx")
NUMBERS = [0.0, 1.0, -1.0, 1e-9, 0.01, 0.02, 10.0, 1e9, 1e30, 1e300]
SUMS = ("score", "nll", "log_px", "feature_nll")

Document = dict


def lost_weights(rng: random.Random, files: Files) -> Files:
    """A graph whose weights are zeros, and a manifest that is talked into allowing it."""
    name = rng.choice(GRAPHS)
    changed = resealed(files, name, _zeroed(files[name]))
    document = json.loads(changed["manifest.json"])
    for _ in range(rng.randint(1, 3)):
        rng.choice(TALK)(rng, document)
    return seal(changed, document)


def edited(rng: random.Random, files: Files) -> Files:
    """A manifest whose files are whole, edited where a reader might believe it."""
    document = json.loads(files["manifest.json"])
    for _ in range(rng.randint(1, 2)):
        rng.choice([*TALK, *LIES])(rng, document)
    return seal(files, document)


def exchanged(rng: random.Random, files: Files) -> Files:
    """Graphs, or what is said of them, in each other's place, role, format or precision."""
    document = json.loads(files["manifest.json"])
    graphs = [file for file in document["files"] if file["outputs"]]
    one, other = rng.sample(graphs, 2)
    if rng.random() < 0.4:  # the bytes themselves
        contents = {one["name"]: files[other["name"]], other["name"]: files[one["name"]]}
        changed = {**files, **contents}
        for key in ("bytes", "sha256"):
            one[key], other[key] = other[key], one[key]
        return seal(changed, document)
    for key in rng.sample(["role", "format", "precision", "inputs", "outputs", "ops", "parity"], 2):
        one[key], other[key] = other[key], one[key]
    if rng.random() < 0.5:
        one["precision"] = rng.choice(["fp16", "dynamic", "int8", "fp8"])
        document["calibration"][one["precision"]] = document["calibration"]["fp32"]
    if rng.random() < 0.3:
        document["files"].append({**other, "name": one["name"] + "2", "precision": "int8"})
        changed = {**files, one["name"] + "2": files[other["name"]]}
        document["calibration"]["int8"] = document["calibration"]["fp32"]
        return seal(changed, document)
    return seal(files, document)


def probed(rng: random.Random, files: Files) -> Files:
    """A probe of sound arrays that are others: missing, of other rows, dtypes and values."""
    with np.load(io.BytesIO(files["probe.npz"])) as probe:
        arrays = dict(probe)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(sorted(arrays))
        change = rng.choice(ARRAYS)
        with np.errstate(all="ignore"):
            arrays[name] = change(rng, arrays[name])
        if rng.random() < 0.2:
            del arrays[name]
    buffer = io.BytesIO()
    save = rng.choice([np.savez, np.savez_compressed])
    save(buffer, **arrays)
    return resealed(files, "probe.npz", buffer.getvalue())


def wired(rng: random.Random, files: Files) -> Files:
    """A graph with fields that no library writes: packed dims, endless lists, nested messages."""
    name = rng.choice(GRAPHS)
    content = files[name]
    size = rng.choice([1, 10, 100, 10_000, 1_000_000])
    bomb = rng.choice(BOMBS)(rng, size)
    graph = _field(7, bomb)
    return resealed(files, name, content + graph if rng.random() < 0.7 else graph + content)


def state(rng: random.Random, good: bytes) -> bytes:
    """The bytes of a stream's state with a bit, a number, a key or its end another."""
    data = bytearray(good)
    change = rng.randrange(6)
    if change <= 2:
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data)
    if change == 3:
        return bytes(data[: rng.randrange(len(data))]) + rng.choice([b"", b"}", b" ", b"\n"])
    document = json.loads(good)
    parent: Document | list = document
    while True:
        key = rng.choice(sorted(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
        if not isinstance(parent[key], dict | list) or not parent[key] or rng.random() < 0.2:
            break
        parent = parent[key]
    if change == 4 and isinstance(parent, dict):
        parent[rng.choice(["more", "rows", "sha256"])] = parent.pop(key)
    else:
        parent[key] = rng.choice([*NUMBERS, 2**60, None, True, "", [], {}, "a" * 64])
    return json.dumps(document).encode()


def _zeroed(content: bytes) -> bytes:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and values.size > 8:
            tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(values), tensor.name))
    return model.SerializeToString()


def _graphs(document: Document) -> list[Document]:
    return [file for file in document["files"] if file["outputs"]]


def _parity(rng: random.Random, document: Document) -> None:
    value = rng.choice(NUMBERS)
    for file in _graphs(document):
        file["parity"] = dict.fromkeys(file["parity"], value)


def _no_parity(rng: random.Random, document: Document) -> None:
    for file in _graphs(document):
        file["parity"] = dict([*file["parity"].items()][: rng.randint(0, 1)])


def _error_scale(rng: random.Random, document: Document) -> None:
    value, names = rng.choice(NUMBERS), rng.choice([SUMS, ("z_mean", "x_mean", "kl", *SUMS)])
    for file in _graphs(document):
        for tensor in file["outputs"]:
            if tensor["name"] in names:
                tensor["error_scale"] = value


def _tolerance(rng: random.Random, document: Document) -> None:
    document["tolerance"] = rng.choice([0.01, 0.01, 0.009, 1e-6, 1.0])
    if rng.random() < 0.5:
        for file in _graphs(document):
            file["parity"] = dict.fromkeys(file["parity"], document["tolerance"])


def _degraded(rng: random.Random, document: Document) -> None:
    for file in _graphs(document):
        file["degraded"] = ["it lost much"]


def _precision(rng: random.Random, document: Document) -> None:
    file = rng.choice(_graphs(document))
    file["precision"] = rng.choice(["int8", "fp16", "dynamic", "fp8"])


def _scaling(rng: random.Random, document: Document) -> None:
    scaling = document["model"]["preprocessing"]
    key = rng.choice(["offset", "scale", "low", "high"])
    value = rng.choice([*NUMBERS, 1e-30, 1e-300, -1e30])
    if key in ("low", "high"):
        scaling[key] = rng.choice([value, None])
    elif rng.random() < 0.5:
        scaling[key] = [value]
    else:
        scaling[key] = [v * value for v in scaling[key]]


def _model(rng: random.Random, document: Document) -> None:
    model = document["model"]
    key, values = rng.choice(
        [
            ("one_hot", [[1], [2, 1], [6], [3, 3], [1] * 6]),
            ("likelihood", ["bernoulli", "categorical", "gaussian, categorical", ""]),
            ("sigma", [None, [1e-30], [1e30], [1.0] * 6]),
            ("value_range", [[-1e30, 1e30], [0.0, 1.0], None]),
            ("mixture", [1, 3, 2**40]),
            ("input_shape", [[6, 1], [1, 6], [2, 3], [6]]),
            ("input_dtype", ["uint8", "float32"]),
            ("latent_dim", [1, 3, 2**28]),
            ("stride", [1, 3, 2**40]),
            ("classes", [None, ["a", "b"], ["a", "b", "c"], ["a"] * 3]),
            ("feature_names", [None, list("abcdef"), ["a"] * 6]),
        ]
    )
    model[key] = rng.choice(values)


def _tensors(rng: random.Random, document: Document) -> None:
    tensor = rng.choice([t for f in _graphs(document) for t in (*f["inputs"], *f["outputs"])])
    key = rng.choice(["name", "dtype", "shape", "scale"])
    tensor[key] = {
        "name": rng.choice(["x", "z", "score", "noise", "z_mean"]),
        "dtype": rng.choice(["uint8", "int8", "float32"]),
        "shape": rng.choice([["batch"], ["batch", 6], ["batch", 3], [1, 6], ["batch", "rows"]]),
        "scale": 0.5,
    }[key]
    if key == "scale":
        tensor["zero_point"] = rng.choice([0, -128, 127])


TALK: list[Callable[[random.Random, Document], None]] = [
    *(_parity, _no_parity, _error_scale, _tolerance, _degraded, _precision, _scaling)
]
LIES: list[Callable[[random.Random, Document], None]] = [_model, _tensors]

ARRAYS: list[Callable[[random.Random, np.ndarray], np.ndarray]] = [
    lambda rng, a: a[: rng.choice([0, 1, 2])],
    lambda rng, a: np.repeat(a, rng.choice([2, 3, 1000]), axis=0),
    lambda rng, a: a[..., None],
    lambda rng, a: a.reshape(-1),
    lambda rng, a: np.full_like(a, rng.choice([0.0, 1.0, np.nan, np.inf, 1e30, -3e38])),
    lambda rng, a: a.astype(rng.choice(["<f2", "<f8", "u1", "<i8", ">f4"])),
    lambda rng, a: a * np.float32(rng.choice([1.001, -1.0, 1e30])),
    lambda rng, a: a[::-1],
    lambda rng, a: np.zeros((0, *a.shape[1:]), a.dtype),
    lambda rng, a: np.asfortranarray(a),
]


def _length(size: int) -> bytes:
    data = bytearray()
    while size > 127:
        data.append(size & 127 | 128)
        size >>= 7
    return bytes([*data, size])


def _field(number: int, content: bytes) -> bytes:
    return _length(number << 3 | 2) + _length(len(content)) + content


def _dims(rng: random.Random, size: int) -> bytes:
    """Dims, packed into one field or in as many."""
    each = rng.choice([b"\x01", b"\x02", b"\x00", b"\xff" * 8 + b"\x7f", b"\xff" * 9 + b"\x01"])
    return _field(1, each * size) if rng.random() < 0.7 else (b"\x08" + each) * size


BOMBS: list[Callable[[random.Random, int], bytes]] = [
    lambda rng, size: _field(5, _dims(rng, size)),
    lambda rng, size: _field(1, _field(5, _field(5, _dims(rng, size)))),
    lambda rng, size: _field(rng.choice([1, 5, 11, 12, 13]), b"") * size,
    lambda rng, size: _field(1, _field(rng.choice([1, 2, 3, 4, 7]), b"a" * size)),
    lambda rng, size: _field(11, _field(2, _field(1, _field(2, _field(1, b"\x08\x01") * size)))),
    lambda rng, size: _field(5, b"\x20\x01" * size),
    lambda rng, size: b"\xff" * size,
]
