"""Runners of bundles that say more, or less, about times."""

import copy
import dataclasses

import pytest


@pytest.fixture(scope="session")
def runner_of_clock():
    """Makes the same runner of a bundle that has this clock, or none."""

    def make(runner, clock):
        model = dataclasses.replace(runner.manifest.model, clock=clock)
        found = copy.copy(runner)
        found.manifest = dataclasses.replace(runner.manifest, model=model)
        return found

    return make
