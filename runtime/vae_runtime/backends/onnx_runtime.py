"""Backend of onnxruntime.

onnxruntime is imported when the first session opens, so that importing `vae_runtime` stays cheap.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import onnxruntime
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import File
from vae_runtime.bundle.records import FLOAT_ROLES

from .agreement import check_tensors, failure, warm_up
from .profiles import Profile, profile_of
from .protocol import SETTINGS

CPU = "CPUExecutionProvider"
ROLES = ("encoder", "decoder", "scorer", "classifier", *FLOAT_ROLES)

_ERROR = 3  # onnxruntime's severity; its warning about optional inputs is no news to a user


class OnnxRuntime:
    """Runs the .onnx files.

    Args:
        profile: "edge" (one caller, little memory), "server" (many callers at once),
            "throughput" (many rows from one caller), or a `Profile` of your own.
        provider: onnxruntime's execution provider; there is no falling back to another.
        options: an `onnxruntime.SessionOptions` of your own, taken as it is instead of the
            profile's threads, spinning and arena.
        sessions: open `onnxruntime.InferenceSession`s of your own, by role, to run instead of the
            bundle's files: "encoder", "decoder", "scorer", "classifier", "replacements". That they
            hold the same weights is your word; the self-test sees whether they do.

    Raises:
        ValueError: there is no such profile or role, or options and sessions are of other types.

    >>> server = Runner.load("artifacts/sensors", backend=OnnxRuntime("server"))
    >>> server.score(x[6:]).is_anomaly.tolist()
    [True, True]
    """

    name = "onnxruntime"
    formats = ("onnx",)
    extra = None
    settings = SETTINGS

    def __init__(
        self,
        profile: str | Profile = "edge",
        *,
        provider: str = CPU,
        options: Any = None,
        sessions: Mapping[str, Any] | None = None,
    ) -> None:
        self._profile = profile_of(profile)
        self.chunk, self.workers = self._profile.chunk, self._profile.workers
        self._provider, self._options, self._sessions = provider, options, dict(sessions or {})
        _check_options(options)
        _check_sessions(self._sessions)

    @classmethod
    def of(cls, profile: Profile, provider: str | None = None) -> "OnnxRuntime":
        """Makes one with these settings; see `Backend.of`."""
        return cls(profile, provider=provider or CPU)

    def open(
        self, bundle: Bundle, role: str, precision: str, format: str = "onnx"
    ) -> "OnnxSession":
        """Opens the graph of this role; see `Backend.open`."""
        file = bundle.manifest.file(role, format=format, precision=precision)
        session = self._sessions.get(role)
        if session is None:
            session = self._load(bundle.read(file), file)
        opened = OnnxSession(file, session)
        warm_up(file.name, opened)
        return opened

    def _load(self, content: bytes, file: File) -> Any:
        ort = onnxruntime()

        if self._provider not in ort.get_available_providers():
            raise ValueError(
                f"expected an execution provider that onnxruntime {ort.__version__} has here: "
                f"{', '.join(ort.get_available_providers())}. Received: {self._provider}. Install "
                "the build of onnxruntime that has it."
            )
        options = self._options or self._session_options()
        try:
            session = ort.InferenceSession(content, options, providers=[self._provider])
        except Exception as error:  # onnxruntime raises its own classes, which differ by version
            what = f"onnxruntime {ort.__version__} cannot load it"
            raise failure(file.name, what, error) from error
        if session.get_providers()[0] != self._provider:
            raise ValueError(
                f"expected onnxruntime to run on {self._provider}. Received: it took "
                f"{', '.join(session.get_providers())}. Look for its warnings above: a driver or "
                "a library of that provider is missing."
            )
        return session

    def _session_options(self) -> Any:
        ort = onnxruntime()

        profile, options = self._profile, ort.SessionOptions()
        options.intra_op_num_threads = profile.threads  # set: containers lie about cores
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = profile.arena
        options.add_session_config_entry(
            "session.intra_op.allow_spinning", str(int(profile.spinning))
        )
        options.log_severity_level = _ERROR
        return options


class OnnxSession:
    """One graph in onnxruntime; see `protocol.Session`.

    Raises:
        BundleError: it is not what the manifest describes.
    """

    def __init__(self, file: File, session: Any) -> None:
        self.name = file.name
        self.parity: Mapping[str, float] = file.parity
        self.inputs, self.outputs = file.inputs, file.outputs
        self.session = session
        given = [*session.get_inputs(), *session.get_overridable_initializers()]
        check_tensors(file, "input", file.inputs, _tensors(given))
        check_tensors(file, "output", file.outputs, _tensors(session.get_outputs()))

    def run(
        self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """The named outputs for these inputs; inputs with a default may be left out."""
        try:
            answers: list[NDArray[np.float32]] = self.session.run(outputs, feeds)
        except Exception as error:  # onnxruntime raises its own classes, which differ by version
            raise failure(self.name, "onnxruntime cannot run it", error) from error
        return answers


def _check_options(options: object) -> None:
    if options is None:
        return
    ort = onnxruntime()

    if not isinstance(options, ort.SessionOptions):
        raise ValueError(
            f"expected options as an onnxruntime.SessionOptions. Received: {options!r:.60}."
        )


def _check_sessions(sessions: Mapping[str, Any]) -> None:
    for role, session in sessions.items():
        if role not in ROLES:
            raise ValueError(
                f"expected sessions by role: {', '.join(ROLES)}. Received: one for {role!r:.60}."
            )
        if not all(hasattr(session, part) for part in ("run", "get_inputs", "get_outputs")):
            raise ValueError(
                f"expected an onnxruntime.InferenceSession for the {role}. Received: "
                f"{session!r:.60}."
            )


def _tensors(found: list[Any]) -> dict[str, tuple[object, ...]]:
    """Dtype and shape by name, as the manifest says them."""
    return {t.name: (_dtype(t.type), tuple(t.shape)) for t in found}


def _dtype(onnx_type: str) -> str:
    """Name of a dtype, as numpy has it: `tensor(float)` is float32."""
    name = onnx_type.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32"}.get(name, name)
