"""Whether the text side knows "there is X" from "there is no X", in wordings that no training used."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np

from egma.evaluation.intervals import Figure, bootstrap
from egma.inference.engine import Engine

_FRAMES = (
    ("The radiograph demonstrates {x}.", 1),
    ("I see {x} here.", 1),
    ("{x} has developed since the last film.", 1),
    ("Suspicious for {x}.", 1),
    ("The radiograph demonstrates no {x}.", -1),
    ("I cannot find any {x}.", -1),
    ("No sign of {x}.", -1),
    ("{x} has been ruled out.", -1),
)


def negation_figure(engine: Engine) -> Figure:
    """Share of sentences that lie nearer to their own side's prompts than to the other side's, findings drawn."""
    names = json.loads(resources.files("egma.finetune.mini").joinpath("phrases.json").read_text(encoding="utf-8"))[
        "names"
    ]
    right, groups = [], []
    for finding, spoken in names.items():
        prompts = engine.prompts(finding)
        difference = engine.embed_texts(list(prompts.positive)).mean(axis=0)
        difference = difference - engine.embed_texts(list(prompts.negative)).mean(axis=0)
        texts = [frame.format(x=_bare(name)) for name in spoken for frame, _ in _FRAMES]
        signs = np.array([sign for _ in spoken for _, sign in _FRAMES])
        right += list((engine.embed_texts(texts) @ difference) * signs > 0)
        groups += [finding] * len(texts)
    correct = np.array(right, float)
    return bootstrap(lambda places: float(correct[places].mean()), np.array(groups))


def _bare(name: str) -> str:
    return name.removeprefix("a ").removeprefix("an ")
