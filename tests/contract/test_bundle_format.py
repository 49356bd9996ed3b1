"""docs/bundle-format.md says what the code does: every key, its type, every file, every number."""

import dataclasses
import json
import re
import types
import typing
from pathlib import Path

import onnx
import pytest

from vae_export.convert import read_tflite
from vae_runtime import bundle
from vae_runtime._base import typed_json
from vae_runtime.backends import selftest
from vae_runtime.bundle import (
    consistency,
    containers,
    interfaces,
    manifest,
    npz,
    onnx_wire,
    records,
    row_spec,
    signature,
    texts,
)
from vae_runtime.verdicts import calibration

TEXT = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text()
SCHEMA = {
    kind.__name__: kind
    for kind in vars(manifest).values()
    if dataclasses.is_dataclass(kind)
    if kind.__module__ in (manifest.__name__, records.__name__, row_spec.__name__)
    if kind is not records.RowSpec  # its fields are those of a Model
}


def table_of(title):
    """The table under a heading: first cell -> the other cells."""
    _, found, rest = TEXT.partition(f"\n{title}\n\n")
    assert found, title
    section = re.split(r"^#", rest, maxsplit=1, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    assert rows
    return {first.strip("`"): rest for first, *rest in rows}


def as_written(annotation):
    """A Python type in the document's words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is types.UnionType:
        words = [as_written(a) for a in arguments if a is not types.NoneType]
        return " or ".join([*words, *["null"] * (types.NoneType in arguments)])
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"array of {as_written(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(map(as_written, arguments))}]"
    if origin is dict:
        return f"object of {as_written(arguments[1])}"
    words = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return words.get(annotation, annotation.__name__)


def test_the_document_describes_every_object_of_the_manifest_and_no_others():
    sections = TEXT.partition("\n## manifest.json\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", sections, re.M) == [
        "Manifest",
        "Model",
        "Dialect",
        "ImageSpec",
        "Clock",
        "Preprocessing",
        "Training",
        "Score",
        "Calibration",
        "Trial",
        "Recalibration",
        "File",
        "Tensor",
    ]
    assert set(SCHEMA) == set(re.findall(r"^### (\w+)$", sections, re.M))


@pytest.mark.parametrize("name", SCHEMA)
def test_every_key_is_described_with_its_type_and_default(name):
    described, hints = table_of(f"### {name}"), typing.get_type_hints(SCHEMA[name])
    assert set(described) == set(hints)
    for field in dataclasses.fields(SCHEMA[name]):
        written, meaning = described[field.name]
        assert written == as_written(hints[field.name]), field.name
        assert ("; default " in meaning) == (field.default is not dataclasses.MISSING), field.name
        assert ("; default null" in meaning) == (field.default is None), field.name


def test_the_graphs_are_described_with_all_inputs_and_outputs(
    few_bundle, states_bundle, pump_bundle
):
    """Of what networks need around them, of classes, and of channels with names."""
    described, each = table_of("## Graphs"), (few_bundle, states_bundle, pump_bundle)
    files = [file for path in each for file in bundle.open_bundle(path).manifest.files]
    assert set(described) == {file.role for file in files} - {"probe", "report"}
    plain = sorted((f for f in files if f.precision == "fp32"), key=lambda f: f.format == "onnx")
    wanted = {file.role: file for file in plain if file.inputs}
    for file in wanted.values():
        for kind, cell in zip(("inputs", "outputs"), described[file.role], strict=True):
            named = {tensor.name for tensor in getattr(file, kind)}
            assert named == set(re.findall(r"`(\w+)`", cell)), (file.role, kind)


def test_the_probe_is_described_with_all_keys(states_bundle, few_bundle):
    said, answers = {"x", "z", "noise"}, {"ROLE.OUTPUT", "noisy_scorer.OUTPUT"}
    around = {"u", "z_mean", "z_log_var", "parameters"}
    assert set(table_of("## probe.npz")) == said | around | answers
    for path, expected in ((states_bundle, said), (few_bundle, said | around)):
        probe = bundle.open_bundle(path).read_probe()
        assert {key for key in probe if "." not in key} == expected


def test_the_report_is_described_with_all_keys(states_bundle):
    report = json.loads((states_bundle / "report.json").read_text())
    assert list(table_of("## The report")) == list(report)
    assert (report["format"], report["format_version"]) == ("vae-report", 1)
    described = table_of("## The report")["files"][0]
    assert set(re.findall(r"`(\w+)`", described)) - {"passed", "degraded"} <= set(
        report["files"][0]
    )


def test_what_a_lone_file_says_is_described(states_bundle):
    keys = set(table_of("## What a lone file says"))
    for role in ("encoder", "decoder", "scorer", "classifier"):
        said = onnx.load(states_bundle / f"{role}.onnx").metadata_props
        assert {entry.key for entry in said} == keys
        content = (states_bundle / f"{role}.tflite").read_bytes()
        assert set(read_tflite.metadata(content)) == keys


def test_names_and_numbers_are_those_of_the_code(table_bundle):
    for said in (
        f"`format` other than `{manifest.FORMAT}`",
        f"`format_version` other than {manifest.FORMAT_VERSION}",
        f"more than {bundle.MANIFEST_LIMIT // 2**20} MiB",
        f"At most {containers.MEMBERS} members",
        f"1 to {manifest.LONGEST_NAME} characters",
        f"`NAME{containers.SUFFIX}`",
        "1e-6 * |s|",
        f"raw {signature.SIZE} bytes",
        f"longer than {texts.LONGEST_TEXT} characters",
        f"more than {texts.MOST_ENTRIES} keys",
        f"more than {typed_json.LONGEST_LIST} entries",
        f"not more than {typed_json.MOST_VALUES} values",
        f"at most {onnx_wire.MOST_AXES} axes",
        f"at most {onnx_wire.MOST_FIELDS} fields",
        f"directory has at most {npz.LONGEST_DIRECTORY} bytes",
        f"header has at most {npz.LONGEST_HEADER} bytes",
        f"at most {consistency.MOST_FILES} files",
        f"at most {consistency.LARGEST_TOLERANCE}.",
        f"from 0 to {consistency.LARGEST_ROUNDING:g}, or to",
        f"its name 1 to {consistency.LONGEST_MACHINE} characters",
        f"{consistency.LARGEST_ROUNDING_SHARE:g} of the largest magnitude",
        f"At most {npz.MOST_ARRAYS} members, and together at most {npz.INFLATION} times",
        f"`{read_tflite.SIGNATURE}`",
        *(f"`{name}`" for name in manifest.OWN_NAMES),
    ):
        assert said in TEXT, said
    assert calibration.SCORE_RTOL == 1e-6
    assert (texts.LARGEST_WHOLE, interfaces.LARGEST_ROW) == (2**53, 2**28)
    assert (consistency.LARGEST_FILE, npz.SLACK) == (2**31 - 1, 2**20)
    assert selftest.RESOLUTION == 2.0**-17
    limits = (selftest.SLACK, selftest.LARGEST_DEVIATION, selftest.LARGEST_ERROR_SCALE)
    assert limits == (4.0, 1.0, 1e4)
    assert selftest.NOISE == {"fp32": 0.01, "fp16": 0.04, "dynamic": 0.8}
    assert (selftest.MOST_NOISE, selftest.MOST_ROWS, selftest.MOST_SAMPLES) == (0.9, 32, 1024)
    assert (interfaces.LARGEST_ERROR_SCALE, interfaces.LARGEST_PARITY) == (1e12, 10.0)
    model = onnx.load(table_bundle / "scorer.onnx")
    assert f"IR version {model.ir_version}, opset {model.opset_import[0].version}," in TEXT
