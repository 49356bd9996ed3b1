"""What Keras answers for each run, and its files before anything is judged; once a session."""

import dataclasses
import functools

import pytest

from vae_export.convert import artefacts
from vae_export.convert.convert import material_of
from vae_export.convert.variants import VARIANTS
from vae_export.graphs import evidence, source
from vae_export.graphs.functions import build_graphs


class Files:
    """The files of a run, converted when asked for."""

    def __init__(self, run):
        self.evidence = evidence.gather(source.of_run(run))
        given = self.evidence.source
        self.graphs = {g.role: g for g in build_graphs(given.vae, given.card.input_dtype)}
        self._made = {}

    @functools.cached_property
    def material(self):
        """What they are made from, chosen as for any bundle."""
        chosen = material_of(self.evidence, tuple(self.graphs.values()))
        return dataclasses.replace(chosen, metadata={"model": "a run"})

    def __getitem__(self, name):
        """The artefact of this file name."""
        role = name.split(".")[0]
        if name not in self._made:
            variant = next(v for v in VARIANTS if v.name(role) == name)
            self._made[name] = artefacts.make(
                self.graphs[role], variant, self.evidence, self.material
            )
        return self._made[name]


@pytest.fixture(scope="session")
def digits_files(digits_run):
    return Files(digits_run)


@pytest.fixture(scope="session")
def table_files(table_run):
    return Files(table_run)


@pytest.fixture(scope="session")
def states_files(states_run):
    return Files(states_run)
