"""Gates that examine a file without running it: can devices load it?"""

from types import ModuleType

from vae_export.convert import quantize_tflite, read_onnx, read_tflite
from vae_export.convert.artefacts import Artefact, Figures
from vae_export.errors import ExportError
from vae_export.graphs.functions import Interface

# What to do, by what is found in a name of what was refused.
DETERMINISTIC = (
    "Something draws at random though nothing is trained, such as the Sampling layer of many "
    "examples: end the encoder on z_mean and z_log_var, before it."
)
UNROLL = "Build recurrent layers with unroll=True."
HINTS = {
    "random": DETERMINISTIC,
    "assignvariable": DETERMINISTIC,
    "tensorlist": UNROLL,
    "loop": UNROLL,
    "partitionedcall": "Keras compiles convolutions with groups apart: take separable ones.",
}

READERS: dict[str, ModuleType] = {"onnx": read_onnx, "tflite": read_tflite}


def converter(artefact: Artefact) -> Figures:
    """Checks that the converter logged no error: it may log one and still write a file."""
    complaints = artefact.conversion.complaints
    if complaints:
        said = "; ".join(complaints)[:500]
        advice = f"Replace the operation in the model by one that {artefact.variant.format} has."
        raise ExportError(
            f"{artefact.name}: the converter could not express it: {said} {_hint(said, advice)}"
        )
    return {}


def checker(artefact: Artefact) -> Figures:
    """Checks that the format's own checker accepts the file."""
    _refuse(artefact, _reader(artefact).complaint(artefact.conversion.content))
    return {"bytes": len(artefact.conversion.content)}


def version(artefact: Artefact) -> Figures:
    """Checks that old runtimes know the version of the file's format."""
    _refuse(artefact, _reader(artefact).too_new(artefact.conversion.content))
    return {}


def ops(artefact: Artefact) -> Figures:
    """Checks that every CPU runtime has every op, and that none draws anything at random."""
    networks = artefact.variant.networks
    is_known = quantize_tflite.runs_on_micro if networks else _reader(artefact).is_known
    where = "microcontrollers have in int8" if networks else "every CPU runtime has"
    unknown = [op for op in artefact.ops if not is_known(op)]
    if unknown:
        said, kind = ", ".join(unknown), f"{artefact.variant.precision} {artefact.variant.format}"
        advice = f"Replace the operation in the model, or leave {kind} out."
        raise ExportError(
            f"{artefact.name}: expected deterministic ops that {where}. Received: {said}. "
            f"{_hint(said, advice)}"
        )
    return {"kinds": len(artefact.ops)}


def interface(artefact: Artefact) -> Figures:
    """Checks that names, dtypes and shapes of inputs and outputs are those of the manifest."""
    found: Interface = _reader(artefact).interface(artefact.conversion.content)
    wanted = artefact.interface
    for kind, expected, received in zip(("inputs", "outputs"), wanted, found, strict=True):
        if set(expected) != set(received):
            raise ExportError(
                f"{artefact.name}: expected the {kind} {', '.join(expected)}. Received: "
                f"{', '.join(received)}. (A tensor that the model captured becomes an input.)"
            )
        for name, (dtype, shape) in expected.items():
            if received[name] != (dtype, shape):
                raise ExportError(
                    f"{artefact.name}: expected {name!r} among the {kind} as {dtype} {shape}. "
                    f"Received: {received[name][0]} {received[name][1]}."
                )
    return {"inputs": len(found.inputs), "outputs": len(found.outputs)}


def _hint(said: str, otherwise: str) -> str:
    return next((hint for word, hint in HINTS.items() if word in said.lower()), otherwise)


def _refuse(artefact: Artefact, complaint: str | None) -> None:
    if complaint is not None:
        raise ExportError(f"{artefact.name}: {complaint}")


def _reader(artefact: Artefact) -> ModuleType:
    return READERS[artefact.variant.format]
