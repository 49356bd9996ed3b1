"""A state knows which scores it is about; `test_stream` has what a stream makes of it."""

import dataclasses

from vae_runtime.live.state import fingerprint


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
