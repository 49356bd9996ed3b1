"""Libraries that no command uses are not imported by one, and are there for who asks later."""

import gc
import subprocess
import sys

import pytest

from vae_keras._base.quick_imports import quick_imports

LOADED = """
import sys
from vae_keras._base.libraries import check
check("training")
import vae_keras.training
print([name for name in ("pandas", "matplotlib", "jax") if name in sys.modules])
import pandas, matplotlib
print("there")
"""


def test_a_training_imports_none_of_them_and_they_can_be_imported_later():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "there"]


@pytest.mark.parametrize(("backend", "hidden"), [("tensorflow", {"one", "jax"}), ("jax", {"one"})])
def test_what_the_backend_needs_and_what_is_loaded_stays(monkeypatch, backend, hidden):
    monkeypatch.setattr("vae_keras._base.quick_imports.UNUSED", ("one", "jax", "json"))
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    with quick_imports(backend):
        assert {name for name in ("one", "jax") if sys.modules.get(name, "") is None} == hidden
        assert sys.modules["json"] is not None
    assert "one" not in sys.modules


def test_the_collector_of_garbage_is_on_again_after_an_error():
    def fail():
        assert not gc.isenabled()
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"), quick_imports("tensorflow"):
        fail()
    assert gc.isenabled()
