"""Good rows and bad ones, told apart."""

import numpy as np
import pytest

from vae_runtime.rows.arrays import RowCheck
from vae_runtime.rows.bad_rows import Reject, all_rejected, sort_out
from vae_runtime.rows.blocks import Block


@pytest.fixture
def check(model_of):
    return RowCheck(model_of((3,), value_range=(-10.0, 10.0)))


def block(x, bad=()):
    return Block("rows", x, {"row": np.arange(len(x))}, {}, None, dict(bad))


ROWS = 70


@pytest.fixture(params=[set(), {0}, {69}, {3, 4, 5}, {0, 17, 18, 69}, set(range(70))])
def bad(request):
    """Numbers of rows."""
    return request.param


@pytest.mark.parametrize("unread", [set(), {4, 30}])
def test_bad_rows_are_found_wherever_they_are(check, bad, unread):
    x = np.ones((ROWS, 3), np.float32)
    x[list(bad), 1] = np.nan
    x[list(unread)] = 0.0
    found = sort_out(block(x, {i: "unread" for i in unread}), check)
    assert set(found.reasons) == bad | unread
    assert all(found.reasons[i] == "unread" for i in unread)
    assert all("finite numbers" in found.reasons[i] for i in bad - unread)
    np.testing.assert_array_equal(np.flatnonzero(~found.good), sorted(bad | unread))
    assert len(found.x) == found.good.sum()
    assert np.isfinite(found.x).all()


def test_a_reason_says_what_is_wrong_and_where_in_the_row(check):
    x = np.ones((3, 3))
    x[1, 2] = 11.0
    found = sort_out(block(x), check)
    assert found.reasons == {1: "x: expected values from -10 to 10. Received: 11.0, feature 2."}


def test_whole_numbers_are_taken_as_training_took_them(check):
    found = sort_out(block(np.ones((3, 3), np.int64)), check)
    assert found.x.dtype == np.float32
    assert found.good.all()


def test_rows_of_another_shape_are_no_rows_to_leave_out(check):
    with pytest.raises(ValueError, match=r"expected shape \(batch, 3\)"):
        sort_out(block(np.ones((3, 4), np.float32)), check)


def test_few_checks_find_few_bad_rows(model_of):
    class Counting(RowCheck):
        calls = 0

        def __call__(self, x, first_row=0, /):
            Counting.calls += 1
            return super().__call__(x, first_row)

    x = np.ones((65_536, 3), np.float32)
    x[[5, 40_000]] = np.nan
    found = sort_out(block(x), Counting(model_of((3,))))
    assert set(found.reasons) == {5, 40_000}
    assert Counting.calls < 80


def test_a_bad_row_says_how_to_go_on_without_it():
    error = str(Reject("rows.csv", 7, "line 9: expected 2 cells. Received: 3.").error())
    assert error.startswith("rows.csv, row 7: line 9: expected 2 cells. Received: 3. To go on")
    assert error.endswith("(--on-bad-row reject).")


def test_rows_of_which_none_is_good_are_an_error_with_the_first_reason():
    rejects = [Reject("a.csv", 2, "no number."), Reject("a.csv", 3, "no value.")]
    assert str(all_rejected(rejects)).endswith(
        "2, all of them rejected; the first is row 2 of a.csv: no number."
    )
