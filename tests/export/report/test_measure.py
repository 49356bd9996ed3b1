"""What files cost, measured in processes of their own."""

import dataclasses
import sys

import pytest

from vae_export import ExportError
from vae_export.convert import artefacts
from vae_export.convert.variants import VARIANTS, Material
from vae_export.graphs.functions import build_networks, network_feeds
from vae_export.report.measure import measure


@pytest.mark.parametrize("name", ["scorer.onnx", "decoder.tflite", "encoder.int8.onnx"])
def test_a_file_is_timed_at_one_row_and_at_256(digits_files, name):
    cost = measure(digits_files[name])
    assert list(cost.microseconds) == ["1", "256"]
    assert 0 < cost.microseconds["1"] < cost.microseconds["256"]


def test_an_int8_file_of_networks_takes_one_row(digits_files):
    vae = digits_files.evidence.source.vae
    variant = next(v for v in VARIANTS if v.networks)
    feeds = network_feeds(vae, digits_files.material.training["x"][:50])
    material = Material({"model": "a run"}, networks=feeds)
    decoder = build_networks(vae)[1]
    artefact = artefacts.make(decoder, variant, digits_files.evidence, material)
    assert list(measure(artefact).microseconds) == ["1"]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of /proc")
def test_memory_is_the_file_s_own_and_not_this_process_s(digits_files):
    """TensorFlow, in this process, takes several hundred MB; so would an inherited figure."""
    artefact = digits_files["scorer.onnx"]
    assert len(artefact.conversion.content) < measure(artefact).peak_bytes < 100e6


def test_a_file_that_does_not_run_is_named(digits_files):
    whole = digits_files["decoder.tflite"]
    broken = dataclasses.replace(whole.conversion, content=whole.conversion.content[:999])
    with pytest.raises(ExportError, match=r"decoder.tflite: expected it to run in a process"):
        measure(dataclasses.replace(whole, conversion=broken))
