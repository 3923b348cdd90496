"""Writes a checkpoint's card from its config and its measured figures: no number in it is typed by hand.

A checkpoint of the recipe tells its own story; one that was imported or fine-tuned keeps the words it came with, and
what was measured stands after them, written anew each time.
"""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

import json
from typing import Any

from egma.checkpoints import Checkpoint
from egma.convert.finish import NOT_MEASURED
from egma.evaluation.card_ablations import ablations_part
from egma.evaluation.card_figures import figure_parts, gate_part, remarks_part, unmeasured_findings, weak_findings
from egma.evaluation.card_origin import is_of_recipe, write_limits, write_origin
from egma.evaluation.card_results import results_part

MEASURED = "## Measured with the workbench"
"""Everything from this heading on is written anew; what stands before it is the checkpoint's own."""


def write_card(checkpoint: Checkpoint, figures: dict[str, Any], ablations: dict[str, Any] | None = None) -> str:
    """card.md: what the checkpoint is for, what it learned from, what it can do, and where it fails."""
    measured = [*figure_parts(figures), ablations_part(ablations), gate_part(figures), results_part(figures)]
    if is_of_recipe(checkpoint):
        parts = [write_origin(checkpoint), *measured, remarks_part(figures), write_limits(checkpoint, figures)]
    else:
        parts = [_own_words(checkpoint), _heading(checkpoint), *measured, remarks_part(figures)]
        parts.append(_limits(checkpoint, figures))
    return "\n\n".join(part for part in parts if part) + "\n"


def read_measured(checkpoint: Checkpoint) -> dict[str, Any]:
    """What an earlier measurement of the same weights left in figures.json; {} where there is none."""
    path = checkpoint.folder / "figures.json" if checkpoint.folder is not None else None
    if path is None or not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("hash") == checkpoint.hash else {}


def _own_words(checkpoint: Checkpoint) -> str:
    """The card as it came, without what an earlier measurement wrote; a head made of the config where there is none."""
    came, _, _ = checkpoint.card.partition(f"\n{MEASURED}\n")
    kept = "\n".join(line for line in came.splitlines() if line.strip() != NOT_MEASURED)
    return kept.strip() or _head(checkpoint)


def _head(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    low, high = config.display_range
    return f"""# {checkpoint.name}

**Research use only. Not a medical device, not for diagnosis.** It came without a card: nothing is known of its data or licence.

- input {config.image.input_px} px, {config.image.mode}; image tower {config.image.kind} {config.image.name}; text tower {config.text.kind} {config.text.name}, {config.text.max_tokens} tokens
- maps run over cosine {low:.3f} to {high:.3f}"""


def _heading(checkpoint: Checkpoint) -> str:
    asked = ", ".join(checkpoint.config.classify) or "none"
    return f"""{MEASURED}

Checkpoint `{checkpoint.hash[:16]}`; findings it is asked for: {asked}.
`python -m egma evaluate card {checkpoint.name} --data FOLDER --results FOLDER` writes this part again."""


def _limits(checkpoint: Checkpoint, figures: dict[str, Any]) -> str:
    films = ""
    if "auroc" in figures:
        films = f"""- Not measured on films (fewer than 10 positives): {unmeasured_findings(checkpoint, figures)}.
- Lower end of the interval under 0.6: {weak_findings(figures)}.
"""
    return f"""## What these figures do not say

{films}- A figure holds for its list of films and its prompts: another scanner, age group or country is another matter.
- Phantoms are drawn: pointing at their lesions says little about a patient's film. Maps are a hint, not an outline.
- The model says something about any picture: heed the warning about the view."""
