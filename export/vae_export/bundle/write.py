"""Writes a bundle's files and manifest, all or nothing."""

import datetime
import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_export.convert.artefacts import Artefact
from vae_export.convert.read_tflite import Quantization, quantization
from vae_export.convert.to_onnx import OPSET
from vae_export.errors import ExportError
from vae_export.gates import Verified
from vae_export.gates.answers import TOLERANCE
from vae_export.graphs.functions import Arrays
from vae_export.graphs.source import Source, score_of
from vae_runtime import BundleError, Runner
from vae_runtime.bundle import Bundle, manifest, open_bundle, writer


def describe(verified: Verified) -> manifest.File:
    """Manifest entry of a verified file."""
    artefact = verified.artefact
    error_scales, quantization = artefact.evidence.error_scales, _quantization(artefact)
    inputs, outputs = (
        tuple(
            manifest.Tensor(
                name, dtype, shape, error_scales.get(name, 1.0), *quantization.get(name, ())
            )
            for name, (dtype, shape) in tensors.items()
        )
        for tensors in artefact.interface
    )
    return _describe(
        artefact.conversion.content,
        name=artefact.name,
        role=artefact.graph.role,
        format=artefact.variant.format,
        precision=artefact.variant.precision,
        opset=OPSET if artefact.variant.format == "onnx" else None,
        ops=artefact.ops,
        inputs=inputs,
        outputs=outputs,
        parity=verified.parity,
        recipe=artefact.conversion.recipe,
        degraded=verified.degraded,
    )


def describe_probe(content: bytes) -> manifest.File:
    """Manifest entry of the probe's file."""
    return _describe(content, name="probe.npz", role="probe", format="npz")


def describe_report(name: str, content: bytes) -> manifest.File:
    """Manifest entry of a report, `report.html` or `report.json`."""
    return _describe(content, name=name, role="report", format=name.rpartition(".")[2])


def npz(arrays: Arrays) -> bytes:
    """Packs arrays as the bytes of an .npz file: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def make_manifest(
    source: Source, files: list[manifest.File], calibration: dict[str, manifest.Calibration]
) -> manifest.Manifest:
    """Manifest of a model's exported files: all that a device must know about them."""
    return manifest.Manifest(
        format=manifest.FORMAT,
        format_version=manifest.FORMAT_VERSION,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=_model(source),
        training=manifest.Training(
            data=source.card.name,
            rows=source.card.rows["train"],
            fingerprint=source.card.fingerprint,
            versions=source.versions,
            license=source.card.license,
        ),
        score=score_of(source),
        calibration=calibration,
        tolerance=TOLERANCE,
        files=tuple(files),
    )


def write(
    out: str | Path,
    contents: Mapping[str, bytes],
    document: manifest.Manifest,
    *,
    check: Callable[[Bundle], None],
) -> Path:
    """Writes a bundle, loads it as a device would, replays its probe; then puts it in place.

    Args:
        out: of a directory, or of one file where it ends in .vaeb.
        contents: by name, the files that the manifest describes.
        document: the manifest.
        check: raises `ExportError` where what was written does not judge as it should.

    Raises:
        ExportError: the runner does not answer from what was written as Keras did.
        ValueError: something else than a bundle is at `out`.
    """
    return writer.write(out, contents, document, check=lambda path: _try_out(path, check))


def _try_out(path: Path, check: Callable[[Bundle], None]) -> None:
    try:
        opened = open_bundle(path)
        opened.verify()
        report = Runner(opened).selftest()
    except BundleError as error:
        raise ExportError(f"the written bundle cannot be used: {error}") from error
    if not report.passed:
        failed = [check for check in report.checks if not check.passed]
        worst = max(failed, key=lambda check: check.deviation)
        raise ExportError(
            f"the written bundle fails its selftest: {worst.name}, {worst.rows}, is off by "
            f"{worst.deviation:.3g} of its largest magnitude, {worst.noise:.3g} of its spread."
        )
    check(opened)


def _quantization(artefact: Artefact) -> dict[str, Quantization]:
    """Scale and zero point of inputs and outputs in integers; empty where all are floats."""
    return quantization(artefact.conversion.content) if artefact.variant.networks else {}


def _describe(content: bytes, **given: Any) -> manifest.File:
    nothing: dict[str, Any] = {"opset": None, "ops": (), "inputs": (), "outputs": (), "parity": {}}
    identity = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return manifest.File(**{"precision": "fp32", **nothing, **identity, **given})


def _model(source: Source) -> manifest.Model:
    vae, card, scaling = source.vae, source.card, source.vae.preprocessing
    value_range = card.value_range if vae.likelihood.support else None
    return manifest.Model(
        **{**card.fields(), "value_range": value_range},
        mixture=vae.mixture and vae.mixture.count,
        latent_dim=vae.latent_dim,
        likelihood=source.likelihood,
        beta=vae.beta.beta,
        parameters=source.parameters,
        preprocessing=manifest.Preprocessing(
            offset=tuple(scaling.offset.ravel().tolist()),
            scale=tuple(scaling.scale.ravel().tolist()),
            low=scaling.low,
            high=scaling.high,
        ),
    )
