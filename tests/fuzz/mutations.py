"""Damage and malice: makes bundles out of a good one, each from a kind and a seed alone.

A kind is "resealed" where the hashes of what it changed agree again, as whoever can write a bundle
can make them. `model` is set where that may be a sound bundle of another model.
"""

import hashlib
import io
import json
import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime.bundle.containers import pack

Files = dict[str, bytes]
STRANGE = [
    0, -1, 1, 2, 0.5, -0.5, 1e-9, 1e9, 1e308, -1e308, 2**31, 2**53 + 1, 2**63, 10**400, None, True,
    "", "x", "\x1b[2J", "\u202eevil", "\ud800", "a" * 100_000, "../x", "fp32", "onnx", "scorer",
    [], {}, [0], [[]], [1e999], ["batch", 0], ["batch", -1], ["batch", 2**62, 2**62], {"a": {}},
]  # fmt: skip


class Mutation(NamedTuple):
    """How a kind of case is made. `write` puts it at a path, which becomes a file or a folder.

    With `every`, all that a bundle can be asked is asked; with `lost`, weights are.
    """

    write: Callable[[random.Random, Files, Path], None]
    model: bool = False
    every: bool = False
    lost: bool = False


def damaged(rng: random.Random, content: bytes, most: int = 8) -> bytes:
    """Bytes flipped, inserted, deleted, repeated or moved in a few places."""
    data = bytearray(content)
    for _ in range(rng.randint(1, most)):
        at, size = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 4, 16, 200])
        change = rng.randrange(5)
        if change == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif change == 1:
            data[at:at] = rng.randbytes(size)
        elif change == 2:
            del data[at : at + size]
        elif change == 3:
            data[at : at + size] = rng.choice([b"\x00", b"\xff", b"\x7f"]) * size
        else:
            other = rng.randrange(len(data) + 1)
            data[at:at] = data[other : other + size]
    return bytes(data)


