"""What a run must say to be made again: data, base, versions, the code's revision."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from egma import __version__

_PACKAGES = ("torch", "accelerate", "peft", "transformers", "timm", "numpy", "safetensors")
_ROOT = Path(__file__).resolve().parents[2]


def collect_versions() -> dict[str, str]:
    """Versions of everything that a training's numbers depend on."""
    found = {"egma": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def find_revision() -> str:
    """The code's git revision, with "+" where files differ from it; "" outside a repository."""
    revision = _git("rev-parse", "HEAD")
    return revision + ("+" if revision and _git("status", "--porcelain", "--untracked-files=no") else "")


def build_provenance(data_digest: str, counts: dict[str, Any], base_hash: str) -> dict[str, Any]:
    """The part of config.json that the settings do not say."""
    return {
        "data": {"sha256": data_digest, **counts},
        "base_hash": base_hash,
        "versions": collect_versions(),
        "revision": find_revision(),
    }


def _git(*arguments: str) -> str:
    if not (_ROOT / ".git").exists():
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(_ROOT), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
