"""Libraries that are there, missing or broken: what does not need one does not notice."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vae_runtime._base.libraries import LIBRARIES, find, need

ROOT = Path(__file__).parents[3]

GOMP = "libgomp.so.1: cannot open shared object file: No such file or directory"
STATES = {
    "missing": None,
    "not_loading": f"raise ImportError({GOMP!r})",
    "of_other_numpy": "raise RuntimeError('module was compiled against ABI version 0x1000009')",
    "of_other_glibc": "raise OSError('version `GLIBC_2.38\\' not found')",
    "in_its_own_code": "from os import path\npath.no_such_name",
    "of_a_c_api": "raise SystemError('initialization failed without raising an exception')",
    "without_what_it_needs": "import a_module_that_is_not_here",
    "a_stub": "",
}
ALL = pytest.mark.parametrize("state", STATES)


@pytest.fixture
def spoil(tmp_path):
    """An environment in which a library is in one of these states; others are as they are."""

    def spoiled(library, state):
        folder = tmp_path / "spoilt"
        folder.mkdir(exist_ok=True)
        if STATES[state] is None:
            hidden = f"import sys\nsys.modules[{library!r}] = None\n"
            (folder / "sitecustomize.py").write_text(hidden)
        else:
            (folder / library).mkdir(exist_ok=True)
            (folder / library / "__init__.py").write_text(STATES[state])
        return {**os.environ, "PYTHONPATH": str(folder)}

    return spoiled


@pytest.fixture(scope="module")
def files(tmp_path_factory, table_bundle, sensor_csv, digits_bundle):
    """Rows in each format, and what is scored of them where every library works."""
    folder = tmp_path_factory.mktemp("files")
    head, *lines = sensor_csv.read_text().splitlines()[:41]
    (folder / "rows.csv").write_text("\n".join([head, *lines, ""]))
    names = head.split(",")
    rows = np.array([line.split(",") for line in lines], float)
    np.save(folder / "rows.npy", rows[:, :6])
    pq.write_table(pa.table(dict(zip(names, rows.T, strict=True))), folder / "rows.parquet")
    (folder / "photos").mkdir()
    Image.new("L", (8, 8)).save(folder / "photos" / "0.png")
    (folder / "table").symlink_to(table_bundle)
    (folder / "digits").symlink_to(digits_bundle)
    key = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", folder / "key.pem"]
    subprocess.run(key, check=True, capture_output=True)
    command = ["openssl", "pkey", "-in", folder / "key.pem", "-pubout", "-out", folder / "key.pub"]
    subprocess.run(command, check=True)
    return folder


def run(files, environment, line):
    command = [sys.executable, "-m", "vae_runtime", *line.split()]
    return subprocess.run(
        command, cwd=files, env=environment, capture_output=True, text=True, check=False
    )


def check_told(done, said, state, install):
    """One line: which library, why it cannot be had, what to type."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("vae-runtime: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"needs {said}" in done.stderr
    if state == "missing":
        assert f"pip install {install}" in done.stderr
    else:
        reason = {"not_loading": GOMP, "of_other_numpy": "ABI", "of_other_glibc": "GLIBC_2.38"}
        assert reason.get(state, "which is here and ") in done.stderr
        assert f"pip install --force-reinstall {said}" in done.stderr


NEEDS = {
    "pyarrow": ("score table rows.parquet", "pyarrow", "'vae-runtime[batch]'"),
    "PIL": ("score digits photos -o scores.csv", "Pillow", "'vae-runtime[images]'"),
    "ai_edge_litert": (
        "score table rows.npy --backend litert",
        "ai-edge-litert",
        "'vae-runtime[litert]'",
    ),
    "cryptography": ("info table --verify key.pub", "cryptography", "'vae-runtime[sign]'"),
    "onnxruntime": ("score table rows.npy", "onnxruntime", "onnxruntime"),
    "numpy": ("info table", "numpy", "numpy"),
    "ray": ("score table rows.npy -o out --engine ray", "ray", "'vae-runtime[ray]'"),
    "pyspark": ("score table rows.npy -o out --engine spark", "pyspark", "'vae-runtime[spark]'"),
}
OTHER = {
    "pyarrow": "score table rows.csv",
    "PIL": "score digits digits/probe.npz -o -",
    "ai_edge_litert": "score table rows.npy",
    "cryptography": "score table rows.npy",
    "onnxruntime": "info table",
    "ray": "score table rows.csv",
    "pyspark": "score table rows.csv",
}


