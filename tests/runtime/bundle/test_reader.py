import hashlib
import io
import os
import re
from contextlib import contextmanager

import numpy as np
import pytest

from vae_runtime import BundleError, Runner
from vae_runtime.bundle import MANIFEST_LIMIT, open_bundle


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def paths(bundle):
    return sorted(bundle.iterdir())


@contextmanager
def damaged(path, damage):
    """The file with other bytes, or without any file where `damage` gives None."""
    good = path.read_bytes()
    path.unlink()
    if (bad := damage(good)) is not None:
        path.write_bytes(bad)
    yield good
    path.write_bytes(good)


def test_a_good_bundle_verifies(case):
    bundle = open_bundle(str(case.bundle))
    bundle.verify()
    named = {file.name for file in bundle.manifest.files}
    assert named | {"manifest.json", "manifest.json.sha256"} == {p.name for p in paths(case.bundle)}


def test_reading_a_file_gives_the_bytes_that_its_hash_is_of(digits):
    bundle = open_bundle(digits.bundle)
    for file in bundle.manifest.files:
        assert hashlib.sha256(bundle.read(file)).hexdigest() == file.sha256


def flip_bit(share):
    """A change of one bit, at this share of the file."""

    def flip(content):
        at = int(share * (len(content) - 1))
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_one_flipped_bit_anywhere_is_refused_by_the_name_of_its_file(bundle_copy, subtests, share):
    for path in paths(bundle_copy):
        with damaged(path, flip_bit(share)), subtests.test(path.name):
            with refuses(path.name) as e:
                Runner.load(bundle_copy)
            assert "its sha256 is not the one in manifest.json" in str(e.value)


def test_a_truncated_file_is_refused_with_both_sizes(bundle_copy, subtests):
    for file in open_bundle(bundle_copy).manifest.files:
        path = bundle_copy / file.name
        with damaged(path, lambda good: good[:-1]) as good, subtests.test(file.name):
            sizes = f"expected {len(good)} bytes. Received: {len(good) - 1} bytes."
            with refuses(f"{file.name}: {sizes}"):
                Runner.load(bundle_copy)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.sha256"])
def test_a_truncated_manifest_or_checksum_is_refused(bundle_copy, name):
    path = bundle_copy / name
    path.write_bytes(path.read_bytes()[:-1])
    with refuses("manifest.json: its sha256 is not the one in manifest.json.sha256"):
        Runner.load(bundle_copy)


def test_a_missing_file_is_refused_by_its_name(bundle_copy, subtests):
    for path in paths(bundle_copy):
        with damaged(path, lambda good: None), subtests.test(path.name):
            with refuses(f"{bundle_copy}: expected the file {path.name}, which is missing."):
                Runner.load(bundle_copy)


def test_a_directory_in_place_of_a_file_is_refused(bundle_copy):
    (bundle_copy / "probe.npz").unlink()
    (bundle_copy / "probe.npz").mkdir()
    with refuses(f"{bundle_copy / 'probe.npz'} cannot be read: it is not a regular file."):
        Runner.load(bundle_copy)


def test_a_file_is_no_bundle(bundle_copy):
    path = bundle_copy / "scorer.onnx"
    with refuses(f"{path}: expected a bundle, as a directory or as a zip archive") as e:
        open_bundle(path)
    assert "Received: a file that was cut short or is not an archive." in str(e.value)


def test_a_run_directory_is_told_how_to_become_one(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"")
    with refuses(
        f"Received: a run directory, as training writes it. Export it: vae-export {tmp_path}"
    ):
        open_bundle(tmp_path)


