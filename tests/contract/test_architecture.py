"""The drawing in ARCHITECTURE.md is the code: floors import downwards, and nothing in a circle."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "vae_runtime": ROOT / "runtime" / "vae_runtime",
    "vae_keras": ROOT / "vae_keras",
    "vae_export": ROOT / "export" / "vae_export",
}
DRAWN = (*PACKAGES, "vae_runtime.rows")
# Which packages each may import, itself among them.
IMPORTS = {
    "vae_runtime": {"vae_runtime"},
    "vae_keras": {"vae_keras", "vae_runtime"},
    "vae_export": {"vae_export", "vae_keras", "vae_runtime"},
}
TEXT = (ROOT / "ARCHITECTURE.md").read_text()


def modules(package):
    """Dotted names of all modules of a package, and their files."""
    found = {}
    for file in sorted(PACKAGES[package].rglob("*.py")):
        parts = (package, *file.relative_to(PACKAGES[package]).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = {name: file for package in PACKAGES for name, file in modules(package).items()}


def sources(name, node):
    """What an import statement names: modules, or names in them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    parts = name.split(".")
    inside = parts if MODULES[name].name == "__init__.py" else parts[:-1]
    above = inside[: len(inside) - (node.level - 1)] if node.level else []
    source = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{source}.{alias.name}" for alias in node.names]


def imported(name):
    """The modules of ours that a module imports anywhere, for its types too."""
    nodes = ast.walk(ast.parse(MODULES[name].read_text()))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for source in sources(name, node):
                own = source if source in MODULES else source.rpartition(".")[0]
                found |= {own} & set(MODULES)
    return found - {name}


def floors(package):
    """The names in the drawing of a package, from the ground up."""
    (drawn,) = re.findall(rf"```text\n{re.escape(package)}\n(.*?)```", TEXT, re.DOTALL)
    return [line.split()[0] for line in drawn.splitlines()]


def floor_of(name, package):
    """The part of a package that a module is in; None of the package itself and of others."""
    return (
        name.removeprefix(f"{package}.").split(".")[0] if name.startswith(f"{package}.") else None
    )


@pytest.mark.parametrize("package", DRAWN)
def test_all_parts_of_a_package_are_in_the_drawing(package):
    there = {floor_of(name, package) for name in MODULES} - {None, "__main__"}
    assert there == set(floors(package))


@pytest.mark.parametrize("package", DRAWN)
def test_a_floor_imports_from_those_below_it_alone(package):
    order = floors(package)
    upwards = []
    for name in MODULES:
        floor = floor_of(name, package)
        for other in imported(name) if floor in order else ():
            if floor_of(other, package) in order:
                if order.index(floor_of(other, package)) > order.index(floor):
                    upwards.append((name, other))
    assert upwards == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_one_way(package):
    for name in modules(package):
        assert {other.split(".")[0] for other in imported(name)} <= IMPORTS[package], name


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: imported(name) for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_says_what_lives_there_and_what_it_may_import(package):
    for name, file in modules(package).items():
        if file.name == "__init__.py" and (
            name.count(".") == 1 or name.startswith("vae_runtime.rows.")
        ):
            said = ast.get_docstring(ast.parse(file.read_text())) or ""
            assert re.search(r"\b[Ii]mports?\b", said), f"{name}: expected what it may import"


def test_the_files_that_it_names_are_there():
    for path in re.findall(r"`((?:vae_runtime|vae_keras|vae_export)/[\w/.]+)`", TEXT):
        base = {"vae_runtime": ROOT / "runtime", "vae_export": ROOT / "export"}
        assert (base.get(path.split("/")[0], ROOT) / path).exists(), path
