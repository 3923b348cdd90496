"""The ablation in a card: its table, what it says in words, and its plot."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from egma.errors import DataError
from egma.evaluation.card_figures import interval
from egma.evaluation.looks import LIGHT, Look
from egma.evaluation.pictures import draw_panels

ABLATIONS_NAME, ABLATION_PICTURE = "ablations.json", "ablations.png"

_ABLATION_PANELS = {
    "pointing": "Pointing, fresh phantoms",
    "boxes": "Pointing, boxes",
    "auroc": "Macro AUROC, test films",
}


def read_ablations(folder: Path) -> dict[str, Any] | None:
    """What `python -m egma.finetune.mini.ablation` left beside the checkpoint; None where it has not run."""
    path = folder / ABLATIONS_NAME
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = [arm["pointing"]["value"] for arm in found["arms"]]
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"{ABLATIONS_NAME} is not what the ablation writes; remove it or run the ablation again"
        ) from None
    return found


def draw_ablations(ablations: dict[str, Any], look: Look = LIGHT) -> bytes:
    """The plot of an ablation: a row an arm, a panel a measure."""
    panels = []
    for measure, title in _ABLATION_PANELS.items():
        rows = [(arm["name"], arm[measure]) for arm in ablations["arms"] if arm.get(measure)]
        if rows:
            panels.append((title, rows, ablations.get("guesses", {}).get(measure)))
    return draw_panels(panels, look)


def ablations_part(found: dict[str, Any] | None) -> str:
    """Table and words; "" where no ablation ran."""
    if found is None:
        return ""
    rows = "\n".join(
        f"| {arm['name']} | "
        + " | ".join(interval(arm[key]) if arm.get(key) else "none" for key in _ABLATION_COLUMNS)
        + " |"
        for arm in found["arms"]
    )
    return f"""## Does gaze help?

Heads and text projection trained anew {found["seeds"]} times for each row, {found["steps"]} steps on this checkpoint's frozen trunk
features; everything but the gaze terms is equal. Figures are means over the seeds, their intervals from drawing lesions
or patients anew; differences are paired with the first row. `python -m egma.finetune.mini.ablation --data FOLDER` makes
them again.

| | Pointing, {found["phantoms"]} fresh phantoms | difference | Inside minus outside | Pointing, boxes | difference | Macro AUROC, test | difference |
|---|---|---|---|---|---|---|---|
{rows}

{_verdict(found)}

![The ablation: each row's figure with its interval; dashed, the guess of a lung's middle](ablations.png)"""


_ABLATION_COLUMNS = ("pointing", "pointing_gain", "gap", "boxes", "boxes_gain", "auroc", "auroc_gain")


def _verdict(found: dict[str, Any]) -> str:
    """What the paired differences of the whole method from no gaze say, in words."""
    whole = next((arm for arm in found["arms"] if arm.get("whole")), None)
    if whole is None:
        return ""
    names = {"pointing_gain": "pointing on phantoms", "boxes_gain": "pointing on boxes", "auroc_gain": "AUROC on films"}
    told = [f"{label} {_effect(whole[key])}" for key, label in names.items() if whole.get(key)]
    return f"Gaze terms against none: {'; '.join(told)}. Gaze is simulated here; recorded gaze may do better or worse."


def _effect(figure: dict[str, Any]) -> str:
    if figure["low"] is None or figure["low"] <= 0 <= figure["high"]:
        return f"shows no difference ({interval(figure)})"
    return f"is {'better' if figure['value'] > 0 else 'worse'}: {interval(figure)}"