@pytest.mark.parametrize("name", ["rows.csv", "rows.npz", "LOG.TXT", "rows.csv.gz"])
def test_rows_in_its_place_are_told_that_they_come_second(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with refuses("The bundle comes first, then rows"):
        open_bundle(tmp_path / name)


def test_nothing_is_no_bundle(tmp_path):
    path = tmp_path / "nowhere"
    with refuses(
        "expected a bundle, as a directory or a .vaeb file. Received: nothing at that path"
    ):
        open_bundle(path)


@pytest.mark.skipif(os.name != "posix", reason="named pipes as POSIX has them")
def test_a_pipe_is_no_bundle_and_no_file_of_one(bundle_copy, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with refuses("Received: neither."):
        open_bundle(tmp_path / "pipe")
    (bundle_copy / "manifest.json").unlink()
    os.mkfifo(bundle_copy / "manifest.json")  # whoever opened it would wait for ever
    with refuses("manifest.json cannot be read: it is not a regular file."):
        open_bundle(bundle_copy)


@pytest.mark.skipif(os.name != "posix", reason="links and devices as POSIX has them")
def test_a_link_is_followed_to_a_file_and_to_nothing_else(bundle_copy, tmp_path):
    path = bundle_copy / "encoder.onnx"
    path.rename(tmp_path / "kept-by-its-hash")
    path.symlink_to(tmp_path / "kept-by-its-hash")
    open_bundle(bundle_copy).verify()
    targets = {"/dev/zero": "not a regular file", "/etc/passwd": "bytes", "nowhere": "No such file"}
    for target, reason in targets.items():
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(BundleError, match=reason):
            open_bundle(bundle_copy).verify()


@pytest.mark.skipif(os.name != "posix", reason="named pipes as POSIX has them")
def test_a_pipe_that_takes_a_files_place_as_it_is_opened_keeps_nobody_waiting(
    bundle_copy, monkeypatch
):
    path = bundle_copy / "encoder.onnx"
    opened = open_bundle(bundle_copy)
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(type(path), "stat", lambda self, **options: regular)
    with refuses("encoder.onnx cannot be read: it is not a regular file."):
        opened.container.read("encoder.onnx")


def test_a_file_that_grows_after_its_size_was_compared_is_not_read_further(bundle_copy):
    path = bundle_copy / "encoder.onnx"
    size = path.stat().st_size
    with path.open("ab") as file:
        file.truncate(2**40)  # a hole; on disk it takes no room
    assert len(open_bundle(bundle_copy).container.read("encoder.onnx", size)) == size


def test_a_hole_of_a_terabyte_is_not_read(bundle_copy, edit_manifest):
    with (bundle_copy / "encoder.onnx").open("ab") as file:
        file.truncate(2**40)
    with refuses(f"Received: {2**40} bytes."):
        open_bundle(bundle_copy).verify()
    edit_manifest(bundle_copy, lambda document: document["files"][0].update(bytes=2**40))
    with refuses("encoder.onnx: expected bytes below 2^31."):
        open_bundle(bundle_copy)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to root")
def test_what_may_not_be_read_is_a_bundle_error(bundle_copy):
    (bundle_copy / "manifest.json").chmod(0)
    with refuses("manifest.json cannot be read: Permission denied."):
        open_bundle(bundle_copy)
    bundle_copy.chmod(0)
    with refuses("cannot be read: Permission denied."):
        open_bundle(bundle_copy / "inner")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.sha256"])
def test_what_is_too_large_for_a_manifest_is_not_read(bundle_copy, name):
    with (bundle_copy / name).open("wb") as file:
        file.truncate(MANIFEST_LIMIT + 1)
    with refuses(f"{name}: expected at most 67,108,864 bytes. Received: 67,108,865 bytes."):
        open_bundle(bundle_copy)


def test_other_files_in_a_directory_are_left_alone(bundle_copy):
    (bundle_copy / ".DS_Store").write_bytes(b"a desktop was here")
    open_bundle(bundle_copy).verify()


def test_the_contents_are_all_files_of_the_bundle(digits):
    contents = open_bundle(digits.bundle).contents()
    assert list(contents)[:2] == ["manifest.json", "manifest.json.sha256"]
    assert contents == {path.name: path.read_bytes() for path in paths(digits.bundle)}


@pytest.mark.parametrize("twin", ["ENCODER.onnx", "manifest.json"])
def test_two_files_of_one_name_are_refused(bundle_copy, edit_manifest, twin):
    edit_manifest(bundle_copy, lambda document: document["files"][-1].update(name=twin))
    with refuses("manifest.json: expected files of different names."):
        open_bundle(bundle_copy)


def test_a_directory_without_a_manifest_is_no_bundle(tmp_path):
    with refuses(f"{tmp_path}: expected the file manifest.json, which is missing."):
        open_bundle(tmp_path)


def test_an_edited_manifest_says_that_an_alarm_level_needs_no_edit(bundle_copy):
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"alpha": 0.01', '"alpha": 0.20'))
    with refuses("pass alpha or threshold with each call"):
        open_bundle(bundle_copy)


def test_a_manifest_whose_checksum_agrees_is_still_checked(bundle_copy, edit_manifest):
    edit_manifest(bundle_copy, lambda document: document["model"].pop("latent_dim"))
    with refuses("manifest.json.model: expected the key 'latent_dim'."):
        open_bundle(bundle_copy)


def test_a_file_of_another_directory_cannot_be_named(bundle_copy, edit_manifest):
    def point_outside(document):
        document["files"][0]["name"] = "../digits/encoder.onnx"

    edit_manifest(bundle_copy, point_outside)
    with refuses("expected plain file names. Received: '../digits/encoder.onnx'."):
        open_bundle(bundle_copy)


def test_the_probe_is_read_as_arrays(digits):
    probe = open_bundle(digits.bundle).read_probe()
    assert probe["x"].shape[1:] == (8, 8, 1)
    assert probe["x"].dtype == np.float32


class Marker:
    """Unpickling one creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_in_the_probe_is_refused_and_not_run(bundle_copy, change_probe, tmp_path):
    trace = tmp_path / "unpickled"
    change_probe(bundle_copy, lambda arrays: arrays.update(x=np.array([Marker(str(trace))])))
    with refuses("probe.npz is not a readable npz file: x.npy is not an array of plain numbers"):
        open_bundle(bundle_copy).read_probe()
    assert not trace.exists()


def as_npy(content):
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


def with_bad_deflate(content):
    middle = len(content) // 2
    return content[:middle] + bytes(64) + content[middle + 64 :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"not an archive", id="text"),
        pytest.param(lambda content: content[:-100], id="truncated"),
        pytest.param(with_bad_deflate, id="damaged inside"),
        pytest.param(as_npy, id="npy"),
    ],
)
def test_a_probe_that_was_hashed_when_already_broken_is_refused(bundle_copy, replace_file, damage):
    replace_file(bundle_copy, "probe.npz", damage((bundle_copy / "probe.npz").read_bytes()))
    with refuses("probe.npz is not a readable npz file"):
        open_bundle(bundle_copy).read_probe()
