"""Finds, loads and saves checkpoints: folders with config.json, model.safetensors and card.md.

Weights are only ever read as safetensors, never unpickled. A file that does not fit its config is refused by the
tensor's name; a file that is not the one the config was written with is refused by its SHA-256.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from egma.config import ModelConfig, canonical_json, read_config, write_config
from egma.digest import digest_file
from egma.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "card.md"
DEFAULT_DATA = "~/.egma-workbench"
"""The reader's own folder where $EGMA_DATA names no other; used where it is there, never made unasked."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_CONFIG_BYTES = 4_000_000  # prompts for hundreds of findings fit many times over
_REFERENCED = "text.trunk."
_LORA_MARK = ".lora_"  # in the names of the tensors that `egma.model.lora` adds
_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint that was found, not yet read."""

    name: str
    folder: Path

    @property
    def card(self) -> str:
        """The model card as Markdown, or "" where there is none."""
        return _read_card(self.folder)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint whose config has been read.

    Attributes:
        name: the folder's name.
        folder: where it lies; None for a model that was only built.
        config: all that config.json says.
    """

    name: str
    folder: Path | None
    config: ModelConfig

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical config, which holds the weights' SHA-256: names config and weights at once."""
        return sha256(canonical_json(self.config)).hexdigest()

    @property
    def card(self) -> str:
        """The model card as Markdown, or "" where there is none."""
        return _read_card(self.folder) if self.folder else ""


