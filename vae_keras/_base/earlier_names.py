"""Names in run directories of before, which had one word for several things."""

from typing import Any

from vae_runtime._base.typed_json import renamed

# of an object in a file: where it is, and its keys, old to new
NAMES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "config.json": (("data",), {"group": "recording", "unit": "machine", "bad_rows": "on_bad_row"}),
    "data.json": ((), {"groups": "one_hot", "group": "recording", "unit": "machine_column"}),
    "calibration.npz": ((), {"unit": "machine"}),
    "test.npz": ((), {"unit": "machine"}),
}
VALUES = {"error": "fail", "drop": "reject"}  # of on_bad_row


def with_names_of_today(file: str, content: Any) -> Any:
    """Content of a file of a run, with its earlier names replaced by those of today.

    Args:
        file: its name, such as `config.json`.
        content: JSON, or arrays by their keys.
    """
    place, names = NAMES.get(file, ((), {}))
    found = renamed(content, names, place)
    if file == "config.json":
        for key in place:
            rows = found.get(key) if isinstance(found, dict) else None
            if isinstance(rows, dict) and rows.get("on_bad_row") in VALUES:
                rows["on_bad_row"] = VALUES[rows["on_bad_row"]]
    return found
