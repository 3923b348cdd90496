"""A new phrase on an open film: target is the text tower's own time plus 10 ms; asked before, 10 ms.

python benchmarks/phrase.py [--checkpoint egma-mini] [--rounds 40]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._subject import load_subject, random_film
from egma.inference.engine import Engine

NEW_PHRASE_MS = 10.0  # above the text tower
KNOWN_PHRASE_MS = 10.0
_WORDS = ("left", "right", "small", "large", "apical", "basal", "pleural effusion", "nodule", "opacity", "pneumothorax")


def main() -> None:
    """Print the baseline, the product and the targets; interleaved, so that a busy machine weighs on both alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    engine = load_subject(options.checkpoint)
    engine.warm_up()
    study = random_film(1024, seed=0)
    engine.ground(study, ["an open film"])
    tower, new, known = [], [], []
    for number in range(options.rounds):
        phrase = phrase_of(number)
        tower.append(milliseconds(lambda phrase=phrase: run_text_tower(engine, phrase)))
        new.append(milliseconds(lambda phrase=phrase: engine.ground(study, [phrase])))
        known.append(milliseconds(lambda phrase=phrase: engine.ground(study, [phrase])))
    above = median(new) - median(tower)
    print(
        f"{engine.checkpoint.name} on {engine.device}, {torch.get_num_threads()} threads, {options.rounds} rounds, ms"
    )
    print(f"text tower alone       {median(tower):8.2f}   (baseline: tokenise and run, nothing remembered)")
    print(
        f"new phrase, open film  {median(new):8.2f}   above the tower {above:+.2f}, target at most {NEW_PHRASE_MS:+.0f}"
    )
    print(f"phrase asked before    {median(known):8.2f}   target at most {KNOWN_PHRASE_MS:.0f}")


def phrase_of(number: int) -> str:
    """A phrase of its own for every number, 2 to 5 words."""
    count = len(_WORDS)
    return f"{_WORDS[number % count]} {_WORDS[number // count % count]} {number}"


def run_text_tower(engine: Engine, phrase: str) -> None:
    """What any program has to do for a phrase: tokenise it and run the tower, in this thread, without the engine."""
    model = engine._model
    with torch.inference_mode():
        model.embed_tokens(model.tokenize([phrase])).cpu()


def milliseconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
