"""What may be replaced by a bundle: an earlier one, and of it no file that it does not name."""

import json
import os
import re

import pytest

from vae_runtime.bundle import containers, manifest, open_bundle, written


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture
def bundle(golden, tmp_path):
    """A bundle as a directory."""
    return again(golden, tmp_path / "pump")


def again(bundle, out):
    """Writes a bundle once more, elsewhere."""
    opened = open_bundle(bundle)
    own = {name: c for name, c in opened.contents().items() if name not in manifest.OWN_NAMES}
    return written.write(out, own, opened.manifest, check=lambda path: None)


MINE = [
    "README.txt",
    "report.d/thesis.txt",
    "report.mine",
    "report.html.bak",
    "scorer.bak",
    "scorer.onnx.old/x",
    "manifest.json.orig",
    "probe.csv",
    ".notes",
    "readings.npz",
    "encoder.d/deep/er/x",
]


@pytest.mark.parametrize("name", MINE)
def test_a_file_that_the_manifest_does_not_name_refuses_the_replacement(bundle, golden, name):
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_text("years of work")
    for attempt in (written.check_out, lambda out: again(golden, out)):
        with refuses(f"Received: also {name.split('/')[0]}, which would be lost."):
            attempt(bundle)
    assert (bundle / name).read_text() == "years of work"


SOMETHING_ELSE = {
    "a folder": lambda path, _: path.mkdir(),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a link": lambda path, target: path.symlink_to(target),
}


@pytest.mark.parametrize("make", SOMETHING_ELSE.values(), ids=SOMETHING_ELSE)
@pytest.mark.parametrize("name", ["scorer.onnx", "probe.npz", "manifest.json.sha256"])
def test_a_file_of_its_own_that_has_become_something_else_refuses_it(
    bundle, golden, tmp_path, name, make
):
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    (bundle / name).unlink()
    make(bundle / name, thesis)
    with refuses(f"Received: also {name}, which would be lost."):
        again(golden, bundle)
    assert os.path.lexists(bundle / name)
    assert thesis.read_text() == "years of work"


def renamed(name):
    def change(document):
        document["files"][0]["name"] = name

    return change


HOSTILE = {
    "a name outside": renamed("../thesis.txt"),
    "a name from the root": renamed("/etc/passwd"),
    "a folder's file": renamed("report.d/thesis.txt"),
    "no name of a bundle's": renamed("thesis.txt"),
    "a name that is a number": renamed(7),
    "no names": lambda document: document["files"][0].pop("name"),
    "no files": lambda document: document.pop("files"),
    "files as text": lambda document: document.update(files="report.d"),
    "another format": lambda document: document.update(format="zip"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_manifest_that_names_what_is_not_its_own_lets_nothing_go(
    bundle, golden, tmp_path, change
):
    (tmp_path / "thesis.txt").write_text("years of work")
    (bundle / "thesis.txt").write_text("more years")
    document = json.loads((bundle / "manifest.json").read_text())
    change(document)
    (bundle / "manifest.json").write_text(json.dumps(document))
    before = sorted(path.name for path in bundle.iterdir())
    with pytest.raises(ValueError, match=r"which would be lost|or an earlier bundle to replace"):
        again(golden, bundle)
    assert sorted(path.name for path in bundle.iterdir()) == before
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"format": "vae-bundle"', b"\xff\xfe"])
def test_a_manifest_that_cannot_be_read_lets_nothing_go(bundle, golden, content):
    (bundle / "manifest.json").write_bytes(content)
    before = sorted(path.name for path in bundle.iterdir())
    with refuses("expected a new path, or an earlier bundle to replace."):
        again(golden, bundle)
    assert sorted(path.name for path in bundle.iterdir()) == before


def test_a_bundle_that_is_damaged_or_incomplete_or_of_a_later_version_is_one_to_replace(
    bundle, golden
):
    (bundle / "scorer.onnx").write_bytes(b"damaged")
    (bundle / "probe.npz").unlink()
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(re.sub(r'("format_version": )\d', r"\g<1>3", text))
    (bundle / "manifest.json.sig").write_bytes(b"of an earlier one")
    again(golden, bundle)
    open_bundle(bundle).verify()
    assert not (bundle / "manifest.json.sig").exists()
    assert [path.name for path in bundle.parent.iterdir()] == ["pump"]


def test_a_bundle_in_one_file_is_written_where_a_link_leads(golden, tmp_path):
    (tmp_path / "link.vaeb").symlink_to(tmp_path / "new.vaeb")
    again(golden, tmp_path / "link.vaeb")
    assert (tmp_path / "link.vaeb").is_symlink()
    containers.Archive(tmp_path / "new.vaeb")


@pytest.mark.parametrize("name", ["pump", "pump.vaeb"])
def test_a_pipe_is_not_replaced(golden, tmp_path, name):
    os.mkfifo(tmp_path / name)
    with refuses("something else that is there already"):
        again(golden, tmp_path / name)
    assert (tmp_path / name).is_fifo()


@pytest.mark.parametrize("out", ["", "  "])
def test_an_empty_text_is_not_the_current_folder(golden, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    with refuses("expected the path of a bundle to write."):
        again(golden, out)
    assert not list(tmp_path.iterdir())
