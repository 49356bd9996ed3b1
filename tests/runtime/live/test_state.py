"""A state knows which scores it is about; `test_stream` has what a stream makes of it."""

import copy
import dataclasses
import json
import random
import re

import numpy as np
import pytest

from vae_runtime import DriftSettings, Runner, StreamScorer
from vae_runtime.live.state import fingerprint

DRIFT = DriftSettings(capacity=400, spacing=2)
BITS = 400  # of a state, that are flipped one after the other


def test_bundles_and_their_precisions_are_told_apart(table, pump):
    described = table.runner.manifest
    calibration = described.calibration["fp32"]
    other = dataclasses.replace(calibration, scores=calibration.scores[1:])
    prints = {
        fingerprint(described, calibration),
        fingerprint(described, other),
        fingerprint(pump.runner.manifest, calibration),
    }
    assert len(prints) == 3
    assert fingerprint(described, calibration) in prints


@pytest.fixture(scope="module")
def eight(golden):
    """The golden bundle's runner and its eight rows, of which the states below are."""
    return Runner.load(golden), json.loads(golden.with_suffix(".json").read_text())["x"]


@pytest.fixture
def stream(eight):
    return StreamScorer(eight[0], period=0.1, drift=DRIFT)


@pytest.fixture(scope="module")
def state(eight):
    stream = StreamScorer(eight[0], period=0.1, drift=DRIFT)
    stream.push(np.array(eight[1], np.float32), np.arange(8) / 10)
    return stream.state()


def test_a_state_of_before_there_were_checksums_is_read(golden, stream, state):
    """Written before, of the same eight rows; where this fails, mend the reader, not the file."""
    old = json.loads(golden.with_name("stream-1.json").read_text())
    assert not {"sha256", "format_version"} & {*old}
    stream.restore(old)
    whole = stream.state()
    assert whole["format_version"] == 2
    assert whole["rows"] == 8
    assert whole["drift"]["added"] == pytest.approx(state["drift"]["added"], rel=1e-5)


@pytest.mark.parametrize("change", ["sha256", "format_version"])
def test_half_a_seal_is_no_old_state(stream, state, change):
    with pytest.raises(ValueError, match="state: expected"):
        stream.restore({key: value for key, value in state.items() if key != change})


def test_what_stores_it_may_sort_its_keys_and_write_whole_numbers_without_a_fraction(stream, state):
    def stored(value):
        if isinstance(value, dict):
            return {key: stored(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [stored(each) for each in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    kept = stored(state)
    assert json.dumps(kept) != json.dumps(state)
    stream.restore(kept)
    assert stream.state() == state


def numbers(node, place=()):
    """Places of all numbers in a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from numbers(value, (*place, key))
        elif isinstance(value, int | float):
            yield (*place, key)


def test_no_number_of_a_state_can_be_another(stream, state):
    for place in numbers(state):
        changed = copy.deepcopy(state)
        *above, key = place
        parent = changed
        for name in above:
            parent = parent[name]
        value = parent[key]
        parent[key] = not value if isinstance(value, bool) else value + 1
        with pytest.raises(ValueError, match="state: expected"):
            stream.restore(changed)


def test_a_flipped_bit_of_its_text_is_refused(stream, state):
    content, rng = json.dumps(state).encode(), random.Random(0)
    before = stream.state()
    for bit in rng.sample(range(8 * len(content)), BITS):
        data = bytearray(content)
        data[bit // 8] ^= 1 << bit % 8
        try:
            document = json.loads(bytes(data).decode())
        except ValueError:
            continue
        if document != state:  # 1e-05 and 1E-05 are one number
            with pytest.raises(ValueError, match=re.escape("state")):
                stream.restore(document)
    assert stream.state() == before
