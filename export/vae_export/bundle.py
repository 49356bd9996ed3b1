"""A bundle's files and manifest, written whole or not at all."""

import datetime
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras.run import Run
from vae_runtime import BundleError, Runner, manifest
from vae_runtime.files import directory_aside

from .errors import ExportError
from .formats import Format
from .graphs import Arrays, Graph
from .parity import TOLERANCE

SCORE = manifest.Score(
    definition="nll + kl at the posterior mean: the negative ELBO of the pre-processed row",
    unit="nats",
    direction="higher is more anomalous",
)


def describe_graph(
    graph: Graph, content: bytes, *, extension: str, form: Format, parity: dict[str, float]
) -> manifest.File:
    """A verified graph's file as the manifest lists it."""
    inputs = (manifest.Tensor(n, dtype, shape) for n, (dtype, shape) in graph.inputs.items())
    outputs = (manifest.Tensor(n, "float32", shape) for n, shape in graph.outputs.items())
    return _describe(
        content,
        name=f"{graph.role}.{extension}",
        role=graph.role,
        format=extension,
        opset=form.opset,
        ops=form.ops(content),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        parity=parity,
    )


def describe_probe(content: bytes) -> manifest.File:
    """The probe's file as the manifest lists it."""
    return _describe(content, name="probe.npz", role="probe", format="npz")


def likelihood(run: Run) -> str:
    """By name; of a table of several kinds of columns, by the names of all."""
    name, categorical = run.config.model.likelihood, sum(run.data.groups)
    if not categorical:
        return name
    return "categorical" if categorical == run.data.input_shape[-1] else f"{name}, categorical"


def npz(arrays: Arrays) -> bytes:
    """The bytes of an .npz file: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def make_manifest(
    run: Run, files: list[manifest.File], calibration: manifest.Calibration
) -> manifest.Manifest:
    """All that a device must know about a run's exported files."""
    return manifest.Manifest(
        format=manifest.FORMAT,
        format_version=manifest.FORMAT_VERSION,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=_model(run),
        training=manifest.Training(
            data=run.data.name,
            rows=run.data.rows["train"],
            fingerprint=run.data.fingerprint,
            versions=run.config.versions,
            license=run.data.license,
        ),
        score=SCORE,
        calibration={"fp32": calibration},
        tolerance=TOLERANCE,
        files=tuple(files),
    )


def write(out: str | Path, contents: Mapping[str, bytes], document: manifest.Manifest) -> Path:
    """Writes a bundle, loads it as a device would, replays its probe; then puts it in place.

    Raises:
        ExportError: the runner does not answer from the written files as Keras did.
        ValueError: something else than a bundle is at `out`.
    """
    with directory_aside(out, mark=manifest.NAME) as aside:
        described = manifest.dumps(document)
        for name, content in contents.items():
            (aside / name).write_bytes(content)
        (aside / manifest.NAME).write_bytes(described)
        (aside / manifest.CHECKSUM_NAME).write_bytes(manifest.checksum_line(described))
        try:
            report = Runner.load(aside).selftest()
        except BundleError as error:
            raise ExportError(f"the written bundle cannot be used: {error}") from error
        if not report.passed:
            worst = max(report.checks, key=lambda check: check.deviation)
            raise ExportError(
                f"the written bundle fails its selftest: {worst.name}, {worst.rows}, is off by "
                f"{worst.deviation:.3g} of its largest magnitude."
            )
    return Path(out)


def _describe(content: bytes, **given: Any) -> manifest.File:
    nothing: dict[str, Any] = {"opset": None, "ops": (), "inputs": (), "outputs": (), "parity": {}}
    identity = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return manifest.File(precision="fp32", **{**nothing, **identity, **given})


def _model(run: Run) -> manifest.Model:
    vae, scaling = run.vae, run.vae.preprocessing
    return manifest.Model(
        name=run.data.name,
        input_shape=run.data.input_shape,
        input_dtype=run.data.input_dtype,
        value_range=run.data.value_range if vae.likelihood.support else None,
        feature_names=run.data.feature_names,
        one_hot=run.data.groups,
        stride=run.data.stride,
        latent_dim=vae.latent_dim,
        likelihood=likelihood(run),
        beta=vae.beta.beta,
        parameters=vae.count_params(),
        preprocessing=manifest.Preprocessing(
            offset=tuple(scaling.offset.ravel().tolist()),
            scale=tuple(scaling.scale.ravel().tolist()),
            low=scaling.low,
            high=scaling.high,
        ),
        classes=run.data.classes,
    )
