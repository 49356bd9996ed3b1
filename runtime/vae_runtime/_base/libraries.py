"""Libraries that may be missing or broken, and the one way to import each of them.

One that is there may fail as it is imported in any way: a shared object that does not load, another
numpy than it was built for, a folder that half an installation left. It is then as if it were not
there; only what cannot do without it says so, and why.
"""

import importlib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple


class Library(NamedTuple):
    """A library by the name that it is imported by.

    Args:
        said: its name, for people; `pip install --force-reinstall` takes it too.
        install: what `pip install` is told to bring it.
        part: a name in it, to tell it from an empty folder and from another module of its name.
    """

    said: str
    install: str
    part: str = "__version__"


# Of an extra, pip finds the distribution that is installed already, wherever that came from.
LIBRARIES = {
    "PIL": Library("Pillow", "'vae-runtime[images]'"),
    "ai_edge_litert": Library("ai-edge-litert", "'vae-runtime[litert]'"),
    "cryptography": Library("cryptography", "'vae-runtime[sign]'"),
    "numpy": Library("numpy", "numpy", "ndarray"),
    "onnxruntime": Library("onnxruntime", "onnxruntime", "InferenceSession"),
    "pandas": Library("pandas", "'vae-runtime[spark]'", "DataFrame"),
    "pyarrow": Library("pyarrow", "'vae-runtime[batch]'", "Table"),
    "pyspark": Library("pyspark", "'vae-runtime[spark]'"),
    "ray": Library("ray", "'vae-runtime[ray]'", "init"),
    "jax": Library("jax", "jax", "jit"),
    "keras": Library("keras", "keras", "Model"),
    "matplotlib": Library("matplotlib", "matplotlib"),
    "onnx": Library("onnx", "onnx"),
    "scipy": Library("scipy", "scipy"),
    "sklearn": Library("scikit-learn", "scikit-learn"),
    "tensorboard": Library("tensorboard", "tensorboard"),
    "tensorflow": Library("tensorflow", "'vae-keras[cpu]'", "function"),
    "tf2onnx": Library("tf2onnx", "tf2onnx"),
    "torch": Library("torch", "torch"),
    "zstandard": Library("zstandard", "zstandard"),
}


@dataclass(frozen=True)
class Extra:
    """A library that is needed for one purpose alone, and installed for it.

    Its library is added to `LIBRARIES` where it is new, so that `find` and `need` know it.

    Args:
        module: that is imported of it, such as "ai_edge_litert.interpreter".
        install: what `pip install` is told to bring it.
    """

    module: str
    install: str

    def __post_init__(self) -> None:
        top = self.module.partition(".")[0]
        # of a stranger's nothing is known that tells it from another of its name
        library = Library(top.replace("_", "-"), self.install, part="__name__")
        LIBRARIES.setdefault(top, library)


LONGEST = 200  # characters of a reason

_broken: dict[str, str] = {}  # by module, what is wrong: what failed once might do worse twice


def find(module: str) -> Any:
    """Imports a module such as "pyarrow.csv"; None where its library is missing or broken."""
    return importlib.import_module(module) if _why_not(module) is None else None


def need(module: str, doing: str, instead: str = "") -> Any:
    """Imports a module; an error that says what to install where it is missing or broken.

    Args:
        module: of one of `LIBRARIES`.
        doing: for which it is needed.
        instead: what to do without it.

    Raises:
        ValueError: it is missing or broken; says which, why, and what to type.
    """
    why = _why_not(module)
    if why is None:
        return importlib.import_module(module)
    top = module.partition(".")[0]
    library, rest = LIBRARIES[top], f", or {instead}" if instead else ""
    if why:
        raise ValueError(f"{doing} needs {library.said}, which is here and {why}{rest}.")
    raise ValueError(f"{doing} needs {library.said}: pip install {library.install}{rest}.")


def onnxruntime(module: str = "onnxruntime") -> Any:
    """Imports onnxruntime, or a module of it: everything here imports it through this.

    It writes an identity of the device to the home folder and sends telemetry from a thread of its
    own (seen of 1.31), unless a variable says before the import that it must not; what can be
    called afterwards is too late. A user who has set the variable is left to it.

    Raises:
        ValueError: it is missing or broken.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return need(module, "running the graphs of a bundle")


@lru_cache(maxsize=1)
def settle_pandas() -> None:
    """Hides a broken pandas from pyarrow; to be called before pyarrow makes arrays.

    It imports pandas as it makes its first array, and raises what comes of that unless it is an
    ImportError; from then on it does without.
    """
    if find("pandas") is None:
        with suppress(Exception):  # of pandas once more: what is wrong with it is known by now
            importlib.import_module("pyarrow").array([])


def is_interrupt(error: BaseException | None) -> bool:
    """True for an error that Ctrl-C caused: interrupted C++ modules fail with an ImportError."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _why_not(module: str) -> str | None:
    """Reason why a module cannot be imported, and what to type.

    Returns:
        None if it can be imported, "" if its library is not installed.
    """
    if module in _broken:
        return _broken[module]
    top = module.partition(".")[0]
    try:
        library = importlib.import_module(top)
        importlib.import_module(module)
    except MemoryError:
        raise
    except Exception as error:  # whatever its own code raises as it begins
        if is_interrupt(error):
            raise
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing == top or sys.modules.get(missing or "", ...) is None:  # as Python hides them
            return ""
        _broken[module] = _advice(top, f"cannot be imported: {_reason(error)}", missing)
    else:
        if hasattr(library, LIBRARIES[top].part):
            return None
        where = getattr(library, "__file__", None) or next(iter(library.__path__))
        _broken[module] = _advice(top, f"is broken: {where} is another module, or a part of it")
    return _broken[module]


def _advice(top: str, wrong: str, missing: str | None = None) -> str:
    """Reason and what to type; a library may only lack another one that it needs."""
    other = LIBRARIES.get((missing or top).partition(".")[0], LIBRARIES[top])
    if other is not LIBRARIES[top]:
        return f"{wrong}. Install that: pip install {other.install}"
    return f"{wrong}. Install it again: pip install --force-reinstall {other.said}"


def _reason(error: Exception) -> str:
    """Text of an error, in one line that a terminal can show."""
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in said)[:LONGEST]
