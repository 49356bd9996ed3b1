"""Signed bundles: by the command, and by `sign` of a bundle that is there already."""

import re
import shutil
from pathlib import Path

import pytest

from vae_export import sign
from vae_export.cli import main
from vae_runtime import BundleError, Runner
from vae_runtime.bundle import open_bundle

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

GOLDEN = Path(__file__).parents[2] / "golden" / "sensors-1.vaeb"


@pytest.fixture
def make_keys(tmp_path):
    """A pair of PEM files: (private, public)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as Key

    def make(name, how=None):
        how = how or serialization.NoEncryption()
        key, pem = Key.generate(), serialization.Encoding.PEM
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, how))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public.write_bytes(key.public_key().public_bytes(pem, form))
        return private, public

    return make


@pytest.fixture(params=["directory", "file"])
def bundle(request, tmp_path):
    """A bundle without a signature, as a directory and as one file."""
    path = shutil.copy(GOLDEN, tmp_path / "bundle.vaeb")
    if request.param == "directory":
        contents, path = open_bundle(path).contents(), tmp_path / "bundle"
        path.mkdir()
        for name, content in contents.items():
            (path / name).write_bytes(content)
    return path


def test_a_signed_bundle_is_the_same_and_a_signature(bundle, make_keys):
    private, public = make_keys("key")
    before = open_bundle(bundle).contents()
    assert sign(bundle, private) == bundle
    after = open_bundle(bundle, key=public).contents()
    assert len(after.pop("manifest.json.sig")) == 64
    assert after == before
    assert Runner.load(bundle).selftest().passed


def test_signing_again_replaces_the_signature(bundle, make_keys):
    (first, old), (second, new) = make_keys("first"), make_keys("second")
    sign(bundle, first)
    sign(bundle, second)
    open_bundle(bundle, key=new)
    with pytest.raises(BundleError, match="one of another key"):
        open_bundle(bundle, key=old)


def test_a_damaged_bundle_is_not_signed(bundle, make_keys):
    opened = open_bundle(bundle)
    path = bundle if bundle.is_file() else bundle / opened.manifest.files[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="sha256 is not the one"):
        sign(bundle, make_keys("key")[0])
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["bundle", "bundle.vaeb"])
def test_the_command_signs_what_it_exports(table_run, make_keys, tmp_path, name):
    private, public = make_keys("key")
    out = str(tmp_path / name)
    command = [str(table_run.path), "--out", out, "--formats", "onnx"]
    assert main([*command, "--sign", str(private)]) == 0
    open_bundle(out, key=public).verify()
    assert main(command) == 0  # in its place, and not signed
    with pytest.raises(BundleError, match="not signed"):
        open_bundle(out, key=public)


def test_a_bad_key_is_refused_before_the_work(make_keys, tmp_path, capsys):
    how = serialization.BestAvailableEncryption(b"secret")
    keys = {make_keys("locked", how)[0]: "without a passphrase"}
    keys |= {make_keys("key")[1]: "expected a private Ed25519 key", tmp_path / "none": "No such"}
    for key, message in keys.items():
        # there is no such run: whoever looks for it first says so
        assert (
            main([str(tmp_path / "no-run"), "--out", str(tmp_path / "b"), "--sign", str(key)]) == 1
        )
        assert re.search(message, capsys.readouterr().err)
