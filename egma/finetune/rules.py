"""What each setting of a fine-tuning may be, told once: the check, the page's form and the help all read it here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")
_SHOWN = 40


@dataclass(frozen=True)
class Number:
    """A number within bounds, both included.

    Attributes:
        low, high: the bounds.
        whole: only whole numbers.
        above: `low` itself is refused.
    """

    low: float
    high: float
    whole: bool = False
    above: bool = False

    def problem(self, value: Any) -> str:
        """What was wanted, or "" when the value is right."""
        kind = "a whole number" if self.whole else "a number"
        wanted = (
            f"{kind} {'above' if self.above else 'from'} {self.low:g} {'up ' if self.above else ''}to {self.high:,.10g}"
        )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return wanted
        inside = self.low <= value <= self.high and not (self.above and value == self.low)  # false of NaN
        return "" if inside and (not self.whole or value == int(value)) else wanted


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def problem(self, value: Any) -> str:
        """What was wanted, or "" when the value is right."""
        return "" if isinstance(value, str) and value in self.words else "one of " + ", ".join(self.words)


@dataclass(frozen=True)
class Switch:
    """True or false."""

    def problem(self, value: Any) -> str:
        """What was wanted, or "" when the value is right."""
        return "" if isinstance(value, bool) else "true or false"


@dataclass(frozen=True)
class Text:
    """A text of a certain form.

    Attributes:
        wanted: the form in words.
        pattern: what the whole text must match; None for any text without zero characters.
        longest: in characters.
    """

    wanted: str
    pattern: re.Pattern[str] | None = None
    longest: int = 4096

    def problem(self, value: Any) -> str:
        """What was wanted, or "" when the value is right."""
        good = isinstance(value, str) and len(value) <= self.longest and "\0" not in value
        if good and self.pattern is not None:
            good = self.pattern.fullmatch(value) is not None
        return "" if good else self.wanted


Rule = Number | Choice | Switch | Text

PRESETS = ("demo", "probe", "heads", "lora", "full")
BEST_BY = ("auto", "auroc", "pointing", "retrieval", "gaze", "loss")
PHANTOMS = "phantoms"

RULES: dict[str, Rule] = {
    "preset": Choice(PRESETS),
    "base": Text("a checkpoint's name or folder"),
    "new_heads": Switch(),
    "data": Text('"phantoms", or the path of a data set'),
    "images": Text("the folder of films of a gaze data set, or nothing"),
    "reports": Text("the folder of reports of a gaze data set, or nothing"),
    "phantoms": Number(8, 20_000, whole=True),
    "validation_phantoms": Number(4, 2_000, whole=True),
    "validation_films": Number(4, 5_000, whole=True),
    "split_seed": Number(0, 2**31 - 1, whole=True),
    "gaze_share": Number(0, 1),
    "gaze_threshold": Number(0, 1),
    "grids": Choice(("both", "fine", "coarse")),
    "sentences": Number(1, 64, whole=True),
    "contrastive_weight": Number(0, 100),
    "gaze_alignment_weight": Number(0, 100),
    "gaze_mapping_weight": Number(0, 100),
    "label_alignment_weight": Number(0, 100),
    "learning_rate": Number(0, 10, above=True),
    "tower_rate": Number(0, 1, above=True),
    "weight_decay": Number(0, 1),
    "warmup": Number(0, 0.5),
    "clip": Number(0, 1000, above=True),
    "epochs": Number(1, 10_000, whole=True),
    "max_steps": Number(0, 10_000_000, whole=True),
    "batch": Number(2, 1024, whole=True),
    "accumulation": Number(1, 1024, whole=True),
    "augment": Switch(),
    "lora_rank": Number(1, 256, whole=True),
    "precision": Choice(("auto", "float32", "bf16")),
    "device": Text("auto, cpu, mps, cuda or cuda:0", _DEVICE, 16),
    "seed": Number(0, 2**31 - 1, whole=True),
    "validate_every": Number(0, 10_000_000, whole=True),
    "patience": Number(0, 10_000, whole=True),
    "best_by": Choice(BEST_BY),
    "keep_last": Number(1, 100, whole=True),
    "name": Text("letters, digits, '.', '_' and '-', at most 64, or nothing", re.compile(rf"(?:{_NAME.pattern})?"), 64),
}


def describe_value(value: Any) -> str:
    """A value as an error may quote it: short, on one line."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a number of thousands of digits"
    shown = "".join(character if character.isprintable() else " " for character in text[: _SHOWN + 1])
    return f"'{shown[:_SHOWN]}...'" if len(text) > _SHOWN else f"'{shown}'" if isinstance(value, str) else shown
