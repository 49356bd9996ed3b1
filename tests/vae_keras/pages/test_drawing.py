"""Names above charts: short, and told apart."""

import pytest

from vae_keras.pages.drawing import short, shorts

SIDES = ("left", "right", "front")


@pytest.mark.parametrize(
    "form",
    [
        "main_drive_bearing_temperature_{}",
        "{}_bearing_temperature_of_the_main_drive",
        "Hydraulic unit 3, main drive, bearing on the {} side, filtered over ten seconds [K]",
    ],
)
@pytest.mark.parametrize("most", [14, 18, 40])
def test_long_names_are_told_apart_wherever_they_differ(form, most):
    names = [form.format(side) for side in SIDES]
    found = shorts(names, most)
    assert len(set(found)) == len(SIDES)
    assert max(map(len, found)) <= most


def test_names_that_fit_stay_as_they_are():
    assert shorts(["flow", "flow", "speed"]) == ["flow", "flow", "speed"]
    assert short("flow") == "flow"
