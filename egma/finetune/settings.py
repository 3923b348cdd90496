"""Every number of a fine-tuning in one frozen value, checked as a whole: all that is wrong is said at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from egma.errors import SettingsError
from egma.finetune.rules import PHANTOMS, RULES, describe_value

PROVENANCE = "provenance"
_MOST_BYTES = 1_000_000
_MOST_TOLD = 12


@dataclass(frozen=True)
class FinetuneSettings:
    """How a model is fine-tuned. The defaults are those of the preset "heads".

    Attributes:
        preset: what is trained: "demo" new heads on phantoms; "probe" the last linear layers; "heads" heads,
            text projection and temperature; "lora" those and low-rank deltas on both towers; "full" everything.
        base: the checkpoint that is trained on, by name or folder.
        new_heads: heads and text projection start from chance instead of the base's.
        data: "phantoms", or the path of a table, a data folder or a gaze data set's root.
        images, reports: where a gaze data set's films and reports lie, if not in it.
        phantoms, validation_phantoms: how many phantoms are built to train on, and to measure pointing with.
        validation_films: at most so many films are validated on.
        split_seed: of the split by patient, where the data has none.
        gaze_share: share of the training films with gaze that may show it.
        gaze_threshold: share of a sentence's peak from which a patch counts as looked at (EGF).
        grids: which patch grids the method's terms are taken over.
        sentences: at most so many sentences of a film are used.
        contrastive_weight, gaze_alignment_weight, gaze_mapping_weight, label_alignment_weight: of the loss's terms.
        learning_rate: of heads and projection, at its highest.
        tower_rate: the towers' rate as a share of it.
        weight_decay: of AdamW, on matrices.
        warmup: share of the steps over which the rate rises; a cosine takes it to zero.
        clip: largest norm of the gradient.
        epochs: passes over the training films.
        max_steps: ends earlier; 0 for no limit.
        batch: films a forward pass; `accumulation` passes make a step. Accumulating leaves fewer negatives in each
            contrast than one large batch has.
        augment: change the exposure of training films; costs a pass through a frozen trunk for every step.
        lora_rank: of the deltas.
        precision: "auto" is bf16 where the device multiplies it fast.
        device: "auto", "cpu", "mps", "cuda" or "cuda:0".
        seed: of everything drawn.
        validate_every: steps; 0 for once an epoch.
        patience: validations without a better one before it stops; 0 for never.
        best_by: what the kept checkpoint is best in; "auto" takes the first that the data can measure.
        keep_last: how many resumable states are kept.
        name: of the checkpoint; "" takes the run folder's.
    """

    preset: str = "heads"
    base: str = "egma-mini"
    new_heads: bool = False
    data: str = PHANTOMS
    images: str = ""
    reports: str = ""
    phantoms: int = 240
    validation_phantoms: int = 60
    validation_films: int = 300
    split_seed: int = 0
    gaze_share: float = 1.0
    gaze_threshold: float = 0.5
    grids: str = "both"
    sentences: int = 12
    contrastive_weight: float = 1.0
    gaze_alignment_weight: float = 1.0
    gaze_mapping_weight: float = 1.0
    label_alignment_weight: float = 1.0
    learning_rate: float = 5e-4
    tower_rate: float = 0.1
    weight_decay: float = 0.05
    warmup: float = 0.1
    clip: float = 1.0
    epochs: int = 10
    max_steps: int = 0
    batch: int = 32
    accumulation: int = 1
    augment: bool = False
    lora_rank: int = 8
    precision: str = "auto"
    device: str = "auto"
    seed: int = 0
    validate_every: int = 0
    patience: int = 5
    best_by: str = "auto"
    keep_last: int = 2
    name: str = ""


FIELDS = tuple(field.name for field in fields(FinetuneSettings))


def build_settings(preset: str = "heads", changes: Mapping[str, Any] | None = None) -> FinetuneSettings:
    """A preset's settings with changes.

    Raises:
        SettingsError: one sentence with everything that is wrong.
    """
    from egma.finetune.presets import preset_values

    given = {"preset": preset, **dict(changes or {})}
    problems = find_problems(given)
    if problems:
        raise SettingsError(_one_sentence(problems))
    values = {**preset_values(str(given["preset"])), **given}
    return replace(FinetuneSettings(), **{name: _cast(name, value) for name, value in values.items()})


def read_settings(path: Path, preset: str | None = None) -> FinetuneSettings:
    """The settings in a JSON file: a few of them, or a run's whole config.json.

    Args:
        path: the file.
        preset: overrides nothing; it must be the file's own where the file names one.

    Raises:
        SettingsError: the file cannot be read, or one sentence with everything that is wrong in it.
    """
    raw = load_object(path)
    raw.pop(PROVENANCE, None)
    if preset is not None and raw.get("preset", preset) != preset:
        raise SettingsError(
            f"{path.name}: its preset is {describe_value(raw['preset'])}, but --preset says {preset}; leave one out"
        )
    return build_settings(raw.pop("preset", preset or "heads"), raw)


def load_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        SettingsError: there is none.
    """
    try:
        if path.exists() and not path.is_file():
            raise SettingsError(f"{path.name or path}: wanted a JSON file of settings, but this is no ordinary file")
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise SettingsError(f"{path.name}: wanted a small JSON file, got one above {_MOST_BYTES} bytes")
        raw = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path.name}: the settings cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{path.name}: wanted a JSON object of settings in UTF-8, got something else") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path.name}: wanted a JSON object of settings, got {type(raw).__name__}")
    return raw


def settings_values(settings: FinetuneSettings) -> dict[str, Any]:
    """The settings as config.json has them."""
    return asdict(settings)


def find_problems(values: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with some settings, one phrase each; unknown names too."""
    problems = []
    for name, value in values.items():
        if not isinstance(name, str) or name not in RULES:
            problems.append(f"{describe_value(name)} is no setting")
        elif wanted := RULES[name].problem(value):
            problems.append(f"{name}: wanted {wanted}, got {describe_value(value)}")
    return problems + ([] if problems else _find_contradictions(values))


def _find_contradictions(values: Mapping[str, Any]) -> list[str]:
    weights = [values.get(f"{term}_weight", 1.0) for term in ("contrastive", "gaze_alignment", "gaze_mapping")]
    nothing = not any(weights) and values.get("label_alignment_weight", 1.0) == 0
    found = ["all four loss weights are 0, so nothing would be learned"] if nothing else []
    if values.get("preset") == "demo" and values.get("data", PHANTOMS) != PHANTOMS:
        found.append(f"the preset demo trains on phantoms, got data {describe_value(values['data'])}")
    return found


def _cast(name: str, value: Any) -> Any:
    """JSON's 3.0 for a whole number and 1 for a number are right, and become what the field says."""
    kind = type(getattr(FinetuneSettings, name))
    return kind(value) if kind in (int, float) else value


def _one_sentence(problems: list[str]) -> str:
    told = problems[:_MOST_TOLD]
    more = f"; and {len(problems) - len(told)} more" if len(problems) > len(told) else ""
    count = f"{len(problems)} problems: " if len(problems) > 1 else ""
    return f"settings: {count}{'; '.join(told)}{more}"
