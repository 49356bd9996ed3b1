"""Table of likelihoods, which needs no Keras. Adding one is one entry.

Configurations, the command line and documents take names and choices from here; all that a
likelihood computes is in its module, as members of its layer (see the package).
"""

from dataclasses import dataclass

AUTO = "bernoulli for images of a known range, gaussian for all else"


@dataclass(frozen=True)
class Entry:
    """A likelihood that can be asked for by its name.

    Args:
        layer: its class, in the module of its name.
        features: what it is for, for people.
        bounded: whether values must be known to lie within limits, which become 0 and 1.
        sigmas: ways to find its scale, that of "per_feature" and "shared" among them; () where it
            has none.
    """

    layer: str
    features: str
    bounded: bool = False
    sigmas: tuple[str, ...] = ()


LIKELIHOODS = {
    "bernoulli": Entry("Bernoulli", "values within known limits, as of pixels", bounded=True),
    "gaussian": Entry(
        "Gaussian", "any numbers, normal noise", sigmas=("per_feature", "shared", "optimal")
    ),
    "student_t": Entry(
        "StudentT",
        "any numbers, noise with heavy tails, as of sensors",
        sigmas=("per_feature", "shared"),
    ),
}
HOMES = {  # the module of each layer
    **{entry.layer: name for name, entry in LIKELIHOODS.items()},
    "Categorical": "categorical",  # of one-hot groups, whatever the other columns follow
    "Mixed": "mixed",
}
SIGMAS = tuple(dict.fromkeys(sigma for e in LIKELIHOODS.values() for sigma in e.sigmas))


def automatic(*, is_image: bool, bounded: bool) -> str:
    """The name that "auto" stands for; `AUTO` says it.

    >>> automatic(is_image=False, bounded=True)
    'gaussian'
    """
    return "bernoulli" if is_image and bounded else "gaussian"


def title(name: str, *, features: int, groups: tuple[int, ...]) -> str:
    """Title of the likelihood for people: for columns of several kinds, the names of all.

    >>> title("gaussian", features=7, groups=(3, 2))
    'gaussian, categorical'

    Args:
        name: of the columns before the groups.
        features: how many columns there are in all.
        groups: sizes of the one-hot groups.
    """
    if not groups:
        return name
    return "categorical" if sum(groups) == features else f"{name}, categorical"


def listed() -> str:
    """Names, and what each is for, in one line."""
    return ", ".join(f"{name} ({entry.features})" for name, entry in LIKELIHOODS.items())


def unbounded() -> str:
    """Names of those that take any number."""
    return ", ".join(name for name, entry in LIKELIHOODS.items() if not entry.bounded)