def _flip(rng: random.Random, content: bytes) -> bytes:
    """Other bytes in a few places, and as many as before."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return bytes(data)


def seal(files: Files, document: object) -> Files:
    """These files with another manifest, whose checksum agrees."""
    content = json.dumps(document).encode()
    line = f"{hashlib.sha256(content).hexdigest()}  manifest.json\n".encode()
    return {**files, "manifest.json": content, "manifest.json.sha256": line}


def resealed(files: Files, name: str, content: bytes) -> Files:
    """These files with another one of them, whose size and hash the manifest says."""
    document = json.loads(files["manifest.json"])
    (file,) = (f for f in document["files"] if f["name"] == name)
    file.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return seal({**files, name: content}, document)


def _flipped(rng: random.Random, files: Files, path: Path) -> None:
    path.write_bytes(rng.choice([damaged, _flip])(rng, pack(files)))


def _truncated(rng: random.Random, files: Files, path: Path) -> None:
    whole = pack(files)
    path.write_bytes(whole[: rng.randrange(len(whole))])


def _member(rng: random.Random, files: Files, path: Path) -> None:
    name = rng.choice(sorted(files))
    _write(rng, {**files, name: rng.choice([damaged, _flip])(rng, files[name])}, path)


def _swapped(rng: random.Random, files: Files, path: Path) -> None:
    one, other = rng.sample(sorted(files), 2)
    _write(rng, {**files, one: files[other], other: files[one]}, path)


def _stale(rng: random.Random, files: Files, path: Path) -> None:
    document = json.loads(files["manifest.json"])
    edit(rng, document)
    _write(rng, {**files, "manifest.json": json.dumps(document).encode()}, path)


def _edited(rng: random.Random, files: Files, path: Path) -> None:
    document = json.loads(files["manifest.json"])
    for _ in range(rng.randint(1, 3)):
        edit(rng, document)
    _write(rng, seal(files, document), path)


def _text(rng: random.Random, files: Files, path: Path) -> None:
    content = damaged(rng, files["manifest.json"])
    if rng.random() < 0.2:
        content = content.replace(b": ", b": " + b"[" * rng.choice([10, 900, 100_000]), 1)
    line = f"{hashlib.sha256(content).hexdigest()}  manifest.json\n".encode()
    _write(rng, {**files, "manifest.json": content, "manifest.json.sha256": line}, path)


def _calibrated(rng: random.Random, files: Files, path: Path) -> None:
    """Another calibration that can be: verdicts must follow it."""
    document = json.loads(files["manifest.json"])
    calibration = document["calibration"]["fp32"]
    n = rng.choice([99, 150, 1000])
    calibration["scores"] = sorted(rng.gauss(2.0, 5.0) for _ in range(n))
    calibration["alpha"] = rng.choice([0.01, 0.05, 0.5])
    calibration["rounding"] = rng.choice([0.0, 1e-6, 0.5])
    _write(rng, seal(files, document), path)


def _probe(rng: random.Random, files: Files, path: Path) -> None:
    content = files["probe.npz"]
    if rng.random() < 0.5:
        content = damaged(rng, content)
    else:
        with np.load(io.BytesIO(content)) as probe:
            arrays = {name: _npy(probe[name]) for name in probe.files}
        name = rng.choice(sorted(arrays))
        arrays[name] = damaged(rng, arrays[name][: rng.choice([128, 10**6])])
        content = _zip(rng, [(f"{k}.npy", v) for k, v in arrays.items()])
    _write(rng, resealed(files, "probe.npz", content), path)


def _graph(rng: random.Random, files: Files, path: Path) -> None:
    """A damaged graph that is properly hashed: onnxruntime itself meets what our check admits."""
    name = rng.choice(["encoder.onnx", "decoder.onnx", "scorer.onnx", "classifier.onnx"])
    content = damaged(rng, files[name], most=3)
    if rng.random() < 0.6:  # weights for the most part: the file keeps its structure
        content = _flip(rng, files[name])
    _write(rng, resealed(files, name, content), path)


def _node(rng: random.Random, files: Files, path: Path) -> None:
    """A graph that is sound protobuf but other nodes, attributes, shapes or weights."""
    import onnx

    name = rng.choice(["encoder.onnx", "decoder.onnx", "scorer.onnx", "classifier.onnx"])
    model = onnx.load_from_string(files[name])
    graph = model.graph
    for _ in range(rng.randint(1, 2)):
        node, tensor = rng.choice(graph.node), rng.choice(graph.initializer)
        change = rng.randrange(7)
        if change == 0:
            node.op_type = rng.choice([n.op_type for n in graph.node])
        elif change == 1 and node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice(graph.node).output[0]
        elif change == 2 and node.attribute:
            attribute = rng.choice(node.attribute)
            attribute.i = rng.choice([-1, 0, 1, 2**31, -(2**63)])
            attribute.f = rng.choice([0.0, -1.0, 1e38, float("nan")])
        elif change == 3:
            tensor.dims[:] = [rng.choice([0, 1, 2, 3, 6, 2**20, 2**40]) for _ in tensor.dims]
        elif change == 4:
            tensor.data_type = rng.choice([0, 1, 2, 6, 7, 8, 9, 10, 11, 16, 99])
        elif change == 5:
            tensor.raw_data = rng.choice([damaged, _flip])(rng, tensor.raw_data)
        else:
            tensor.data_location = rng.choice([0, 1])
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", rng.choice(["manifest.json", "/etc/passwd", "x"])
    _write(rng, resealed(files, name, model.SerializeToString()), path)


def _archive(rng: random.Random, files: Files, path: Path) -> None:
    """Zip archives of other writers and of nobody: names, flags, sizes, methods, overlaps."""
    members = list(files.items())
    name, content = members[rng.randrange(len(members))]
    strange = rng.choice(["/etc/passwd", "../x", "a/b", "C:x", name, name.upper(), "x\x00y", "é"])
    if rng.random() < 0.6:
        members.insert(rng.randrange(len(members) + 1), (strange, content))
    data = bytearray(_zip(rng, members))
    for _ in range(rng.randrange(3)):
        _patch(rng, data)
    path.write_bytes(bytes(data))


def _patch(rng: random.Random, data: bytearray) -> None:
    """Another number in a header, an entry of the directory, or the end record."""
    value = rng.choice([0, 1, 8, 0xFFFF, 0xFFFFFFFF, 0x80000000, len(data), rng.randrange(2**32)])
    mark, sizes = rng.choice([(b"PK\x01\x02", 46), (b"PK\x03\x04", 30), (b"PK\x05\x06", 22)])
    places = [i for i in range(len(data) - sizes) if data[i : i + 4] == mark] or [0]
    at = rng.choice(places) + rng.randrange(4, sizes - 4)
    struct.pack_into("<I", data, at, value) if rng.random() < 0.5 else struct.pack_into(
        "<H", data, at, value & 0xFFFF
    )


def _folder(rng: random.Random, files: Files, path: Path) -> None:
    """A directory in which one file is something else: a link, a pipe, a hole, a folder."""
    _to_folder(files, path)
    target = path / rng.choice(sorted(files))
    content = target.read_bytes()
    target.unlink()
    change = rng.randrange(7)
    if change == 0:
        os.mkfifo(target)
    elif change == 1:
        target.mkdir()
    elif change == 2:
        target.symlink_to(rng.choice(["/etc/passwd", "/dev/zero", "/dev/null", "nowhere", target]))
    elif change == 3:
        elsewhere = path.with_suffix(".elsewhere")
        elsewhere.write_bytes(content)
        target.symlink_to(elsewhere)
    elif change == 4:
        with target.open("wb") as file:
            file.truncate(rng.choice([len(content), 2**20, 2**40]))
    elif change == 5:
        target.write_bytes(content + b"\x00" * rng.randrange(3))


MUTATIONS = {
    "bytes of the file": Mutation(_flipped),
    "cut short": Mutation(_truncated),
    "bytes of a member": Mutation(_member),
    "members swapped": Mutation(_swapped),
    "manifest, stale": Mutation(_stale),
    "manifest, resealed": Mutation(_edited),
    "JSON, resealed": Mutation(_text),
    "calibration, resealed": Mutation(_calibrated),
    "probe, resealed": Mutation(_probe),
    "graph bytes, resealed": Mutation(_graph, model=True),
    "graph nodes, resealed": Mutation(_node, model=True),
    "hostile zip": Mutation(_archive),
    "hostile folder": Mutation(_folder),
}


def of_files(make: Callable[[random.Random, Files], Files], **judged: bool) -> Mutation:
    """A kind of case that is made of files by name alone."""
    return Mutation(lambda rng, files, path: _write(rng, make(rng, files), path), **judged)


def edit(rng: random.Random, document: object) -> None:
    """One value, key or entry somewhere in a JSON document becomes another, goes or doubles."""
    places: list[tuple[dict[str, object] | list[object], object]] = []
    pending = [document]
    while pending:
        node = pending.pop()
        keys = (
            node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        )
        for key in keys:
            places.append((node, key))
            if isinstance(key, str) or len(node) < 50:  # not each of the calibration scores
                pending.append(node[key])
    parent, key = rng.choice(places)
    change = rng.random()
    if change < 0.2:
        del parent[key]
    elif change < 0.3 and isinstance(parent, list):
        parent.append(parent[key])
    elif change < 0.5:
        other, place = rng.choice(places)
        parent[key] = json.loads(json.dumps(other[place]))
    else:
        parent[key] = rng.choice(STRANGE)


def _write(rng: random.Random, files: Files, path: Path) -> None:
    if rng.random() < 0.5:
        path.write_bytes(pack(files))
    else:
        _to_folder(files, path)


def _to_folder(files: Files, path: Path) -> None:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _zip(rng: random.Random, members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            big = rng.random() < 0.02
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = method
            with archive.open(member, "w", force_zip64=big) as file:
                file.write(bytes(2**20) if rng.random() < 0.01 else content)
    return buffer.getvalue()
