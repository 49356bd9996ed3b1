"""Bundles in one file: what is written, what is read, and all that is refused."""

import io
import re
import shutil
import struct
import subprocess
import warnings
import zipfile

import numpy as np
import pytest

from vae_runtime import BundleError, Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import MEMBERS, Archive, pack

FILES = {"manifest.json": b"{}", "a.onnx": bytes(range(100)), "empty": b""}
NOT_PLAIN = "expected a bundle, as a directory or as a zip archive of stored members and nothing"


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


@pytest.fixture
def archive(tmp_path):
    """Opens these bytes as an archive."""

    def open_archive(content):
        path = tmp_path / "x.vaeb"
        path.write_bytes(content)
        return Archive(path)

    return open_archive


def test_members_are_read_as_they_were_packed(archive):
    opened = archive(pack(FILES))
    assert {name: opened.read(name) for name in FILES} == FILES
    assert [opened.size(name) for name in FILES] == [2, 100, 0]


def test_equal_files_are_equal_bytes_and_the_first_is_in_front():
    assert pack(FILES) == pack(dict(FILES))
    assert pack(FILES)[30:43] == b"manifest.json"


def test_what_is_packed_is_a_plain_zip_to_everybody_else():
    with zipfile.ZipFile(io.BytesIO(pack(FILES))) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == FILES
        for member in opened.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert (member.compress_type, member.external_attr >> 16) == (0, 0o100644)


def test_an_archive_of_a_shells_zip_is_read(archive, tmp_path):
    if shutil.which("zip") is None:
        pytest.skip("this machine has no zip")
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["zip", "-q", "-0", "-X", "made.vaeb", *FILES], cwd=tmp_path, check=True)
    opened = archive((tmp_path / "made.vaeb").read_bytes())
    assert {name: opened.read(name) for name in FILES} == FILES


def test_a_shells_unzip_finds_nothing_wrong(table_archive):
    if shutil.which("unzip") is None:
        pytest.skip("this machine has no unzip")
    subprocess.run(["unzip", "-tqq", table_archive], check=True)


def test_a_runner_of_an_archive_is_that_of_the_directory(table, table_archive):
    runner = Runner.load(str(table_archive))
    assert runner.manifest == table.runner.manifest
    assert runner.selftest().passed
    np.testing.assert_array_equal(runner.score(table.x).score, table.runner.score(table.x).score)


# What each is: the bytes of an archive, changed into those of another that must be refused.


def entry(content, number=0):
    """Where the directory's entry of a member begins."""
    return [match.start() for match in re.finditer(b"PK\x01\x02", content)][number]


def patched(at, layout, *values, member=0, both=False):
    """A change of fields in a member's entry of the directory, and in its own header as well."""

    def patch(content):
        content = bytearray(content)
        start = entry(content, member)
        struct.pack_into(layout, content, start + at, *values)
        if both:  # the header lacks the two bytes of "made by"
            (offset,) = struct.unpack_from("<I", content, start + 42)
            struct.pack_into(layout, content, offset + at - 2, *values)
        return bytes(content)

    return patch


def end_patched(at, layout, *values):
    def patch(content):
        content = bytearray(content)
        struct.pack_into(layout, content, len(content) - 22 + at, *values)
        return bytes(content)

    return patch


def renamed(name):
    """The member a.onnx under another name of as many letters, wherever it stands."""
    assert len(name) == len("a.onnx")
    return lambda content: content.replace(b"a.onnx", name)


def zipped(files, **options):
    """The archive that Python's zipfile makes of these (name, content)."""

    def make(_):
        buffer = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", **options) as out:
            warnings.simplefilter("ignore")  # of duplicate names
            for name, content in files:
                out.writestr(name, content)
        return buffer.getvalue()

    return make


def streamed(_):
    """An archive written where its writer cannot go back: sizes follow the bytes."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as out:
        out.writestr("a.onnx", b"abc")
    return pipe.getvalue()


def with_hole(content):
    """A byte between the last member and the directory, which the end record knows of."""
    start = entry(content)
    return end_patched(16, "<I", start + 1)(content[:start] + b"!" + content[start:])


def with_prefix(content):
    """A script in front, as of a self-extracting archive; the offsets are mended."""
    prefix = b"#!/bin/sh\n"
    content = bytearray(content)
    for number in range(len(FILES)):
        at = entry(content, number) + 42
        (offset,) = struct.unpack_from("<I", content, at)
        struct.pack_into("<I", content, at, offset + len(prefix))
    start = entry(content) + len(prefix)
    return prefix + end_patched(16, "<I", start)(bytes(content))


def other_header(content):
    """A member's own header with another name than in the directory."""
    return content.replace(b"a.onnx", b"b.onnx", 1)


