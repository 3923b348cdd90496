"""Which device a model runs on: the one that was asked for, or the best one there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.errors import SettingsError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """The torch device for `name`: "auto" is CUDA, then Apple's MPS, then the CPU; "cuda:1" names one of several."""
    import torch

    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdecimal())):
        raise SettingsError(f"device: wanted one of {', '.join(DEVICES)}, got {name[:40]!r}")
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"device: {name} was asked for, but torch sees no such GPU; use --device auto or cpu")
    if kind == "mps" and not _has_mps():
        raise SettingsError("device: mps was asked for, but torch cannot use it here; use --device auto or cpu")
    return torch.device(name)


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()
