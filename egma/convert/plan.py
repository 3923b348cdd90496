"""An import as a plan: a config, and for every tensor of the published file its place in the model; or none.

`fill_model` carries a plan out. Names in its sentences are those of the published file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from egma.config import ModelConfig
from egma.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from egma.model.egma import EgmaModel

_COUNTER = "num_batches_tracked"  # how many batches a norm has seen; only training reads it
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class ImportPlan:
    """How a file's tensors go into a model.

    Attributes:
        config: of the model they fit.
        tensors: name in the model -> tensor.
        published: name in the model -> name in the file.
        unused: names in the file that no embedding passes through, all of them known.
        spell: what the file would call a tensor of the model, for sentences.
    """

    config: ModelConfig
    tensors: dict[str, Tensor]
    published: dict[str, str]
    unused: tuple[str, ...]
    spell: Callable[[str], str]


def build_plan(
    config: ModelConfig,
    tensors: Mapping[str, Tensor],
    rename: Callable[[str], str | None],
    spell: Callable[[str], str],
) -> ImportPlan:
    """Give every tensor its place.

    Args:
        config: of the model they go into.
        tensors: the file, by name.
        rename: a file's name -> the model's; None for one that is known and not needed.
        spell: the model's name -> the file's, for one that is missing.
    """
    placed: dict[str, Tensor] = {}
    published: dict[str, str] = {}
    unused: list[str] = []
    for name, tensor in tensors.items():
        target = rename(name)
        if target is None:
            unused.append(name)
            continue
        if target in published:
            raise CheckpointError(f"the file holds the same tensor twice: {published[target]!r} and {name[:120]!r}")
        placed[target], published[target] = tensor, name
    return ImportPlan(config, placed, published, tuple(sorted(unused)), spell)


def fill_model(plan: ImportPlan, text_root: Path) -> EgmaModel:
    """Build the plan's model and put every tensor in its place.

    Args:
        plan: what goes where.
        text_root: folder under which the text tower's files lie, as the config names them.

    Raises:
        CheckpointError: a tensor is missing, unknown, of another shape or not finite; it is named.
    """
    from egma.model.build import build_model

    model = build_model(plan.config, text_root)
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    _check_names(plan, wanted)
    for name, tensor in plan.tensors.items():
        _check_tensor(plan.published[name], tensor, wanted[name])
    ready = {name: tensor.float().reshape(wanted[name]) for name, tensor in plan.tensors.items()}
    model.load_state_dict(ready, strict=False)
    return model.eval().requires_grad_(False)


def _check_names(plan: ImportPlan, wanted: Iterable[str]) -> None:
    unknown = sorted(plan.published[name] for name in set(plan.tensors) - set(wanted))
    if unknown:
        raise CheckpointError(
            f"the file holds {_count(unknown)} that the towers do not have: {_list(unknown)}; "
            "is it another family's file, or are the towers' configs of other sizes?"
        )
    absent = set(wanted) - set(plan.tensors)
    missing = sorted(plan.spell(name) for name in absent if not name.endswith(_COUNTER))
    if missing:
        raise CheckpointError(
            f"the file lacks {_count(missing)} that the towers' configs ask for: {_list(missing)}; "
            "is the file complete, and are the configs its own?"
        )


def _check_tensor(name: str, tensor: Tensor, wanted: tuple[int, ...]) -> None:
    found = tuple(tensor.shape)
    scalars = tensor.numel() == 1 and wanted == ()  # a temperature may be published as a list of one
    if found != wanted and not scalars:
        raise CheckpointError(
            f"{name} has shape {found} in the file, the towers' configs want {wanted}; give the towers it was made with"
        )
    if name.endswith(_COUNTER):
        return
    if not tensor.is_floating_point():
        raise CheckpointError(f"{name} holds {str(tensor.dtype).removeprefix('torch.')}, wanted floating point numbers")
    if not bool(tensor.float().isfinite().all()):
        raise CheckpointError(f"{name} holds values that are not finite; copy the file again")


def _count(names: list[str]) -> str:
    return "a tensor" if len(names) == 1 else f"{len(names)} tensors"


def _list(names: list[str]) -> str:
    shown = ", ".join(repr(name[:120]) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
