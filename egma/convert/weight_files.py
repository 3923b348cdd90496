"""Reads a published file of tensors without running anything that may be in it."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # a PyTorch file is a zip since 1.6, a pickle of protocol 2 or later before
_MAX_JSON_BYTES = 4_000_000  # a tower's config.json has a few thousand


def find_weights(path: Path) -> Path:
    """The file itself; in a folder, the one that transformers would read there."""
    if path.is_dir():
        for name in WEIGHT_NAMES:
            if (path / name).is_file():
                return path / name
        raise CheckpointError(f"{path.name!r} holds no {' or '.join(WEIGHT_NAMES)}; give the file itself")
    if not path.is_file():
        raise CheckpointError(f"no file {path.name!r} was found; give the path of the published weights")
    return path


def load_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors or a PyTorch file, by name, on the CPU. What a file is, its first bytes say.

    A PyTorch file is read by torch's restricted reader (`weights_only=True`): a pickle that would call anything but
    tensor constructors is refused, there is no other way in.

    Raises:
        CheckpointError: not a file of tensors, or a pickle with code in it.
    """
    with path.open("rb") as stream:
        start = stream.read(9)
    if start.startswith(_ZIP):
        _check_zip(path)
    elif start[8:9] == b"{":
        return _named(_load_safetensors(path), path)
    elif not start.startswith(_PICKLE):
        raise CheckpointError(
            f"{path.name} is neither a PyTorch nor a safetensors file; give the published weights, "
            "usually called pytorch_model.bin"
        )
    return _named(_load_torch(path), path)


def read_json(path: Path, whose: str) -> dict[str, Any]:
    """An object from a JSON file; `whose` names it for a reader."""
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise CheckpointError(f"{whose} is above {_MAX_JSON_BYTES} bytes; it is not what its name says")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError):
        raise CheckpointError(f"{whose} is not JSON; copy it again") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{whose} holds no object; copy it again")
    return found


def _check_zip(path: Path) -> None:
    """Tell a PyTorch file from an archive that has one inside, as MedCLIP's weights are handed out."""
    try:
        names = zipfile.ZipFile(path).namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return  # torch says what is wrong with it
    inside = [name for name in names if name.rpartition("/")[2] in WEIGHT_NAMES]
    if inside:
        raise CheckpointError(f"{path.name} is an archive; unpack it and give the file {inside[0][:80]!r} in it")


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} is damaged or no safetensors file ({str(error)[:80]}); copy it again"
        ) from None


def _load_torch(path: Path) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the protocol of a pickle that is refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported operand" in str(error):  # no pickle at all, or an opcode that only code needs
            raise CheckpointError(
                f"{path.name} is damaged or holds more than tensors, so it is refused unread; download it again"
            ) from None
        raise CheckpointError(
            f"{path.name} holds more than tensors: reading it would run code that came with the file, so it is "
            "refused; ask its publisher for a plain state dict or a .safetensors file"
        ) from None
    except Exception as error:  # a damaged or hostile file makes the reader raise what it likes; nothing of it has run
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = "TorchScript" if "TorchScript" in str(error) else type(error).__name__
    return CheckpointError(
        f"{path.name} is damaged or no PyTorch file of tensors ({reason}); download or copy it again"
    )


def _named(loaded: Any, path: Path) -> dict[str, Tensor]:
    """The mapping of names to tensors, taken out of its wrapper, without the "module." of parallel training."""
    import torch

    for wrapper in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not loaded:
        raise CheckpointError(f"{path.name}: wanted a mapping of names to tensors, got {type(loaded).__name__}")
    others = [str(name) for name, value in loaded.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise CheckpointError(f"{path.name}: wanted tensors alone, but {others[0][:80]!r} is something else")
    named: dict[str, Tensor] = {}
    for name, value in loaded.items():
        short = str(name).removeprefix("module.")
        if short in named:
            raise CheckpointError(f"{path.name} holds the tensor {short[:80]!r} twice, with and without 'module.'")
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise CheckpointError(f"{path.name}: {short[:80]!r} is sparse, quantized or empty; wanted plain numbers")
        named[short] = value
    return named
