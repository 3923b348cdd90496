"""Prompt sets as data: which sentences stand for a class, how their scores are put together, and where they come from.

A set of kind "classes" has sentences for each class, and a film belongs to the class it resembles most; one of kind
"pairs" also has sentences that deny each class, and a class is present where a film is nearer to the first.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import product

from egma.errors import DataError
from egma.findings import build_findings

OWN = "own"
"""The checkpoint's own pairs, with its calibration: what the page asks."""
NAMES = ("gloria-5x200", "convirt-8x200", "single", "pairs")
_ALIASES = {"Pleural Effusion": "Effusion", "Pleural effusion": "Effusion", "Lung Lesion": "Nodule"}


@dataclass(frozen=True)
class PromptSet:
    """Sentences of classes.

    Attributes:
        name, title, source: for the protocol.
        kind: "classes" or "pairs".
        rule: "mean" or "max" of the cosines of a class's sentences.
        sentences: class -> its sentences.
        denials: class -> sentences that deny it; of pairs only.
        seed: with which sentences were drawn, None where all are used.
    """

    name: str
    title: str
    source: str
    kind: str
    rule: str
    sentences: dict[str, tuple[str, ...]]
    denials: dict[str, tuple[str, ...]]
    seed: int | None = None

    @property
    def sha256(self) -> str:
        """Names the sentences and the rule."""
        content = [self.kind, self.rule, sorted(self.sentences.items()), sorted(self.denials.items())]
        return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def load_prompts(
    name: str, classes: tuple[str, ...], *, rule: str | None = None, each: int | None = None, seed: int = 0
) -> PromptSet:
    """A prompt set for these classes.

    Args:
        name: one of NAMES.
        classes: what must have sentences.
        rule: "mean" or "max"; None = the set's own.
        each: sentences drawn for each class, None = all.
        seed: of the draw.
    """
    raw = _read(name)
    sentences, denials = {}, {}
    for label in classes:
        sentences[label] = _draw(_sentences(raw, label, name), each, seed)
        if raw["kind"] == "pairs":
            denials[label] = _draw(_denials(raw, label), each, seed)
    drawn = None if each is None else seed
    return PromptSet(name, raw["title"], raw["source"], raw["kind"], rule or raw["rule"], sentences, denials, drawn)


def phrase_of(finding: str) -> str:
    """The one phrase that a finding is asked by where a data set gives none: the first of the workbench's prompts."""
    found = build_findings().get(canonical(finding))
    return found.positive[0] if found else f"There is {spoken(finding)}."


def canonical(label: str) -> str:
    """A class by the workbench's name for it: "Pleural Effusion" is its "Effusion"."""
    return _ALIASES.get(label, label)


def spoken(label: str) -> str:
    """A class in running text: "pleural effusion"."""
    return "pleural effusion" if canonical(label) == "Effusion" else label.replace("_", " ").lower()


@cache
def _read(name: str) -> dict:  # type: ignore[type-arg]
    if name not in NAMES:
        raise DataError(f"--prompts: {name[:40]!r} is no prompt set; wanted {OWN}, {', '.join(NAMES)}")
    return json.loads(resources.files("egma.evaluation.prompts").joinpath(f"{name}.json").read_text(encoding="utf-8"))


def _sentences(raw: dict, label: str, name: str) -> tuple[str, ...]:  # type: ignore[type-arg]
    if label in raw.get("sentences", {}):
        return tuple(raw["sentences"][label])
    if label in raw.get("parts", {}):
        parts = raw["parts"][label]
        combined = product(parts["severity"], parts["subtype"], parts["location"])
        return tuple(dict.fromkeys(" ".join(" ".join(words).split()) for words in combined))
    if "template" in raw:
        return (raw["template"].format(x=spoken(label)),)
    known = ", ".join((*raw.get("sentences", {}), *raw.get("parts", {})))
    raise DataError(f"the prompt set {name} has no sentences for {label!r}, only for {known}; choose another set")


def _denials(raw: dict, label: str) -> tuple[str, ...]:  # type: ignore[type-arg]
    if label in raw.get("negatives", {}):
        return tuple(raw["negatives"][label])
    return (raw["negative_template"].format(x=spoken(label)),)


def _draw(sentences: tuple[str, ...], each: int | None, seed: int) -> tuple[str, ...]:
    if each is None or each >= len(sentences):
        return sentences
    return tuple(random.Random(seed).sample(sentences, each))