@ALL
@pytest.mark.parametrize("library", NEEDS)
def test_what_needs_it_says_so_in_a_line(files, spoil, library, state):
    if state == "a_stub" and library == "numpy":
        pytest.skip("another library that is called numpy is numpy to whoever imports it")
    line, said, install = NEEDS[library]
    check_told(run(files, spoil(library, state), line), said, state, install)
    assert not (files / "out").exists()


@pytest.mark.parametrize("state", ["missing", "not_loading", "of_other_numpy", "a_stub"])
@pytest.mark.parametrize("library", OTHER)
def test_what_does_not_need_it_is_as_where_it_is_there(files, spoil, library, state):
    expected = run(files, {**os.environ}, OTHER[library])
    done = run(files, spoil(library, state), OTHER[library])
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, expected.stderr)


@pytest.mark.parametrize("state", ["missing", "not_loading"])
@pytest.mark.parametrize("line", ["--help", "score --help", "info table", "pack table -o t.vaeb"])
def test_without_onnxruntime_what_runs_no_graph_works(files, spoil, line, state):
    done = run(files, spoil("onnxruntime", state), line)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("state", ["missing", "not_loading"])
@pytest.mark.parametrize("options", ["", "-o scores.jsonl --on-bad-row reject", "--alpha .05"])
@pytest.mark.parametrize("command", ["score", "explain", "encode", "reconstruct"])
def test_no_row_is_bad_because_onnxruntime_is(files, spoil, command, options, state):
    if options == "--alpha .05" and command != "score":
        pytest.skip("an option of score")
    extra = options or ("" if command in ("score",) else "-o made.npy")
    done = run(files, spoil("onnxruntime", state), f"{command} table rows.csv {extra}")
    check_told(done, "onnxruntime", state, "onnxruntime")
    assert not [*files.glob("*rejects*")]


@pytest.mark.parametrize(
    ("engine", "library"), [("spark", "pandas"), ("spark", "pyarrow"), ("ray", "pyarrow")]
)
@pytest.mark.parametrize("state", ["missing", "not_loading", "of_other_numpy"])
def test_what_an_engine_wants_of_others_is_named(files, spoil, engine, library, state):
    line = f"score table rows.npy -o out --engine {engine}"
    done = run(files, spoil(library, state), line)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"scoring on {engine.title()} needs {library}" in done.stderr


LINES = [
    "score table kept.parquet --keep at,who,kind -o -",
    "score table kept.arrow --keep at,who,some -o -",
    "score table kept.parquet --keep at,who,some --to jsonl",
    "score table lists.parquet --column x",
]
WRITTEN = [
    "score table rows.csv --keep broken -o NEW.arrow",
    "score table kept.arrow --keep at,who,kind,some -o NEW.parquet",
    "score table kept.parquet --keep who,some -o NEW.npz",
    "score table bad.parquet --keep who --on-bad-row reject -o NEW.arrow",
]


@pytest.fixture(scope="module")
def kept(files):
    """Tables of Arrow and Parquet with columns to keep, of types that pandas has a hand in."""
    table = pq.read_table(files / "rows.parquet").drop_columns("broken")
    n = len(table)
    zoned = pa.array([1_700_000_000] * n, pa.timestamp("s", "UTC"))
    who, some = pa.array([f"m{i % 3}" for i in range(n)]), pa.array([None, *range(n - 1)])
    more = {"at": zoned, "who": who, "kind": who.dictionary_encode(), "some": some}
    for name, column in more.items():
        table = table.append_column(name, column)
    pq.write_table(table, files / "kept.parquet")
    with pa.OSFile(str(files / "kept.arrow"), "wb") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    holes = pa.array([None, *table["flow"].to_pylist()[1:]])
    place = table.schema.get_field_index("flow")
    pq.write_table(table.set_column(place, "flow", holes), files / "bad.parquet")
    rows = np.load(files / "rows.npy").tolist()
    pq.write_table(pa.table({"x": rows}), files / "lists.parquet")
    return files


