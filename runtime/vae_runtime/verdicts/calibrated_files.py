"""Files that each calibration of a bundle is of, and the backends that run them here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from vae_runtime.backends import Backend, backend_of, check_here, is_here, names, runs
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import NEG_ELBO_END, Calibration, Manifest

FP32 = "fp32"  # the precision that every bundle has


class Way(NamedTuple):
    """Backend and format that can run the files of a calibration."""

    backend: type[Backend]
    format: str
    precision: str


Ways: TypeAlias = Mapping[str, list[Way]]  # by the name of the calibration


def ways_of(described: Manifest) -> dict[str, list[Way]]:
    """Ways to run the files of each calibration, the preferred first."""
    found: dict[str, list[Way]] = {
        described.calibration_name(file.format, file.precision): []
        for file in described.files
        if file.role == "encoder"
    }
    for way in map(Way._make, runs(described)):
        found[described.calibration_name(way.format, way.precision)].append(way)
    return found


def kept_calibrations(
    described: Manifest, ways: Ways, precisions: Sequence[str] | None
) -> dict[str, Calibration]:
    """Calibrations that are asked for; ValueError for one whose files cannot be run here."""
    known = [name for name in described.calibration if name in ways]
    wanted = known if precisions is None else [FP32, *precisions]
    strange = [name for name in wanted if name not in known]
    if strange:
        raise ValueError(
            f"expected precisions of {', '.join(known)}, as in the manifest. Received: "
            f"{', '.join(map(str, strange))[:60]}."
        )
    lacking = [name for name in wanted if not _is_here(ways[name])]
    if lacking:
        here = ",".join(name for name in known if _is_here(ways[name]))
        _refuse(lacking, ways, f"leave these files out of the new bundle: --precision {here}")
    return {
        name: calibration
        for name, calibration in described.calibration.items()
        if name.removesuffix(NEG_ELBO_END) in wanted
    }


def graphs_of(bundle: Bundle, ways: Sequence[Way]) -> Graphs:
    """Opens the graphs of one calibration's files, by the first way that there is here."""
    way = next(way for way in ways if is_here(way.backend))
    return Graphs(bundle, backend_of(way.backend.name), way.precision, way.format)


def _is_here(ways: Sequence[Way]) -> bool:
    return any(is_here(way.backend) for way in ways)


def _refuse(lacking: Sequence[str], ways: Ways, instead: str) -> None:
    """Raises ValueError for files that cannot be run here, with what to install or do instead."""
    strange = [name for name in lacking if not ways[name]]
    if strange:
        raise ValueError(
            f"expected files that one of {', '.join(names())} runs. Received: those of "
            f"{', '.join(strange)}, which none does. Register a backend that does, or {instead}."
        )
    backend = ways[lacking[0]][0].backend
    those = [name for name in lacking if ways[name][0].backend is backend]
    check_here(backend, f"scoring with the files of {', '.join(those)} in {backend.name}", instead)