HOSTILE = {
    "empty": (lambda content: b"", "cut short or is not an archive"),
    "text": (lambda content: b"temperature,flow\n1,2\n" * 20, "cut short or is not an archive"),
    "zeros": (lambda content: bytes(100), "cut short or is not an archive"),
    "one byte short": (lambda content: content[:-1], "cut short or is not an archive"),
    "half": (lambda content: content[: len(content) // 2], "cut short or is not an archive"),
    "one byte more": (lambda content: content + b"!", "cut short or is not an archive"),
    "first byte lost": (lambda content: content[1:], "end record that does not fit"),
    "prefix": (with_prefix, "not straight after the member before it"),
    "prefix unmended": (lambda content: b"!" + content, "end record that does not fit"),
    "comment": (
        lambda content: end_patched(20, "<H", 1)(content) + b"!",
        "cut short or is not an archive",
    ),
    "comment length": (end_patched(20, "<H", 1), "end record that does not fit"),
    "too few entries": (end_patched(8, "<2H", 2, 2), "do not fill the file"),
    "too many entries": (end_patched(8, "<2H", 4, 4), "a damaged directory"),
    "entries disagree": (end_patched(8, "<2H", 3, 2), "end record that does not fit"),
    "second disk": (end_patched(4, "<H", 1), "end record that does not fit"),
    "directory elsewhere": (end_patched(16, "<I", 0), "end record that does not fit"),
    "hole": (with_hole, "do not fill the file"),
    "compressed": (zipped([("a", b"a" * 99)], compression=zipfile.ZIP_DEFLATED), "a compressed"),
    "sizes differ": (patched(24, "<I", 1, member=1, both=True), "a.onnx compressed"),
    "squeezed": (patched(10, "<H", 8, member=1, both=True), "a.onnx compressed"),
    "encrypted": (patched(8, "<H", 1, member=1, both=True), "a.onnx encrypted"),
    "streamed": (streamed, "a.onnx encrypted, or in another way not plain (flags 0x8)"),
    "folder": (zipped([("models/", b"")]), "a member called 'models/', which is not a plain name"),
    "in a folder": (renamed(b"a/onnx"), "a member called 'a/onnx'"),
    "above": (renamed(b"../a.x"), "a member called '../a.x'"),
    "absolute": (renamed(b"/etc/a"), "a member called '/etc/a'"),
    "drive": (renamed(b"C:\\a.x"), "which is not a plain name"),
    "hidden": (renamed(b".bashr"), "a member called '.bashr'"),
    "newline": (renamed(b"a.onn\n"), "which is not a plain name"),
    "end of string": (renamed(b"a.onn\0"), "which is not a plain name"),
    "no ascii": (renamed(b"a.\xc3\xb6nx"), "which is not a plain name"),
    "twice": (zipped([("a.onnx", b"1"), ("a.onnx", b"2")]), "two members called a.onnx"),
    "twice on some systems": (zipped([("a", b"1"), ("A", b"2")]), "two members called A"),
    "header name": (other_header, "a header of a.onnx that is not what the directory says"),
    "header size": (patched(20, "<2I", 99, 99, member=1), "a header of a.onnx that is not"),
    "larger than the file": (patched(20, "<2I", 2**31, 2**31, member=1, both=True), "not straight"),
    "last beyond the file": (patched(20, "<2I", 99, 99, member=2, both=True), "do not fill"),
    "zip64 sizes": (patched(20, "<2I", *[2**32 - 1] * 2, member=1, both=True), "not straight"),
    "overlapping": (patched(42, "<I", 0, member=1), "not straight after the member before it"),
    "extra": (patched(30, "<H", 4, member=1), "with extras"),
    "entry comment": (patched(32, "<H", 4, member=1), "with extras"),
    "too many": (lambda content: pack({f"f{i}": b"" for i in range(MEMBERS + 1)}), "too many"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(archive, change, message):
    with refuses(NOT_PLAIN) as e:
        archive(change(pack(FILES)))
    assert message in str(e.value)


def test_every_cut_is_refused(archive):
    content = pack(FILES)
    for length in range(len(content)):
        with refuses(NOT_PLAIN):
            archive(content[:length])


def test_every_flipped_bit_around_the_members_is_refused_or_without_meaning(archive):
    """(Those in members are found by their hashes.)"""
    content = pack(FILES)
    inside = content.index(FILES["a.onnx"])
    refused = 0
    for at in {*range(len(content))} - {*range(43, 45), *range(inside, inside + 100)}:
        for bit in range(8):
            try:
                opened = archive(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            except BundleError:
                refused += 1
            else:
                if set(opened._members) == set(FILES):  # else a name has changed
                    assert {name: opened.read(name) for name in FILES} == FILES, at
    assert refused > 4 * (len(content) - 102)


def test_a_member_that_the_manifest_does_not_name_is_refused(table, tmp_path):
    contents = open_bundle(table.bundle).contents()
    (tmp_path / "x.vaeb").write_bytes(pack({**contents, "setup.py": b"", "a.so": b""}))
    with refuses("expected the files that the manifest names and no others. Received: a.so, setup"):
        open_bundle(tmp_path / "x.vaeb")


def test_a_member_that_is_missing_is_refused_by_its_name(table, tmp_path, subtests):
    contents = open_bundle(table.bundle).contents()
    path = tmp_path / "x.vaeb"
    for missing in contents:
        path.write_bytes(pack({name: c for name, c in contents.items() if name != missing}))
        with subtests.test(missing), refuses(f"{path}: expected the file {missing}, which is miss"):
            Runner.load(path)


def test_a_changed_member_is_refused_by_its_name(table, tmp_path, subtests):
    contents = open_bundle(table.bundle).contents()
    path = tmp_path / "x.vaeb"
    for changed, content in contents.items():
        flipped = bytes([content[0] ^ 1]) + content[1:]
        for bad, message in ((flipped, "its sha256 is not the one in"), (content[1:], changed)):
            path.write_bytes(pack({**contents, changed: bad}))
            with subtests.test(changed), refuses(message):
                Runner.load(path)


def test_a_directory_may_be_called_as_a_file_is(table, tmp_path):
    renamed = shutil.copytree(table.bundle, tmp_path / "x.vaeb")
    assert open_bundle(renamed).manifest == table.runner.manifest


def test_an_archive_that_is_gone_after_opening_is_an_error(table_archive, tmp_path):
    path = shutil.copy(table_archive, tmp_path / "x.vaeb")
    bundle = open_bundle(path)
    path.unlink()
    with refuses(f"{path} cannot be read: No such file"):
        bundle.verify()
