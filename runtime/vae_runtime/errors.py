"""The one exception class of this distribution.

Bad arrays are `ValueError`, as numpy users expect; everything that is wrong with a bundle itself
is `BundleError`.
"""


class BundleError(Exception):
    """A bundle that is missing, altered, inconsistent or written by something newer than this.

    >>> Runner.load("artifacts/nothing")
    Traceback (most recent call last):
    vae_runtime.errors.BundleError: artifacts/nothing: expected a bundle, ...
    """