def said_of(kept, environment, line, ending):
    """What a command says, and writes, without the name of what it wrote."""
    new = f"new_{os.urandom(4).hex()}"
    done = run(kept, environment, line.replace("NEW", new))
    found = next(kept.glob(f"{new}{ending}"), None)
    content = None if found is None else found.read_bytes()
    for each in kept.glob(f"{new}*"):
        each.unlink()
    return done.returncode, done.stdout, done.stderr.replace(new, "NEW"), content


CASES = [(line, "in_its_own_code") for line in (*LINES, *WRITTEN)]
CASES += [(LINES[0], "missing"), (LINES[0], "of_other_glibc"), (WRITTEN[0], "a_stub")]


@pytest.mark.parametrize(("line", "state"), CASES)
def test_what_pyarrow_does_needs_no_pandas(kept, spoil, line, state):
    ending = Path(line).suffix if line in WRITTEN else ".none"
    expected = said_of(kept, {**os.environ}, line, ending)
    assert expected[0] == 0 or "expected" in expected[2]
    assert said_of(kept, spoil("pandas", state), line, ending) == expected


def test_a_damaged_module_of_a_library_leaves_its_others(files, tmp_path):
    """Parquet's shared object is another than that of pyarrow itself."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, *more):\n"
        "        if name == 'pyarrow._parquet':\n"
        f"            raise ImportError({GOMP!r})\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    check_told(
        run(files, environment, "score table rows.parquet"), "pyarrow", "not_loading", "pyarrow"
    )
    assert run(files, environment, "score table rows.csv").returncode == 0


@pytest.fixture
def half(tmp_path, monkeypatch):
    """A library's name, and the folder that may become the library."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"half_{tmp_path.name}"
    monkeypatch.setitem(LIBRARIES, name, LIBRARIES["pyarrow"]._replace(said="Half"))
    yield name, tmp_path / name
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


def test_an_empty_folder_of_its_name_is_no_library(half):
    name, folder = half
    folder.mkdir()
    assert find(name) is None
    with pytest.raises(ValueError, match=rf"needs Half, which is here and is broken: {folder}"):
        need(name, "this")


def test_a_library_that_lacks_another_says_which_to_install(half):
    name, folder = half
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named \\'ray\\'', name='ray')"
    )
    with pytest.raises(ValueError, match=r"No module named 'ray'\. Install that: pip install 'vae"):
        need(name, "this")


def test_a_reason_is_one_line_that_a_terminal_can_show(half):
    name, folder = half
    folder.mkdir()
    text = "it\x1b[31m failed.\nand here is\twhy " + "x" * 1000
    (folder / "__init__.py").write_text(f"raise ImportError({text!r})")
    said = r"imported: it\?\[31m failed\. and here is why x+\. Inst"
    with pytest.raises(ValueError, match=said) as caught:
        need(name, "this")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "MemoryError()"])
def test_what_is_no_fault_of_the_library_is_raised_as_it_is(half, error):
    name, folder = half
    folder.mkdir()
    (folder / "__init__.py").write_text(f"raise {error}")
    with pytest.raises((KeyboardInterrupt, MemoryError)):
        find(name)
    (folder / "__init__.py").write_text("Table = 1\n# whole now")
    assert find(name).Table == 1


def test_an_interrupt_that_became_an_import_error_is_none(half):
    name, folder = half
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "try:\n    raise KeyboardInterrupt\nexcept BaseException as e:\n"
        "    raise ImportError('numpy failed') from e"
    )
    with pytest.raises(ImportError, match="numpy failed"):
        find(name)


def test_what_to_install_are_extras_that_there_are():
    named = [library.install for library in LIBRARIES.values()]
    for distribution, folder in (("vae-runtime", "runtime"), ("vae-keras", ".")):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        known = {f"'{distribution}[{extra}]'" for extra in project["optional-dependencies"]}
        assert {name for name in named if name.startswith(f"'{distribution}")} <= known