def load_checkpoint(name_or_folder: str | Path, *, verify: bool = True) -> Checkpoint:
    """Read a checkpoint's config; its weights are read by `egma.model.build.load_model`.

    Args:
        name_or_folder: a folder, or a name under DATA/checkpoints ($EGMA_DATA, or `DEFAULT_DATA`) or the project's own.
        verify: also compare model.safetensors with the SHA-256 in the config (`load_model` does so too).
    """
    folder = find_checkpoint(name_or_folder)
    path = folder / CONFIG_NAME
    if path.stat().st_size > _MAX_CONFIG_BYTES:
        raise CheckpointError(f"checkpoint {folder.name}: config.json is above {_MAX_CONFIG_BYTES} bytes")
    try:
        checkpoint = Checkpoint(folder.name, folder, read_config(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        raise CheckpointError(f"checkpoint {folder.name}: config.json is not UTF-8 text") from None
    except CheckpointError as error:
        raise CheckpointError(f"checkpoint {folder.name}: {error}") from None
    if verify:
        _check_weights_hash(checkpoint)
    return checkpoint


def list_checkpoints() -> list[CheckpointInfo]:
    """Every checkpoint that can be asked for by name, sorted; the reader's own shadow the project's."""
    found: dict[str, CheckpointInfo] = {}
    for root in _roots():
        folders = sorted(root.iterdir()) if root.is_dir() else []
        for folder in folders:
            if _NAME.fullmatch(folder.name) and (folder / CONFIG_NAME).is_file():
                found.setdefault(folder.name, CheckpointInfo(folder.name, folder))
    return sorted(found.values(), key=lambda info: info.name)


def find_checkpoint(name_or_folder: str | Path) -> Path:
    """The folder of a checkpoint. A relative folder may not climb out with ".."; an absolute one may be anywhere."""
    asked = Path(name_or_folder).expanduser()
    shown = str(name_or_folder)[:80]
    if not shown.strip() or "\0" in shown or (".." in asked.parts and not asked.is_absolute()):
        raise CheckpointError(f"checkpoint {shown!r}: wanted a name under checkpoints/ or a folder, without '..' in it")
    candidates = [asked]
    if _NAME.fullmatch(str(name_or_folder)):
        candidates += [root / asked for root in _roots()]
    for folder in candidates:
        if (folder / CONFIG_NAME).is_file():
            return folder.resolve()
    if asked.is_dir():
        raise CheckpointError(f"checkpoint {asked.name!r}: the folder holds no config.json; a checkpoint needs one")
    names = ", ".join(info.name for info in list_checkpoints()) or "none"
    raise CheckpointError(f"no checkpoint {shown!r} was found; found by name: {names}")


def is_stored(name: str, config: ModelConfig) -> bool:
    """Whether model.safetensors holds this tensor: all but a text trunk that is read, untrained, from its own files."""
    referenced = config.text.source is not None and not config.text.trained
    return not (referenced and name.startswith(_REFERENCED) and _LORA_MARK not in name)


def read_weights(checkpoint: Checkpoint, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All tensors of model.safetensors, after names and shapes were found to be exactly those of `wanted`."""
    from safetensors import SafetensorError, safe_open

    path = _weights_path(checkpoint)
    try:
        with safe_open(path, framework="pt") as stream:
            shapes = {name: tuple(stream.get_slice(name).get_shape()) for name in stream.keys()}  # noqa: SIM118
            _check_fit(checkpoint.name, shapes, {name: tuple(tensor.shape) for name, tensor in wanted.items()})
            _check_weights_hash(checkpoint)
            tensors = {name: stream.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"checkpoint {checkpoint.name}: model.safetensors is damaged or incomplete ({str(error)[:80]}); "
            "copy or download the file again"
        ) from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"checkpoint {checkpoint.name}: the tensor {name} holds values that are not finite")
    return tensors


def save_checkpoint(
    model: nn.Module, config: ModelConfig, folder: Path, card: str, *, tower_files: Path | None = None
) -> Checkpoint:
    """Write a checkpoint as a whole or not at all, replacing an older one in the same folder.

    Args:
        model: the `EgmaModel`; every tensor that `is_stored` is written, in its own precision.
        config: its config; `weights_sha256` is filled in here.
        folder: where it goes; must be absent, empty or a checkpoint.
        card: the model card, Markdown.
        tower_files: root of the files that `config.text.source` names where they go into the checkpoint (package None).
    """
    from safetensors.torch import save_file

    folder = check_replaceable(folder)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        kept = {name: tensor for name, tensor in model.state_dict().items() if is_stored(name, config)}
        save_file(
            {name: tensor.detach().cpu().clone().contiguous() for name, tensor in kept.items()}, draft / WEIGHTS_NAME
        )
        (draft / WEIGHTS_NAME).chmod(
            0o644
        )  # safetensors writes for its owner alone; a checkpoint is there to be shared
        config = replace(config, weights_sha256=digest_file(draft / WEIGHTS_NAME))
        (draft / CONFIG_NAME).write_text(write_config(config), encoding="utf-8")
        (draft / CARD_NAME).write_text(card, encoding="utf-8")
        _copy_tower_files(config, tower_files or folder, draft)
        _swap(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Checkpoint(folder.name, folder, config)


def _check_fit(name: str, found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> None:
    start = f"checkpoint {name}: model.safetensors does not fit config.json:"
    for key in sorted(set(wanted) - set(found)):
        raise CheckpointError(f"{start} the tensor {key} of shape {wanted[key]} is missing")
    for key in sorted(set(found) - set(wanted)):
        raise CheckpointError(f"{start} the tensor {key[:120]} of shape {found[key]} is unknown to this model")
    for key in sorted(wanted):
        if found[key] != wanted[key]:
            raise CheckpointError(f"{start} the tensor {key} has shape {found[key]}, wanted {wanted[key]}")


def _check_weights_hash(checkpoint: Checkpoint) -> None:
    digest, wanted = digest_file(_weights_path(checkpoint)), checkpoint.config.weights_sha256
    if digest != wanted:
        raise CheckpointError(
            f"checkpoint {checkpoint.name}: model.safetensors is not the file config.json was written with: "
            f"wanted SHA-256 {wanted[:12] or 'none'}..., got {digest[:12]}...; copy the folder again as a whole"
        )


def _weights_path(checkpoint: Checkpoint) -> Path:
    path = (checkpoint.folder or Path()) / WEIGHTS_NAME
    if checkpoint.folder is None or not path.is_file():
        raise CheckpointError(
            f"checkpoint {checkpoint.name}: model.safetensors is missing; copy the folder again as a whole"
        )
    return path


def check_replaceable(folder: Path) -> Path:
    """The folder, resolved, where a checkpoint may be written: new, empty, or a checkpoint to be replaced.

    Raises:
        CheckpointError: its name is none for a checkpoint, or it holds other things.
    """
    folder = Path(folder).resolve()
    if not _NAME.fullmatch(folder.name):
        raise CheckpointError(
            f"a checkpoint's name is letters, digits, '.', '_' and '-', at most 64; got {folder.name[:80]!r}"
        )
    if folder.exists() and not folder.is_dir():
        raise CheckpointError(f"{folder.name} is a file; a checkpoint is a folder: choose an empty or new one")
    if folder.exists() and not (folder / CONFIG_NAME).is_file() and any(folder.iterdir()):
        raise CheckpointError(
            f"the folder {folder.name} holds other things than a checkpoint; choose an empty or new one"
        )
    return folder


def _copy_tower_files(config: ModelConfig, root: Path, draft: Path) -> None:
    source = config.text.source
    if source is None or source.package is not None:
        return
    for name in source.files:
        target = draft / source.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source.folder / name, target)


def _swap(draft: Path, folder: Path) -> None:
    """Put the draft in the folder's place; what was there goes only after the new one stands."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _roots() -> list[Path]:
    data = Path(os.environ.get("EGMA_DATA", "").strip() or DEFAULT_DATA)
    return [data.expanduser() / "checkpoints", _REPOSITORY / "checkpoints"]


def _read_card(folder: Path) -> str:
    path = folder / CARD_NAME
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
