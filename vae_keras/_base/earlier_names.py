"""Names in run directories of before, which had one word for several things."""

from typing import Any

from vae_runtime._base.typed_json import renamed

# of an object in a file: where it is, and its keys, old to new
NAMES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "config.json": (("data",), {"group": "recording", "unit": "machine"}),
    "data.json": ((), {"groups": "one_hot", "group": "recording", "unit": "machine_column"}),
    "calibration.npz": ((), {"unit": "machine"}),
    "test.npz": ((), {"unit": "machine"}),
}


def with_names_of_today(file: str, content: Any) -> Any:
    """Content of a file of a run, with its earlier names replaced by those of today.

    Args:
        file: its name, such as `config.json`.
        content: JSON, or arrays by their keys.
    """
    place, names = NAMES.get(file, ((), {}))
    return renamed(content, names, place)
