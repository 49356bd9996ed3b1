"""Backends are known to their registry alone: elsewhere in the runtime none has a name."""

import ast
import re
from pathlib import Path

import pytest

import vae_runtime
from vae_runtime.backends import kinds, names

ROOT = Path(vae_runtime.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "backends.md"
BACKENDS = ROOT / "backends"
LIBRARIES = ROOT / "_base" / "libraries.py"  # one library has a backend's name


def docstrings(tree):
    """The nodes that say what a module, class or function is."""
    kinds_of = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds_of) and node.body]
    return {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}


def named(source):
    """Texts of code that name a backend, and docstrings that quote one."""
    tree = ast.parse(source)
    told = docstrings(tree)
    word = re.compile(rf"(?<!\.)\b({'|'.join(names())})\b")  # after a point, of a module
    quoted = re.compile(rf"[\"'`]({'|'.join(names())})[\"'`]")
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [
        node.value for node in texts if (quoted if id(node) in told else word).search(node.value)
    ]


def imported(source):
    """Modules of one backend alone that are imported."""
    own = {kind.__module__.rpartition(".")[2] for kind in kinds()}
    found = [n.module or "" for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
    return [module for module in found if module.rpartition(".")[2] in own]


MODULES = [
    path
    for path in sorted(ROOT.rglob("*.py"))
    if BACKENDS not in path.parents and path != LIBRARIES
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_outside_names_a_backend(path):
    source = path.read_text()
    assert named(source) == []
    if path != ROOT / "__init__.py":  # which offers the classes that are built in
        assert imported(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'x = "litert"',
        'def f(backend="onnxruntime"): pass',
        'f"--backend litert: {x}"',
        'def f():\n    """Takes `litert`."""',
    ],
)
def test_a_name_would_be_seen(source):
    assert len(named(source)) == 1
    assert imported("from .backends.litert import MODULE") == ["backends.litert"]
    assert imported("from vae_runtime.backends import kinds") == []


def test_the_docs_list_the_registry():
    rows = re.findall(r"^\| `([^`]+)` \| `([^|]+)` \| (.+) \|$", DOCS.read_text(), re.M)
    listed = [(name, files, install) for name, files, install in rows if files.startswith(".")]
    assert [name for name, _, _ in listed] == [*names()]
    for kind, (_, files, install) in zip(kinds(), listed, strict=True):
        assert files == ", ".join(f".{format}" for format in kind.formats)
        assert kind.extra is None or f"`pip install {kind.extra.install}`" in install
