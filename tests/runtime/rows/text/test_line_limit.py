"""Lines up to a length are whole, and of longer ones the next is found."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.rows.text.line_limit import SHORTEST, bounded_lines, check_length, longest_line

LONGEST = 8


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=9))
def test_lines_are_those_of_the_file_cut_where_they_are_too_long(lines):
    content = b"\n".join(lines)
    found = list(bounded_lines(io.BytesIO(content), LONGEST))
    assert found == [line[: LONGEST + 1] for line in io.BytesIO(content)]


def test_a_long_line_is_known_of_before_it_ends():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        lines = bounded_lines(source, LONGEST)
        sink.write(b"7" * 5000)  # no end
        assert next(lines) == b"7" * (LONGEST + 1)
        sink.write(b"7" * 5000 + b"\nnext\n")
        assert next(lines) == b"next\n"


def test_only_what_is_too_long_is_refused():
    check_length(b"7" * LONGEST, LONGEST)
    with pytest.raises(ValueError, match="expected a line of at most 8 bytes"):
        check_length(b"7" * (LONGEST + 1), LONGEST)


def test_large_images_may_have_longer_lines():
    assert longest_line((28, 28, 1)) == longest_line((2,)) == SHORTEST
    assert longest_line((512, 512, 3)) > 25 * 512 * 512 * 3
    assert longest_line(None) > SHORTEST
