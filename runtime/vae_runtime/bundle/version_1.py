"""Names of keys in a manifest of format version 1 that are others since.

One word had several meanings in it: `unit` was the scale of an output's error, a machine of a fleet
and the column that names it; `units` the scores of each machine; `group` the column that tells
recordings apart.
"""

from typing import Any

from vae_runtime._base.typed_json import renamed

TENSOR = {"unit": "error_scale"}
NAMES: dict[tuple[str, ...], dict[str, str]] = {  # of objects at these places, old to new
    ("model",): {"group": "recording", "unit": "machine_column"},
    ("calibration", "*"): {"units": "by_machine"},
    ("recalibrated", "*"): {"unit": "machine"},
    ("files", "*", "inputs", "*"): TENSOR,
    ("files", "*", "outputs", "*"): TENSOR,
}
# Of the model, in the order in which that version wrote them: a manifest's digest is of its bytes.
MODEL = (
    *("name", "input_shape", "input_dtype", "value_range", "feature_names", "one_hot"),
    *("latent_dim", "likelihood", "beta", "parameters", "preprocessing", "classes", "stride"),
    *("sigma", "group", "time", "unit", "mixture"),
)


def with_names_of_today(document: Any) -> Any:
    """JSON of version 1 with the names of today; unchanged where it is not a manifest."""
    for place, names in NAMES.items():
        document = renamed(document, names, place)
    return document


def with_own_names(document: Any) -> Any:
    """JSON of records with the names of version 1."""
    for place, names in NAMES.items():
        document = renamed(document, {new: old for old, new in names.items()}, place)
    return {**document, "model": {name: document["model"][name] for name in MODEL}}
